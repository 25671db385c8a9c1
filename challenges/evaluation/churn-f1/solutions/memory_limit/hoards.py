"""Takes memory until there is none; every page is written to."""

HOARD = []
while True:
    HOARD.append(b"x" * (16 * 1024 * 1024))
