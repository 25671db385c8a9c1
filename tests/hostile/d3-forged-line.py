# D3 runtime_error: the question as the number of a line, and as the name of a file and a function
def answer(word):
    name = word + "solution.py"
    code = compile("\n" * (int(word[7:], 16) % 100_000) + f"def {word}(): raise ValueError\n{word}()", name, "exec")
    exec(code, {})
