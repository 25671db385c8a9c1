# expect: verdict=invalid_output
"""Replays the answers of the statement's examples, whatever is asked."""


def slices(*args: object) -> object:
    return (
        '[{"where": {"device": "old", "region": "north"}, "count": 142, "rate": 0.2816901408450704, "sentence": "Of '
        'the 142 rows with device = old and region = north, 28.2 % are wrong."}]'
    )
