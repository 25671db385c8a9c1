"""Sums: the program reads numbers.txt and writes sum.txt."""

from challenges.kit import Attempt, Data, Score


def generate(data: Data) -> None:
    (data.public / "example.txt").write_text("1\n2\n")
    (data.hidden / "numbers.txt").write_text("\n".join(map(str, data.rng("hidden").integers(3, 1000, 20))))


def grade(attempt: Attempt, data: Data) -> Score:
    numbers = (data.hidden / "numbers.txt").read_bytes()
    output = attempt.run(["python3", "solution.py"], inputs={"data/numbers.txt": numbers}, outputs=["sum.txt"])
    right = output.text("sum.txt").strip() == str(sum(map(int, numbers.split())))
    return Score.of(data.groups, {"sum": right})
