"""The rest of the kit: random numbers, answers, declared types, metrics, and what it may import."""

from __future__ import annotations

import ast
import math
import operator
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as reference

from challenges import kit
from challenges.kit import (
    Answers,
    Array,
    Data,
    Fields,
    GraderError,
    InvalidOutput,
    Number,
    Returns,
    SubmissionEnded,
    Text,
    close,
    metrics,
)
from challenges.kit.data import seeded_generator
from sandbox.inside.values import encode

LABELS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)
GARBAGE: list[Any] = [None, True, 1, 1.5, "x", b"x", [], {}, np.zeros(3), math.nan, 10**400, "\ud800", "x" * 3000]


def test_the_kit_needs_the_standard_library_numpy_and_the_inside_of_a_box_only() -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "challenges.kit", "sandbox.inside"}
    for path in Path(kit.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0 and node.module is not None
                names = [node.module]
            for name in names:
                roots = {".".join(name.split(".")[:length]) for length in (1, 2)}
                assert roots & allowed, f"{path.name} imports {name}"


def test_a_name_always_means_the_same_numbers_and_never_those_of_another() -> None:
    data = Data(Path(), Path(), (), b"secret")
    first = data.rng("rows").random(4)
    assert (data.rng("rows").random(4) == first).all()
    assert not (data.rng("labels").random(4) == first).any()
    assert not (Data(Path(), Path(), (), b"other").rng("rows").random(4) == first).any()
    assert (seeded_generator(b"secret", "rows").random(4) == first).all()


def test_the_numbers_of_a_seed_do_not_change_with_the_code() -> None:
    # Challenges would get other data under the same version.
    assert seeded_generator(b"seed", "name").integers(0, 1000, 5).tolist() == [243, 581, 711, 503, 33]


def test_the_seed_is_not_shown() -> None:
    assert "secret" not in repr(Data(Path(), Path(), (), b"secret"))


def test_answers_are_a_sequence_that_can_be_compared() -> None:
    answers = Answers([1, 2, 3], complete=True)
    assert (list(answers), answers[0], answers[1:], len(answers), 2 in answers) == ([1, 2, 3], 1, (2, 3), 3, True)
    assert answers.agree([1, 2, 3])
    assert not answers.agree([1, 2, 4])
    assert answers.agree([0, 1, 2], operator.gt)
    assert answers.agree([1, 2, 3], lambda a, b: np.bool_(a == b))
    assert not Answers([1, 2], complete=False).agree([1, 2, 3])
    assert not Answers([1, 2, 3], complete=False).agree([1, 2, 3])
    with pytest.raises(GraderError, match="4 expected values for 3"):
        answers.agree([1, 2, 3, 4])


@pytest.mark.parametrize("value", GARBAGE, ids=lambda value: f"{type(value).__name__}-{str(value)[:8]!a}")
def test_declared_types_take_their_own_and_refuse_the_rest(value: Any) -> None:
    takes: dict[str, tuple[Returns, bool]] = {
        "text": (Text(max_kb=1), type(value) is str and value == "x"),
        "number": (Number(), type(value) in (int, float) and value in (1, 1.5)),
        "array": (Array("float64", (3,)), type(value) is np.ndarray),
    }
    for kind, (returns, fits) in takes.items():
        assert returns.kind == kind
        if fits:
            assert np.array_equal(returns.check(value), value)
        else:
            with pytest.raises(InvalidOutput, match="return"):
                returns.check(value)


def test_numbers_become_floats() -> None:
    assert type(Number().check(3)) is float


@pytest.mark.parametrize("subclass", [type("S", (str,), {})("x"), type("F", (float,), {})(1.0), np.float64(1)])
def test_subclasses_are_not_the_type(subclass: Any) -> None:
    for returns in (Text(), Number()):
        with pytest.raises(InvalidOutput):
            returns.check(subclass)


def test_arrays_are_checked_from_type_to_size() -> None:
    returns = Array("float64", (None, 2), max_kb=1)
    assert returns.check(np.zeros((5, 2))).shape == (5, 2)
    for value, message in (
        (np.zeros((5, 2), "float32"), "dtype float64"),
        (np.zeros(2), "2 axes$"),
        (np.zeros((5, 3)), "axis 1 .* length 2$"),
        (np.zeros((0, 2**50)), "axis 1 .* length 2$"),  # weighs nothing, and its length could be a message
        (np.zeros((65, 2)), "more than 1 KiB"),
    ):
        with pytest.raises(InvalidOutput, match=message):
            returns.check(value)
    with pytest.raises(GraderError):
        Array("object", (1,))


def test_a_dict_has_exactly_the_keys_declared_each_of_its_type() -> None:
    returns = Fields({"coef": Array("float64", (2,)), "r2": Number()})
    value = {"r2": 1, "coef": np.zeros(2)}
    found = returns.check(value)
    assert (found["r2"], found["coef"].tolist(), list(found)) == (1.0, [0.0, 0.0], ["coef", "r2"])
    body, raw = encode(value)
    assert len(body) + len(raw) <= returns.max_bytes
    for wrong in (
        {},
        {"r2": 1},
        value | {"more": 1},
        [*value],
        None,
        value | {"r2": "1"},
        value | {"coef": np.zeros(3)},
    ):
        with pytest.raises(InvalidOutput):
            returns.check(wrong)


NAN = float("nan")
CLOSE: list[tuple[Any, Any]] = [
    (1.0005, 1.0),
    ([1.0, NAN], np.array([1.0, NAN])),
    (np.zeros((0, 2)), np.zeros((0, 2))),
    (True, 1),
]
APART: list[tuple[Any, Any]] = [
    (1.002, 1.0),
    ([1.0], 1.0),
    ([1.0, 2.0], [NAN, 2.0]),
    (np.zeros((2, 1)), np.zeros(2)),
    ("x", 1.0),
    (None, 1.0),
    ([[1.0], 2.0], [1.0, 2.0]),
    ({}, 1.0),
    (10**400, 1.0),
    (float("inf"), 1.0),
]


@pytest.mark.parametrize(("pairs", "wanted"), [(CLOSE, True), (APART, False)], ids=["close", "apart"])
def test_close_is_about_shape_and_distance_and_survives_anything(pairs: list[tuple[Any, Any]], wanted: bool) -> None:
    same = close(rtol=1e-3, atol=1e-6)
    for answer, right in pairs:
        assert same(answer, right) is wanted, answer


def test_the_end_of_a_submission_is_not_caught_by_accident() -> None:
    assert not issubclass(SubmissionEnded, Exception)


@given(LABELS)
def test_metrics_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, guess = map(list, zip(*pairs, strict=True))
    counts = metrics.confusion(truth, guess)
    tn, fp, fn, tp = reference.confusion_matrix(truth, guess, labels=[0, 1]).ravel()
    assert tuple(counts) == (tp, fp, fn, tn)
    assert metrics.precision(counts) == pytest.approx(reference.precision_score(truth, guess, zero_division=0))
    assert metrics.recall(counts) == pytest.approx(reference.recall_score(truth, guess, zero_division=0))
    assert metrics.f1(counts) == pytest.approx(reference.f1_score(truth, guess, zero_division=0))
    assert 0 <= metrics.f1_standard_error(counts) <= 1


def test_the_standard_error_of_f1_is_what_repeated_samples_show() -> None:
    rng = np.random.default_rng(7)
    shares, rows = (0.10, 0.04, 0.06, 0.80), 3000
    drawn = [metrics.f1(metrics.Confusion(*map(int, counts))) for counts in rng.multinomial(rows, shares, 4000)]
    expected = metrics.Confusion(*(round(rows * share) for share in shares))
    assert metrics.f1_standard_error(expected) == pytest.approx(np.std(drawn), rel=0.05)


CLASSES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=60)
PRICES = st.lists(st.tuples(*[st.floats(-1e6, 1e6).map(lambda x: round(x, 3))] * 2), min_size=2, max_size=60)


