"""What a grader may import; runs inside the grader's box on the standard library and numpy, and knows no worker."""

from challenges.kit.answers import Answers, close
from challenges.kit.attempt import Attempt
from challenges.kit.data import Data
from challenges.kit.errors import GraderError, InvalidOutput, SubmissionEnded
from challenges.kit.output import Output, parse_json
from challenges.kit.returns import Array, Fields, Number, Returns, Text
from challenges.kit.score import Check, Group, Score
from challenges.kit.service import Image, Reply, Request, Service
from challenges.kit.session import Made, Session

VERSION: int = 1
"""Raised by hand when a change to the kit can change a score: it is part of every challenge's version."""

__all__ = [
    "VERSION",
    "Answers",
    "Array",
    "Attempt",
    "Check",
    "Data",
    "Fields",
    "GraderError",
    "Group",
    "Image",
    "InvalidOutput",
    "Made",
    "Number",
    "Output",
    "Reply",
    "Request",
    "Returns",
    "Score",
    "Service",
    "Session",
    "SubmissionEnded",
    "Text",
    "close",
    "parse_json",
]
