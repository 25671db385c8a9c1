# expect: verdict=wrong_answer score<=0
"""Replays the reply of the statement's example, whatever is asked."""

from flask import Flask


def create_app(path: str) -> Flask:
    """An application with one answer."""
    app = Flask(__name__)
    reply = {"version": "7", "predictions": [{"probability": 0.5312, "label": 1}]}
    app.add_url_rule("/predict", view_func=lambda: reply, methods=["POST"])
    return app
