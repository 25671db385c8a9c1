"""Starts the submission as a service and hears its word."""

from challenges.kit import Attempt, Data, Score


def generate(data: Data) -> None:
    (data.public / "nothing.txt").write_text("nothing")
    (data.hidden / "nothing.txt").write_text("nothing")


def grade(attempt: Attempt, data: Data) -> Score:
    word = str(attempt.rng("word").integers(1 << 30)).encode()
    service = attempt.serve(8080, files={"/word/word.txt": word})
    right = service.ready("/", seconds=3) and service.get("/").body == word
    return Score.of(data.groups, {"yes": right})
