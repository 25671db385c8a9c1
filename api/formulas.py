"""Formulas of a text (LaTeX) as MathML that a browser shows without a script; knows no Markdown and no page.

What the library makes is not trusted: it writes text unescaped, and attributes and links of the source's choice. So its
tree is written out here, with elements and attributes that are named below, and nothing else.
"""

import re
from html import escape, unescape
from xml.etree.ElementTree import Element

from latex2mathml.converter import Converter

MAX_SOURCE = 2000
"""Characters of one formula."""
MAX_ELEMENTS = 5000

ELEMENTS = frozenset(
    "math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub msubsup msup mtable mtd "
    "mtext mtr munder munderover".split()
)
ATTRIBUTES = frozenset(
    "accent columnalign columnlines columnspacing display displaystyle fence form height largeop linethickness lspace "
    "mathsize mathvariant maxsize minsize movablelimits notation rowlines rowspacing rspace scriptlevel separator "
    "stretchy voffset width".split()
)
_VALUE = re.compile(r"[A-Za-z0-9 .%+-]{1,64}")
_DEFINES = re.compile(r"\\(?:newcommand|renewcommand|providecommand|def|DeclareMathOperator|(?:re)?newenvironment)")
"""Definitions are refused: a few lines of them can stand for a text of any length."""


def mathml(source: str, *, block: bool) -> str:
    """The formula, or its source as text where it is no formula, too long, or asks for what is not allowed."""
    if len(source) > MAX_SOURCE or _DEFINES.search(source):
        return _as_text(source)
    try:
        tree = Converter(display="block" if block else "inline").convert_to_element(source)
        return _written(tree)
    except Exception:  # noqa: BLE001 - an author's mistake, whatever class the library stumbles with: its source is shown
        return _as_text(source)


def _as_text(source: str) -> str:
    return f'<code class="formula">{escape(source)}</code>'


def _written(tree: Element) -> str:
    if sum(1 for _ in tree.iter()) > MAX_ELEMENTS:
        raise ValueError("too many elements")
    return _element(tree)


def _element(node: Element) -> str:
    inner = escape(unescape(node.text or "")) + "".join(
        _element(child) + escape(unescape(child.tail or "")) for child in node
    )
    if node.tag not in ELEMENTS:
        raise ValueError(f"{node.tag} is not an element of ours")
    attributes = "".join(
        f' {name}="{value}"' for name, value in node.attrib.items() if name in ATTRIBUTES and _VALUE.fullmatch(value)
    )
    return f"<{node.tag}{attributes}>{inner}</{node.tag}>"
