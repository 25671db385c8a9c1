"""One route that predicts, without a look at what it is asked."""

import json
import math

from flask import Flask, request


def create_app(path):
    app = Flask(__name__)
    held = {}

    def load():
        with open(path) as file:
            held.update(json.load(file))

    try:
        load()
    except OSError:
        app.logger.info("no model")

    @app.post("/reload")
    def reload():
        load()
        return {"version": held["version"]}

    @app.post("/predict")
    def predict():
        said = []
        for row in request.get_json()["rows"]:
            score = held["bias"]
            for one in held["features"]:
                value = row[one["name"]]
                score += 0 if value is None else one["weight"] * (value - one["mean"]) / one["scale"]
            chance = 1 / (1 + math.exp(-score)) if score > -700 else 0.0
            said.append({"probability": chance, "label": int(chance >= held["threshold"])})
        return {"version": held["version"], "predictions": said}

    return app
