"""The routes, for gunicorn; the model is loaded while the worker imports this."""

from flask import Flask, jsonify, request

from model import Model
from validation import Invalid, rows_of

app = Flask(__name__)
model = Model.read("/model/model.json")


@app.get("/healthz")
@app.get("/readyz")
def alive():
    # There is no worker that answers before the import is over, so whoever hears this is ready too.
    return jsonify(status="ok")


@app.post("/predict")
def predict():
    rows = rows_of(request.get_data(), model)
    return jsonify(model=model.id, predictions=[model.predict(row) for row in rows])


@app.errorhandler(Invalid)
def invalid(error):
    return jsonify(error={"code": error.code, "message": error.message}), error.status
