"""What may come over the wire, and how it is refused."""

import json


class Problem(Exception):
    def __init__(self, status, code, text):
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


def parsed(body, features):
    """The rows of a body; `features` has the categories of every feature, None for a numeric one."""
    try:
        value = json.loads(str(body, "utf-8"), parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "malformed_json", "not JSON") from error
    match value:
        case {"rows": list() as rows} if len(value) == 1:
            pass
        case _:
            raise Problem(422, "bad_shape", "send one object with the one key rows, a list")
    if len(rows) > 200:
        raise Problem(413, "batch_too_large", "send at most 200 rows")
    if len(rows) == 0:
        raise Problem(422, "empty_batch", "send at least one row")
    for row in rows:
        if type(row) is not dict:
            raise Problem(422, "bad_shape", "every row is an object")
        for name in features:
            if name not in row:
                raise Problem(422, "missing_field", "a feature is missing")
        for name, cell in row.items():
            if name not in features:
                raise Problem(422, "extra_field", "there is a field that is no feature")
            if cell is not None and type(cell) not in ((int, float) if features[name] is None else (str,)):
                raise Problem(422, "wrong_type", "a value has the wrong type")
    return rows


def _not_json(name):
    raise ValueError(name)
