# D3 runtime_error: leaves with the questions as its last words
import sys

with open("data/questions.txt") as file:
    sys.exit(file.read() * 50)
