"""FastAPI with Pydantic for the outer form of a request, and a forest that takes whole columns."""

import json
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError, create_model

from forest import Forest

MAX_ROWS = 200
CODES = {"missing": "missing_field", "extra_forbidden": "extra_field"}


class Batch(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    rows: list[dict[str, Any]]


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message


@asynccontextmanager
async def lifespan(app: FastAPI):
    with open("/model/model.json", encoding="utf-8") as file:
        app.state.forest = Forest(json.load(file))
    numeric, words = StrictInt | StrictFloat | None, StrictStr | None
    kinds = app.state.forest.kinds
    # The features' names need not be names in Python, so they are aliases.
    fields = {
        f"f{at}": (numeric if kind == "numeric" else words, Field(alias=name))
        for at, (name, kind) in enumerate(kinds.items())
    }
    app.state.row = create_model("Row", __config__=ConfigDict(extra="forbid"), **fields)
    yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.get("/healthz")
@app.get("/readyz")
async def healthy():
    return {"status": "ok"}  # it does not listen before the lifespan has begun


@app.post("/predict")
async def predict(request: Request):
    rows = _rows(await request.body(), request.app.state.row)
    forest = request.app.state.forest
    scores, chances = forest.predict(rows)
    answers = [{"score": score, "probability": chance} for score, chance in zip(scores, chances, strict=True)]
    return JSONResponse({"model": forest.id, "predictions": answers})


@app.exception_handler(Refusal)
async def refused(request: Request, refusal: Refusal):
    return JSONResponse({"error": {"code": refusal.code, "message": refusal.message}}, refusal.status)


def _rows(body: bytes, row_model: type[BaseModel]) -> list[dict[str, Any]]:
    try:
        asked = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Refusal(400, "malformed_json", "not JSON") from None
    try:
        rows = Batch.model_validate(asked).rows
    except ValidationError:
        raise Refusal(422, "bad_shape", "send an object with the key rows and a list of objects") from None
    if not rows:
        raise Refusal(422, "empty_batch", "send a row")
    if len(rows) > MAX_ROWS:
        raise Refusal(413, "batch_too_large", f"send at most {MAX_ROWS} rows")
    for row in rows:
        try:
            row_model.model_validate(row)
        except ValidationError as error:
            found = {one["type"] for one in error.errors()}
            code = next((CODES[one] for one in CODES if one in found), "wrong_type")
            raise Refusal(422, code, "a row does not fit the model") from None
    return rows


def _refuse(literal: str) -> None:
    raise ValueError(literal)
