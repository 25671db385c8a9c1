# expect: verdict=invalid_output
"""Hands back a number that is equal to everything."""


class Lazy(float):
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def solve(values: list[float]) -> object:
    return Lazy(0.0)