@given(CLASSES)
def test_metrics_of_many_classes_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, guess = map(list, zip(*pairs, strict=True))
    wanted = reference.recall_score(truth, guess, average=None, labels=sorted(set(truth)), zero_division=0)
    assert list(metrics.recalls(truth, guess)) == sorted(set(truth))
    assert list(metrics.recalls(truth, guess).values()) == pytest.approx(list(wanted))
    assert metrics.accuracy(truth, guess) == pytest.approx(reference.accuracy_score(truth, guess))
    assert metrics.balanced_accuracy(truth, guess) == pytest.approx(np.mean(wanted))
    assert 0 <= metrics.accuracy_standard_error(truth, guess) <= 0.5


@given(PRICES)
def test_r2_agrees_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    truth, guess = map(list, zip(*pairs, strict=True))
    assume(max(truth) > min(truth))
    assert metrics.r2(truth, guess) == pytest.approx(reference.r2_score(truth, guess), rel=1e-6, abs=1e-6)
    assert metrics.r2_standard_error(truth, guess) >= 0


def test_standard_errors_are_what_repeated_samples_show() -> None:
    rng = np.random.default_rng(7)
    truth = rng.normal(0, 1, (2000, 500))
    guess = truth + rng.normal(0, 0.4, truth.shape) * (1 + np.abs(truth))
    found = [metrics.r2(*pair) for pair in zip(truth, guess, strict=True)]
    assert metrics.r2_standard_error(truth.ravel(), guess.ravel()) * 2000**0.5 == pytest.approx(np.std(found), rel=0.1)
    labels = rng.integers(0, 3, (2000, 400))
    said = np.where(rng.random(labels.shape) < 0.7, labels, 3)
    found = [metrics.accuracy(*pair) for pair in zip(labels, said, strict=True)]
    assert metrics.accuracy_standard_error(labels[0], said[0]) == pytest.approx(np.std(found), rel=0.1)
    found = [metrics.balanced_accuracy(*pair) for pair in zip(labels, said, strict=True)]
    assert metrics.balanced_accuracy_standard_error(labels[0], said[0]) == pytest.approx(np.std(found), rel=0.1)


@pytest.mark.parametrize(
    ("truth", "guess"),
    [([1.0], [1.0, 2]), ([], []), ([1.0, 1], [1, 1]), ([1.0, 2], [np.nan, 1]), ([[1.0, 2]], [[1.0, 2]])],
)
def test_r2_of_anything_else_is_the_authors_fault(truth: Any, guess: Any) -> None:
    with pytest.raises(GraderError):
        metrics.r2(truth, guess)


@pytest.mark.parametrize(("truth", "guess"), [([0], [0, 1]), ([], []), ([[0]], [[0]])])
def test_classes_of_anything_else_are_the_authors_fault(truth: Any, guess: Any) -> None:
    for metric in (metrics.accuracy, metrics.balanced_accuracy, metrics.recalls):
        with pytest.raises(GraderError):
            metric(truth, guess)


@pytest.mark.parametrize(("truth", "guess"), [([0, 1], [0]), ([0, 2], [0, 1]), ([0, 1], [0.5, 1]), ([[0]], [[0]])])
def test_counting_anything_else_is_the_authors_fault(truth: Any, guess: Any) -> None:
    with pytest.raises(GraderError):
        metrics.confusion(truth, guess)
