"""The program in the code cells of a Jupyter notebook (format 4); runs none of it."""

import ast
import json

SUFFIX = ".ipynb"


def program(notebook: bytes) -> str:
    """The code cells one behind the other, so that its lines count through them.

    Jupyter's line magics (`%matplotlib inline`) only make sense there and become `pass`. Raises SyntaxError for what is
    no notebook, and for a cell that is not Python: `!command` and `%%magic`.
    """
    try:
        cells = json.loads(notebook)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        texts = [one if isinstance(one, str) else "".join(one) for one in sources]
    except (ValueError, KeyError, TypeError) as error:
        raise SyntaxError("this is no notebook of format 4") from error
    return "".join(f"{_python(number, text)}\n" for number, text in enumerate(texts, 1))


def _python(number: int, cell: str) -> str:
    try:
        ast.parse(cell)
    except SyntaxError:
        lines = cell.split("\n")
        for line in lines:
            if line.lstrip().startswith(("!", "%%")):
                raise SyntaxError(f"code cell {number} is not Python: {line.strip()}") from None
        return "\n".join(_without_magic(line) for line in lines)
    return cell


def _without_magic(line: str) -> str:
    code = line.lstrip()
    return f"{line[: len(line) - len(code)]}pass" if code.startswith("%") else line
