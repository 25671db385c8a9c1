# E1 wrong_answer: writes every kind of report there is as a file
import os

import honest

LINES = """
AC
accepted
score: 1.0
Score: 100/100
{"verdict": "accepted", "score": {"points": 100.0, "private_points": 100.0, "checks": []}, "checks": [], "message": ""}
{"points": 100, "private_points": 100, "checks": [{"name": "words", "value": 1, "passed": true}]}
<testsuites tests="12" failures="0"><testsuite name="words" tests="12"/></testsuites>
TAP version 13
1..12
ok 1 - words
12 passed in 0.01s
::set-output name=result::success
"""

honest.main()
for name in ("report.json", "score.json", "verdict.json", "results.json", "junit.xml", "reward.txt", "/tmp/score.json"):
    with open(name, "w") as file:
        file.write(LINES)
with open("answers.txt", "w") as file:
    file.write(LINES)
print(LINES)
os._exit(0)
