"""Shapes on hidden images: accuracy of the classes that a submission says, row by row."""

import io

import glyphs
import numpy as np

from challenges.kit import Attempt, Data, InvalidOutput, Output, Score, metrics

TRAIN, PUBLIC, PRIVATE = 2_500, 600, 1_400
NOISE, MORE_NOISE = 0.25, 0.275
RECALL = 0.5


def generate(data: Data) -> None:
    """data.public/train.npz with labels; data.hidden/test.npz, public part first."""
    images, labels = glyphs.draw(data.rng("train"), TRAIN, NOISE)
    (data.public / "train.npz").write_bytes(_packed(images=images, labels=labels))
    (data.public / "names.txt").write_text("\n".join(glyphs.NAMES) + "\n")
    images, labels = glyphs.draw(data.rng("test"), PUBLIC + PRIVATE, MORE_NOISE)
    (data.hidden / "test.npz").write_bytes(_packed(images=images, labels=labels))


def sample(attempt: Attempt, data: Data) -> Score:
    """The last quarter of the public images in place of the hidden ones."""
    images, labels = _unpacked((data.public / "train.npz").read_bytes())
    cut = TRAIN * 3 // 4
    said = _said(attempt, _packed(images=images[:cut], labels=labels[:cut]), images[cut:])
    return Score.of(data.groups, _found(labels[cut:], said))


def grade(attempt: Attempt, data: Data) -> Score:
    """One run; rows come in an order of the submission's own."""
    images, labels = _unpacked((data.hidden / "test.npz").read_bytes())
    order = attempt.rng("order").permutation(len(labels))
    said = np.empty_like(labels)
    said[order] = _said(attempt, (data.public / "train.npz").read_bytes(), images[order])
    public, private = slice(0, PUBLIC), slice(PUBLIC, None)
    return Score.of(
        data.groups,
        _found(labels[public], said[public]),
        _found(labels[private], said[private]),
        metric=metrics.accuracy(labels[public], said[public]),
        standard_error=metrics.accuracy_standard_error(labels[public], said[public]),
    )


def _found(labels: np.ndarray, said: np.ndarray) -> dict[str, bool | float]:
    recalls = metrics.recalls(labels, said)
    return {"accuracy": metrics.accuracy(labels, said), "all-classes": min(recalls.values()) >= RECALL}


def _said(attempt: Attempt, train: bytes, images: np.ndarray) -> np.ndarray:
    inputs = {"data/train.npz": train, "data/test.npz": _packed(images=images)}
    output = attempt.run(["python3", "solution.py"], inputs=inputs, outputs=["predictions.csv"])
    return _classes(output, len(images))


def _classes(output: Output, count: int) -> np.ndarray:
    rows = output.rows("predictions.csv", ["row", "label"])
    if [row["row"] for row in rows] != [str(number) for number in range(count)]:
        raise InvalidOutput("predictions.csv must have a line for each image of data/test.npz, in order, rows from 0")
    names = {str(number): number for number in range(len(glyphs.NAMES))}
    if not {row["label"] for row in rows} <= names.keys():
        raise InvalidOutput("predictions.csv must say a label from 0 to 7")
    return np.array([names[row["label"]] for row in rows])


def _packed(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _unpacked(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    with np.load(io.BytesIO(data)) as arrays:
        return arrays["images"], arrays["labels"]
