"""What the dialects' copies of a database have in common; knows neither dialect nor table."""


class CopyFailed(Exception):
    """The operator's: a copy of the database could not be written or put back. Says why, and tells no password."""
