"""From the body of a request to rows that the model can be asked about."""

import json
from typing import Any

from model import Model

MAX_ROWS = 200


class Invalid(Exception):
    """The body has to be refused."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message


def rows_of(body: bytes, model: Model) -> list[dict[str, Any]]:
    """Raises Invalid."""
    try:
        asked = json.loads(body.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Invalid(400, "malformed_json", "The body is not JSON.")
    if not isinstance(asked, dict) or asked.keys() != {"rows"} or not isinstance(asked["rows"], list):
        raise Invalid(422, "bad_shape", 'The body must be {"rows": [...]}.')
    rows = asked["rows"]
    if not rows:
        raise Invalid(422, "empty_batch", "Send at least one row.")
    if len(rows) > MAX_ROWS:
        raise Invalid(413, "batch_too_large", f"Send at most {MAX_ROWS} rows.")
    for number, row in enumerate(rows):
        _check(number, row, model)
    return rows


def _check(number: int, row: Any, model: Model) -> None:
    if not isinstance(row, dict):
        raise Invalid(422, "bad_shape", f"Row {number} is not an object.")
    names = model.numeric | model.categories.keys()
    if names - row.keys():
        raise Invalid(422, "missing_field", f"Row {number} lacks {min(names - row.keys())}.")
    if row.keys() - names:
        raise Invalid(422, "extra_field", f"Row {number} has a field that the model does not know.")
    for name, value in row.items():
        fits = type(value) in (int, float) if name in model.numeric else isinstance(value, str)
        if not fits and value is not None:
            raise Invalid(422, "wrong_type", f"{name} of row {number} has the wrong type.")


def _refuse(literal: str) -> None:
    raise ValueError(f"{literal} is not JSON")
