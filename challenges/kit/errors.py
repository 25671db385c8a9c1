"""The three ways a grading run can stop early, named after whose business it is; knows no verdict."""


class InvalidOutput(Exception):
    """The participant's fault: an answer that cannot be read. The message never repeats what was answered."""


class GraderError(Exception):
    """The author's fault: the grader used the kit wrongly, so its score cannot be trusted."""


class SubmissionEnded(BaseException):
    """Raised by the kit when the submission's run is over; the worker knows why.

    Not an `Exception`, so that no grader catches it by accident: it has to reach the top of the run.
    """
