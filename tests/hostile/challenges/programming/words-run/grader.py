"""A program reads words and writes their answers in three kinds of file: text, numbers and JSON."""

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
    words = (data.hidden / "questions.txt").read_bytes()
    output = attempt.run(
        ["python3", "solution.py"],
        inputs={"data/questions.txt": words},
        outputs=["answers.txt", "lengths.npy", "count.json"],
    )
    wanted = (data.hidden / "answers.txt").read_text().split()
    lengths, count = output.array("lengths.npy"), output.json("count.json")
    return Score.of(
        data.groups,
        {
            "words": output.text("answers.txt").split() == wanted,
            "lengths": lengths.shape == (len(wanted),) and lengths.tolist() == [len(word) for word in wanted],
            "count": isinstance(count, dict) and count.get("count") == len(wanted),
        },
    )
