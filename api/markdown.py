"""Markdown with formulas, and HTML shown as text, to HTML; knows no challenge."""

from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from api.formulas import mathml


def _formula(source: str, options: dict[str, Any]) -> str:
    return mathml(source, block=options["display_mode"])


_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
# Of money: no dollar closes a formula after a space or before a digit. Elsewhere authors write \$.
dollarmath_plugin(_markdown, allow_labels=False, allow_space=False, allow_digits=False, renderer=_formula)


@lru_cache(maxsize=256)
def html(text: str) -> str:
    """The text as HTML, made once: `$a$` is a formula in a line, `$$a$$` one of its own; every tag is ours."""
    return str(_markdown.render(text))
