# E4 wrong_answer|invalid_output|runtime_error: returns text of a class that is equal to every text
class Text(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


def answer(word):
    return Text("no")
