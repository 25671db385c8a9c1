"""Small faults put into a Python program one at a time, for a suite of tests to find; runs none of them.

The operators are those of the quality gate (docs/quality-gate.md): comparison, arithmetic, boolean, unary, constants by
one, pairs of names, dropped keywords, forced branches, deleted statements.
"""

import ast
import copy
import difflib
import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

HARMLESS = "strict"
"""The keyword of zip that guards against its author's own mistakes: without it a right program does the same."""
COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE,),
    ast.LtE: (ast.Lt,),
    ast.Gt: (ast.GtE,),
    ast.GtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
PAIRS = (
    ("mean", "median"),
    ("left", "right"),
    ("min", "max"),
    ("minimum", "maximum"),
    ("zeros", "ones"),
    ("argmin", "argmax"),
    ("floor", "ceil"),
    ("first", "last"),
    ("any", "all"),
    ("lower", "upper"),
    ("ffill", "bfill"),
    ("sum", "prod"),
    ("cumsum", "cumprod"),
    ("inner", "outer"),
    ("append", "extend"),
)
SWAPS = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}


@dataclass(frozen=True)
class Mutant:
    """One fault. `key` names it as long as the code around it stays as it is."""

    key: str
    operator: str
    source: str
    diff: str


def mutants(source: str, within: Collection[str] | None = None) -> list[Mutant]:
    """Every mutant of a module, in the order of its text; the same fault at the same place once.

    `within` names the top-level functions and classes that may change. Raises SyntaxError.
    """
    tree = ast.parse(source)
    plain = ast.unparse(tree)
    found: dict[str, Mutant] = {}
    for operator, changed in _changed(tree, within):
        text = ast.unparse(changed)
        if text == plain or text in found:
            continue
        lines = list(difflib.unified_diff(plain.splitlines(), text.splitlines(), lineterm="", n=2))[2:]
        digest = hashlib.sha256("\n".join(line for line in lines if not line.startswith("@@")).encode()).hexdigest()
        found[text] = Mutant(f"{operator}-{digest[:10]}", operator, text + "\n", "\n".join(lines))
    return list(found.values())


def chosen(all_mutants: list[Mutant], most: int) -> list[Mutant]:
    """At most so many of them, evenly over operators and text and the same ones each time."""
    if len(all_mutants) <= most:
        return all_mutants
    by_operator: dict[str, list[Mutant]] = {}
    for one in all_mutants:
        by_operator.setdefault(one.operator, []).append(one)
    for listed in by_operator.values():
        listed.sort(key=lambda one: one.key.rpartition("-")[2])
    kept: list[Mutant] = []
    while len(kept) < most:
        for listed in by_operator.values():
            if listed and len(kept) < most:
                kept.append(listed.pop())
    return [one for one in all_mutants if one in kept]


Edit = Callable[[ast.AST], None]


def only_of(source: str, entry: str, others: Collection[str]) -> set[str]:
    """Names of the module's functions and classes that `entry` uses, itself among them, and none of `others` does."""
    tree = ast.parse(source)
    tops = {one.name: one for one in tree.body if isinstance(one, (ast.FunctionDef, ast.ClassDef))}

    def used(start: Collection[str]) -> set[str]:
        found: set[str] = set()
        ahead = [name for name in start if name in tops]
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.add(name)
                ahead += [one.id for one in ast.walk(tops[name]) if isinstance(one, ast.Name) and one.id in tops]
        return found

    return used([entry]) - used(others)


def _changed(tree: ast.Module, within: Collection[str] | None) -> Iterator[tuple[str, ast.Module]]:
    """(operator, the whole tree with one change) for every change there is."""
    skipped = _not_code(tree)
    if within is not None:
        outside = [one for one in tree.body if getattr(one, "name", None) not in within]
        skipped |= {id(one) for top in outside for one in ast.walk(top)}
    for at, node in enumerate(ast.walk(tree)):
        if id(node) in skipped:
            continue
        for operator, edit in _edits(node):
            other = copy.deepcopy(tree)
            edit(next(one for n, one in enumerate(ast.walk(other)) if n == at))
            yield operator, ast.fix_missing_locations(other)


def _not_code(tree: ast.Module) -> set[int]:
    """Docstrings, annotations, imports and f-string formats: a change there is no fault of the program."""
    found: set[int] = set()
    for node in ast.walk(tree):
        roots: list[ast.AST | None] = []
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                roots.append(first)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = node.args
            roots += [node.returns, *(one.annotation for one in (*arguments.args, *arguments.kwonlyargs))]
        if isinstance(node, ast.AnnAssign):
            roots.append(node.annotation)
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Raise)):
            roots.append(node)
        if isinstance(node, ast.FormattedValue):
            roots.append(node.format_spec)
        if isinstance(node, ast.keyword) and node.arg == HARMLESS:
            roots.append(node.value)
        for root in roots:
            if root is not None:
                found |= {id(one) for one in ast.walk(root)}
    return found


def _edits(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    yield from _operators(node)
    yield from _branches(node)
    yield from _names(node)
    yield from _statements(node)


def _operators(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, ast.Compare):
        for n, op in enumerate(node.ops):
            for other in COMPARE[type(op)]:
                yield "comparison", _set_item("ops", n, other())
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in ARITHMETIC:
        yield "arithmetic", _set("op", ARITHMETIC[type(node.op)]())
    if isinstance(node, ast.BoolOp):
        yield "boolean", _set("op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, (ast.Return, ast.Assign)) and isinstance(node.value, ast.UnaryOp):
        yield "unary", _set("value", node.value.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.UnaryOp):
        yield "unary", _set("right", node.right.operand)


def _branches(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
            yield "unary", _set("test", node.test.operand)
        for forced in (True, False) if not isinstance(node, ast.While) else (False,):
            yield "branch", _set("test", ast.Constant(forced))


def _names(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, ast.Constant):
        yield from _constants(node)
    if isinstance(node, ast.Attribute) and node.attr in SWAPS:
        yield "name", _set("attr", SWAPS[node.attr])
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in SWAPS:
        yield "name", _set("id", SWAPS[node.id])
    if isinstance(node, ast.Call):
        for n, keyword in enumerate(node.keywords):
            if keyword.arg != HARMLESS:
                yield "keyword", _drop("keywords", n)


def _statements(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        if isinstance(block, list) and not isinstance(node, ast.ClassDef):
            for n, statement in enumerate(block):
                deletable = isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Continue, ast.Break))
                docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
                if deletable and not docstring and not isinstance(node, ast.Module):
                    yield "statement", _set_item(field, n, ast.Pass())


def _constants(node: ast.Constant) -> Iterator[tuple[str, Edit]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", _set("value", not value)
    elif isinstance(value, (int, float)):
        for other in (value + 1, value - 1):
            yield "constant", _set("value", other)
    elif isinstance(value, str) and value in SWAPS:
        yield "name", _set("value", SWAPS[value])


def _set(field: str, value: object) -> Edit:
    return lambda node: setattr(node, field, value)


def _set_item(field: str, at: int, value: object) -> Edit:
    return lambda node: getattr(node, field).__setitem__(at, value)


def _drop(field: str, at: int) -> Edit:
    return lambda node: getattr(node, field).__delitem__(at)
