# D3 invalid_output: an array whose header holds the questions
import honest

honest.main()
with open("data/questions.txt") as file:
    words = file.read().split()
with open("lengths.npy", "r+b") as file:
    file.seek(10)
    file.write(repr({"descr": words[0], "fortran_order": words[1], "shape": (3,)}).encode())
