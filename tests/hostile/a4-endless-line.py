# A4 output_limit: prints for ever, and never a new line
import os

while True:
    os.write(1, b"x" * 65536)
