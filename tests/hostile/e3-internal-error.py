# E3 runtime_error: speaks like the judge when it has failed
import sys


def answer(word):
    print("judge_error: internal error, SandboxError, docker.errors.APIError: 500", file=sys.stderr, flush=True)
    sys.exit(42)
