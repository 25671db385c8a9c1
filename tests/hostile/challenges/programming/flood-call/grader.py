"""Weighs bytes: a few, then fifty megabytes."""

from challenges.kit import Attempt, Data, Number, Score


def generate(data: Data) -> None:
    (data.public / "nothing.txt").write_text("nothing")
    (data.hidden / "nothing.txt").write_text("nothing")


def grade(attempt: Attempt, data: Data) -> Score:
    sizes = [1, 50 * 2**20]
    answers = attempt.call("weigh", [[bytes(size)] for size in sizes], returns=Number())
    return Score.of(data.groups, {"weights": answers.agree(sizes)})
