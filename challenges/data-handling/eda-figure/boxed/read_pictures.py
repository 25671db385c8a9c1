"""Turns PNG files into bytes of grey of a fixed size, none for another size; runs boxed, over files of a stranger."""

import sys
from pathlib import Path

from PIL import Image

SIZE = (600, 450)

for name in sys.argv[1:]:
    try:
        with Image.open(name, formats=["PNG"]) as picture:
            grey = picture.convert("RGB").convert("L").tobytes() if picture.size == SIZE else b""
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        grey = b""
    Path(name).with_suffix(".grey").write_bytes(grey)
