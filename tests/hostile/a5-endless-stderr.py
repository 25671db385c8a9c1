# A5 output_limit: stderr for ever while stdout is silent
import os

while True:
    os.write(2, b"x" * 65536)
