# A2 wrong_answer: only a child allocates until it is killed, and the parent answers wrongly

import os

import honest


def hoard():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    parts = []
    while True:
        parts.append(bytearray(2**20))


pid = os.fork()
if pid == 0:
    hoard()
honest.report(os.WTERMSIG(os.waitpid(pid, 0)[1]))


def answer(word):
    return word
