# expect: verdict=invalid_output
"""Hands back text that makes itself up when it is looked at."""


class Lazy(str):
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def encode(self, *_: object) -> bytes:
        return b"accepted"


def clean(csv_text: str) -> str:
    return Lazy("order_id\n")
