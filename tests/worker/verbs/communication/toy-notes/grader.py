"""Reads the notes themselves, and has a tool count words where the participant's bytes are kept apart."""

from challenges.kit import Attempt, Data, InvalidOutput, Score


def generate(data: Data) -> None:
    (data.public / "examples.txt").write_text("# Title\none two\n")


def grade(attempt: Attempt, data: Data) -> Score:
    notes = attempt.files().text("notes.md")
    counted = attempt.inspect("tools/count.py", "notes.md", outputs=["count.json"]).json("count.json")
    if not isinstance(counted, dict) or set(counted) != {"words", "files", "beside"}:
        raise InvalidOutput("the notes could not be counted")
    if counted["beside"] != ["tools"]:
        raise InvalidOutput("something else lies beside the tool")
    return Score.of(data.groups, {"words": counted["words"] == 2, "title": notes.startswith("# ")})
