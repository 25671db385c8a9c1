# D4 wrong_answer: spends cpu, time and memory by the bits of a question
import time

memory = []


def answer(word):
    bits = int(word[7:], 16)
    memory.append(bytearray((bits & 0x1F) << 20))
    end = time.process_time() + (bits >> 5 & 0x1F) / 1000
    while time.process_time() < end:
        pass
    time.sleep((bits >> 13 & 0x1F) / 1000)
    memory.clear()
    return word
