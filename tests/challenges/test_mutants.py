"""Faults put into a program: each operator makes its own, none makes nonsense, and the same ones come each time."""

from __future__ import annotations

import ast

import pytest

from challenges.mutants import chosen, mutants, only_of

CASES = [
    ("def f(a, b): return a < b", {"a <= b"}),
    ("def f(a, b): return a in b", {"a not in b"}),
    ("def f(a, b): return a + b", {"a - b"}),
    ("def f(a, b): return a // b", {"a / b"}),
    ("def f(a, b): return a and b", {"a or b"}),
    ("def f(a): return -a", {"return a"}),
    ("def f(a): return 3", {"return 4", "return 2"}),
    ("def f(a): return True", {"return False"}),
    ("def f(a): return a.mean()", {"a.median()"}),
    ("def f(a): return a.searchsorted(1, side='left')", {"side='right'", "searchsorted(1)", "searchsorted(2"}),
    ("def f(a): return min(a)", {"max(a)"}),
    ("def f(a):\n    if a: return a", {"if True", "if False"}),
    ("def f(a):\n    a += b\n    return a", {"a -= b", "pass"}),
    ("def f(a):\n    while a: g()", {"while False", "pass"}),
]


@pytest.mark.parametrize(("source", "wanted"), CASES)
def test_each_operator_makes_its_fault(source: str, wanted: set[str]) -> None:
    found = [one.source for one in mutants(source)]
    for text in wanted:
        assert any(text in one for one in found), (text, found)
    for one in found:
        compile(one, "mutant", "exec")
    assert len(set(found)) == len(found)


def test_what_is_no_code_is_left_alone() -> None:
    source = '"""Text with 3 in it."""\nimport min\ndef f(a: 3 = None) -> 4:\n    """At most 5."""\n    raise E(6)\n'
    assert mutants(source) == []


def test_keys_are_the_same_each_time_and_differ() -> None:
    one = mutants("def f(a):\n    return a < 1\n")
    assert [fault.key for fault in mutants("def f(a):\n    return a < 1\n")] == [fault.key for fault in one]
    assert len({fault.key for fault in one}) == len(one)


def test_a_few_of_many_are_spread_over_the_operators_and_always_the_same() -> None:
    source = "def f(a, b):\n" + "".join(f"    a{n} = a + {n}\n" for n in range(40)) + "    return a and b\n"
    everything = mutants(source)
    few = chosen(everything, 12)
    assert few == chosen(everything, 12)
    assert len(few) == 12 < len(everything)
    assert {one.operator for one in few} == {one.operator for one in everything}


def test_only_what_one_function_uses_may_change() -> None:
    source = "def a(): return 1\ndef b(): return 2\ndef grade(): return a() + b()\ndef generate(): return b() + 3\n"
    within = only_of(source, "grade", ["generate"])
    assert within == {"grade", "a"}
    for one in mutants(source, within):
        changed, plain = ast.parse(one.source), ast.parse(source)
        assert ast.dump(changed.body[1]) == ast.dump(plain.body[1])
        assert ast.dump(changed.body[3]) == ast.dump(plain.body[3])
