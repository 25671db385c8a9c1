"""Serve the model in /model/model.json; see the statement for what each path answers."""

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/healthz")
def healthz():
    return jsonify(status="alive")


@app.get("/readyz")
def readyz():
    return jsonify(status="ready")  # to do: 503 until the model is loaded


@app.post("/predict")
def predict():
    return jsonify(error={"code": "not_written", "message": "this is yours to write"}), 501
