"""A service answers each word; the answers are strings that a search would know again."""

from hashlib import sha256

from challenges.kit import Attempt, Data, Score


def generate(data: Data) -> None:
    words = ["cnry_q_" + data.rng(f"word {n}").bytes(8).hex() for n in range(12)]
    (data.hidden / "questions.txt").write_text("\n".join(words))
    (data.hidden / "answers.txt").write_text("\n".join(map(right, words)))
    (data.public / "examples.txt").write_text("one " + right("one"))


def right(word: str) -> str:
    return "cnry_a_" + sha256(word.encode()).hexdigest()[:16]


def grade(attempt: Attempt, data: Data) -> Score:
    words = (data.hidden / "questions.txt").read_text().split()
    service = attempt.serve(8080)
    if not service.ready("/ready", seconds=3):
        return Score.of(data.groups, {"words": False})
    answers = [service.get(f"/{word}").body.decode("utf-8", "replace") for word in words]
    return Score.of(data.groups, {"words": answers == (data.hidden / "answers.txt").read_text().split()})
