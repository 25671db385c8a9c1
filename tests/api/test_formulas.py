"""Formulas become MathML of our own elements and attributes, or their source as text; never anything else."""

from __future__ import annotations

import random
from html.parser import HTMLParser

import pytest

from api import markdown
from api.formulas import ATTRIBUTES, ELEMENTS, MAX_SOURCE, mathml

PIECES = (
    "a b 1 2 + - < > & ' \" = ( ) [ ] { } ^ _ ~ % # \\\\ \\{ \\} \\frac \\sqrt \\left( \\right) \\sum_ \\int \\text{ \\href{ "
    "\\style{ \\class{ \\color{ \\textcolor{ \\unicode{x3c} \\begin{matrix} \\end{matrix} \\begin{array}{c|c} \\end{array} "
    "\\hspace{1em} \\rule{1px}{2px} \\operatorname \\mathbb \\overset \\substack{ \\not \\boxed \\hat \\vec \\prime \\limits "
    "javascript:alert(1) <script> </math> onload= &lt; &#60; \x00 \ud800 é"
).split(" ")


class Seen(HTMLParser):
    """The elements and attributes a browser would see, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def holds(html: str) -> Seen:
    """What the formula became; fails on anything that is not ours."""
    seen = Seen(html)
    assert seen.open == []
    if seen.tags == ["code"]:
        assert seen.attributes == [("class", "formula")]
    else:
        assert seen.tags[0] == "math"
        assert set(seen.tags) <= ELEMENTS
        assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    return seen


@pytest.mark.parametrize(
    ("source", "inside"),
    [
        (
            r"\frac{1}{n}\sum_{i=1}^n (y_i - \hat y_i)^2",
            "<mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac>",
        ),
        (r"a < b & c", "<mo>&lt;</mo>"),
        (r"\begin{matrix}a&b\\c&d\end{matrix}", "<mtable><mtr><mtd><mi>a</mi></mtd>"),
        (r"\mathbb{R}^{n \times m}", "ℝ"),
        (r"\text{if } x > 0", "<mtext>if"),
    ],
)
def test_what_authors_write_becomes_mathml(source: str, inside: str) -> None:
    made = mathml(source, block=False)
    holds(made)
    assert made.startswith('<math display="inline">')
    assert inside in made


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"\text{<script>alert(1)</script>}", "<script>alert(1)</script>"),
        (r"\text{&lt;script&gt;}", "<script>"),
        (r"\href{javascript:alert(1)}{x}", "x"),
        (r"\style{background:url(x)}{x}", "x"),
        (r'\class{a" onclick="alert(1)}{x}', "x"),
        (r'\textcolor{red" onload="x}{y}', "y"),
        (r"\text{</mtext></math><img/src=x/onerror=alert(1)>}", "</mtext></math><img/src=x/onerror=alert(1)>"),
        (r"\unicode{x3c}script\unicode{x3e}", "<script>"),
    ],
)
def test_hostile_formulas_are_text_without_a_link_a_style_or_a_script(source: str, text: str) -> None:
    seen = holds(mathml(source, block=True))
    assert seen.text == text
    assert not {"href", "style", "class", "mathcolor"} & {name for name, _ in seen.attributes}


@pytest.mark.parametrize(
    "source",
    [
        r"\frac",
        r"\left(",
        "{" * 500,
        r"\frac{1}{" * 200 + "1" + "}" * 200,
        r"\sqrt{" * 300,
        "x" * (MAX_SOURCE + 1),
        r"\def\a{xx}\def\b{\a\a}\b",
        r"\newcommand{\a}{\a\a}\a",
        r"\DeclareMathOperator{\a}{b}\a",
        r"\newenvironment{a}{b}{c}",
    ],
)
def test_what_is_no_formula_too_deep_too_long_or_defines_is_shown_as_its_source(source: str) -> None:
    seen = holds(mathml(source, block=False))
    assert seen.tags == ["code"]
    assert seen.text == source


def test_no_mixture_of_pieces_gets_anything_else_through() -> None:
    dice = random.Random(20261126)
    formulas = 0
    for _ in range(3000):
        source = "".join(dice.choices(PIECES, k=dice.randrange(1, 14)))
        formulas += holds(mathml(source, block=dice.random() < 0.5)).tags[0] == "math"
    assert 300 < formulas < 2900  # both kinds were met


def test_in_a_text_dollars_are_formulas_unless_they_are_money() -> None:
    made = markdown.html("`$x$`, $x_1$ and\n\n$$\nx^2\n$$\n\n| a |\n|---|\n| $y$ |\n\n\\$z\\$\n\nFrom $5 to $10.\n")
    assert made.count("<math") == 3
    assert "<code>$x$</code>," in made
    assert '<div class="math block">\n<math display="block">' in made
    assert "<p>$z$</p>\n<p>From $5 to $10.</p>" in made


def test_a_text_is_rendered_once() -> None:
    markdown.html.cache_clear()
    assert markdown.html("once $x$") is markdown.html("once $x$")
    assert (markdown.html.cache_info().hits, markdown.html.cache_info().misses) == (1, 1)
