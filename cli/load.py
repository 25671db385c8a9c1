"""`assay load`: the people of `assay capacity`'s model hand in for real, over REST; sees no queue and no box."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cli.capacity import Event, arrivals, percentile
from cli.client.api import FINAL, Api
from cli.errors import CliError

MOST_PEOPLE = 200
PAGE = 200
ASK_SECONDS = 2.0


@dataclass(frozen=True)
class Upload:
    """What everybody hands in for one challenge."""

    challenge: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Found:
    """What became of it, in seconds; `receipt` is from request to receipt, `verdict` from receipt to verdict."""

    sent: int
    refused: dict[str, int]
    """Submissions that were not accepted, by the code of the refusal."""
    lost: int
    """Receipts of which there is no submission."""
    verdicts: dict[str, int]
    receipt_p50: float
    receipt_p99: float
    verdict_p50: float
    verdict_p95: float
    verdict_p99: float
    drained_seconds: float
    """From the deadline until the last verdict."""

    @property
    def well(self) -> bool:
        """Everything was accepted and has its verdict, and the judge failed nobody."""
        return not self.refused and not self.lost and not self.verdicts.get("judge_error", 0)


class _Person:
    """One of those who hand in, with a token of their own."""

    def __init__(self, api: Api, competition: str) -> None:
        self.api = api
        self._competition = competition
        self.receipts: list[str] = []
        self.took: list[float] = []
        self.refused: Counter[str] = Counter()

    def hand_in(self, plan: list[tuple[float, Upload]], begun: float, stop: threading.Event) -> None:
        for at, upload in plan:
            if stop.wait(max(0.0, begun + at - time.monotonic())):
                return
            asked = time.monotonic()
            try:
                receipt = self.api.submit(upload.challenge, self._competition, upload.name, upload.content)
            except CliError as error:
                self.refused[getattr(error, "code", "failed")] += 1
            else:
                self.took.append(time.monotonic() - asked)
                self.receipts.append(str(receipt["id"]))

    def seen(self) -> dict[str, dict[str, Any]]:
        """Their submissions by id, as they stand."""
        return {str(one["id"]): one for one in self.api.submissions(PAGE)}


def run(
    admin: Api,
    connect: Callable[[str], Api],
    competition: str,
    uploads: list[Upload],
    event: Event,
    *,
    say: Callable[[str], None],
    seed: int | None = None,
) -> Found:
    """Make the people, let them hand in, wait for every verdict. `connect` gives the Api of a token.

    Raises ApiError, and CliError for more people or submissions than this is made for.
    """
    if event.people > MOST_PEOPLE or event.submissions > PAGE:
        raise CliError(f"At most {MOST_PEOPLE} people with {PAGE} submissions each.")
    dice = random.Random(secrets.randbits(32) if seed is None else seed)
    tag = f"load-{secrets.token_hex(3)}"
    with ExitStack() as stack:
        people = []
        for number in range(1, event.people + 1):
            id = int(admin.create_person(f"{tag}-{number}")["id"])
            admin.add_entry(competition, f"{tag}-{number}")
            api = stack.enter_context(connect(admin.create_token(id, "assay load")))
            people.append(_Person(api, competition))
        say(f"{event.people} people are there: {tag}-1 to {tag}-{event.people}")
        deadline = time.time() + event.window_seconds
        _all_hand_in(people, _plans(event, uploads, dice), event, say)
        return _found(people, _all_final(people, say), deadline)


def _plans(event: Event, uploads: list[Upload], dice: random.Random) -> list[list[tuple[float, Upload]]]:
    """When each person hands in what."""
    plans: list[list[tuple[float, Upload]]] = [[] for _ in range(event.people)]
    owners = [number for number in range(event.people) for _ in range(event.submissions)]
    dice.shuffle(owners)
    for at, owner in zip(arrivals(event, dice), owners, strict=True):
        plans[owner].append((at, dice.choice(uploads)))
    return plans


def _all_hand_in(
    people: list[_Person], plans: list[list[tuple[float, Upload]]], event: Event, say: Callable[[str], None]
) -> None:
    stop, begun = threading.Event(), time.monotonic()
    with ThreadPoolExecutor(len(people)) as pool:
        hands = [pool.submit(one.hand_in, plan, begun, stop) for one, plan in zip(people, plans, strict=True)]
        try:
            while not all(hand.done() for hand in hands):
                say(f"handed in: {sum(len(one.receipts) for one in people)} of {event.total}")
                time.sleep(ASK_SECONDS)
            for hand in hands:
                hand.result()
        finally:
            stop.set()


def _all_final(people: list[_Person], say: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Every submission there is of a receipt, when all have ended."""
    while True:
        seen = {id: one for person in people for id, one in person.seen().items()}
        waiting = sum(one["state"] not in FINAL for one in seen.values())
        if not waiting:
            return seen
        say(f"waiting for {waiting} verdicts")
        time.sleep(ASK_SECONDS)


def _found(people: list[_Person], seen: Mapping[str, Mapping[str, Any]], deadline: float) -> Found:
    receipts = [id for one in people for id in one.receipts]
    there = [seen[id] for id in receipts if id in seen]
    took = sorted(seconds for one in people for seconds in one.took)
    ended = [datetime.fromisoformat(str(one["ended_at"])) for one in there]
    verdict = sorted(
        (end - datetime.fromisoformat(str(one["received_at"]))).total_seconds()
        for end, one in zip(ended, there, strict=True)
    )
    last = max((end.astimezone(UTC).timestamp() for end in ended), default=deadline)
    return Found(
        sent=len(receipts),
        refused=dict(sum((one.refused for one in people), Counter())),
        lost=len(receipts) - len(there),
        verdicts=dict(Counter(str(one["verdict"] or one["state"]) for one in there)),
        receipt_p50=percentile(took, 0.5),
        receipt_p99=percentile(took, 0.99),
        verdict_p50=percentile(verdict, 0.5),
        verdict_p95=percentile(verdict, 0.95),
        verdict_p99=percentile(verdict, 0.99),
        drained_seconds=max(0.0, last - deadline),
    )
