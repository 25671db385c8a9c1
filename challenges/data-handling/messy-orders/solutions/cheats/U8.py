# expect: verdict=wrong_answer score<=0
"""Answers wrongly at once and leaves a helper that goes on computing, to write its answer when nobody asks any more."""

import os

HEADER = "order_id,order_date,email,country,postcode,city,product,amount,currency,outlier\n"


def clean(csv_text: str) -> str:
    clean.__globals__["clean"] = lambda text: "order_id\n"  # one helper is enough
    judged = os.getpid()
    if os.fork() == 0:
        work = 0
        while os.getppid() == judged:
            work += sum(range(10_000))
        for name in os.listdir("/proc/self/fd"):
            try:
                os.write(int(name), HEADER.encode())
            except OSError:
                continue
        os._exit(0)
    return "order_id\n"
