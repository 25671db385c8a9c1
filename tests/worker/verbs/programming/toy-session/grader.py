"""Totals that objects keep: two of them side by side, the next number known only when the last answer is there."""

from challenges.kit import Attempt, Data, GraderError, Number, Score


def generate(data: Data) -> None:
    (data.public / "examples.txt").write_text("1 2 3\n")


def grade(attempt: Attempt, data: Data) -> Score:
    session = attempt.open(max_kb=1)
    one, two = session.make("Total", 0), session.make("Total", 100)
    keeps, wanted, number = True, 0, 1
    for _ in range(10):
        wanted += number
        told = one.call("add", number, returns=Number())
        keeps = keeps and told == wanted
        number = int(told) % 7 + 1
    keeps = keeps and two.call("add", 1, returns=Number()) == 101
    if session.cpu_seconds() <= 0:
        raise GraderError("a process that answered has used no cpu")
    begun = [session.call("count", returns=Number()), attempt.open(max_kb=1).call("count", returns=Number())]
    return Score.of(data.groups, {"keeps": keeps, "forgets": begun == [2, 0]})
