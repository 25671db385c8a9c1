"""The main job in one go: a judge, a bootcamp, four people who submit shipped solutions over REST, and the board."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.blobs import pack
from challenges.loader import Challenge, Solution, builtin_root, load_all, solutions
from cli.client import season
from cli.client.api import Api, ApiError
from cli.client.config import Account
from cli.errors import CliError

BOOTCAMP = "demo-bootcamp"
SHOWN = ("messy-orders", "serve-model", "churn-f1")
"""One that is called, one that is built and served, one that is run: enough to watch."""
READY_SECONDS = 60.0
VERDICT_SECONDS = 300.0
STYLES = {"accepted": "green", "wrong_answer": "red", "judge_error": "bold magenta"}


@dataclass(frozen=True)
class Move:
    """One submission of the demo."""

    person: str
    challenge: Challenge
    solution: Solution

    @property
    def expected(self) -> str:
        """The verdict that the solution's folder declares."""
        return self.solution.expected or "wrong_answer"


def cast(challenges: list[Challenge]) -> list[Move]:
    """Who submits what: Ada solves everything, Grace every other challenge, Alan tries honestly, Mallory cheats.

    Nearly every shipped solution is somebody's; of what takes long, one of a kind is enough to watch.
    """
    moves = []
    shortest = min(challenge.limits.cpu_seconds for challenge in challenges)
    for n, challenge in enumerate(challenges):
        of: dict[str, list[Solution]] = {}
        for one in solutions(challenge):
            of.setdefault(one.kind, []).append(one)
        wrong = of["wrong_answer"]
        cheats = [one for one in wrong if one.name.startswith("cheat")]
        honest = [one for one in wrong if one not in cheats]
        slow = of.get("time_limit", [])[:1] if challenge.limits.cpu_seconds == shortest else []
        garbled = [*of.get("build_error", [])[:1], *of.get("invalid_output", [])[:1]]
        parts = {
            "Ada": of.get("runtime_error", [])[:1] + of["accepted"],
            "Grace": honest[:1] + (of.get("alternatives", [])[:2] if n % 2 == 0 else of["baseline"]),
            "Alan": of["baseline"] + slow + garbled + honest[1:3],
            "Mallory": cheats + of.get("memory_limit", []),
        }
        moves += [Move(person, challenge, one) for person, chosen in parts.items() for one in chosen]
    return moves


def demo(*, port: int, once: bool, data: Path, console: Console) -> int:
    """Run it; 0 if every verdict was the declared one. With `once` it ends after the board. Raises CliError."""
    known = load_all([builtin_root()])
    challenges = [known[slug] for slug in SHOWN]
    with judge(port, data, console) as url:
        token = (data / "admin-token").read_text("ascii").strip()
        moves = cast(challenges)
        with Api(Account(url=url, token=token)) as admin:
            tokens = set_up(admin, challenges, sorted({move.person for move in moves}))
            console.print(
                f"\n[bold]{len(moves)} submissions[/] of {len(tokens)} people to {len(challenges)} challenges\n"
            )
            surprises = play(url, tokens, moves, console)
            show_board(admin, url, challenges, console)
            code = admin.new_join_code(BOOTCAMP)
        if surprises:
            console.print(f"[bold red]{surprises} verdicts were not as declared.[/]")
        else:
            console.print(f"All {len(moves)} verdicts are as the solutions' folders declare.")
        if not once:
            console.print(f"\nThe judge goes on serving at [bold]{url}[/] - Ctrl-C ends it.")
            console.print(f"Take part:  {url}/join?code={code}")
            console.print(f"Or:  assay --help    (administrator's token: {data / 'admin-token'})")
            wait_for_interrupt()
    return 1 if surprises else 0


@contextmanager
def judge(port: int, data: Path, console: Console) -> Iterator[str]:
    """A whole judge with a fresh data folder, as `assay serve` starts it; ended in good order. Raises CliError."""
    if data.exists():
        shutil.rmtree(data)
    data.mkdir(parents=True, mode=0o700)
    log = data / "serve.log"
    settings = {"ASSAY_DATA": str(data), "ASSAY_PORT": str(port), "ASSAY_SUBMISSIONS_PER_MINUTE": "600"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")} | settings
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "serve"],
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, url, log, console)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path, console: Console) -> None:
    end = time.monotonic() + READY_SECONDS
    with (
        console.status("starting broker, api and worker"),
        Api(Account(url=url), sleep=lambda seconds: time.sleep(min(seconds, 0.2))) as api,
    ):
        while True:
            if process.poll() is not None or time.monotonic() > end:
                tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
                raise CliError(f"the judge did not start; the end of {log}:\n{tail}")
            try:
                if any(worker["live"] for worker in api.status()["workers"]):
                    return
            except ApiError:
                time.sleep(0.2)


def shortened(slugs: list[str], names: list[str]) -> dict[str, Any]:
    """The season that ships, with these challenges and people: its weeks are headings, and everything is open now."""
    _, rules = season.read(builtin_root() / "bootcamp.toml")
    dates = ("opens_at", "closes_at", "freeze_at", "per_day", "team_size")
    places = [
        {key: value for key, value in place.items() if key not in dates}
        for place in rules["challenges"]
        if place["slug"] in slugs
    ]
    rules = {key: value for key, value in rules.items() if key not in dates}
    roster = "\n".join(["name,email", *(f"{name},{name.lower()}@example.org" for name in names)])
    return rules | {"title": "Demo bootcamp", "challenges": places, "roster": roster}


def set_up(admin: Api, challenges: list[Challenge], names: list[str]) -> dict[str, str]:
    """The bootcamp with its people, by one description, and their tokens; over REST."""
    admin.apply_competition(BOOTCAMP, shortened([challenge.slug for challenge in challenges], names), dry_run=False)
    people = {one["name"]: one["person_id"] for one in admin.roster(BOOTCAMP)}
    return {name: admin.create_token(people[name], "demo") for name in names}


def play(url: str, tokens: dict[str, str], moves: list[Move], console: Console) -> int:
    """Everybody submits in order and watches; the number of verdicts that were not as declared."""
    surprises: list[Move] = []
    errors: list[Exception] = []
    begin = time.monotonic()
    width = max(len(f"{move.challenge.slug}/{move.solution.name}") for move in moves)

    def person(name: str) -> None:
        try:
            with Api(Account(url=url, token=tokens[name])) as api:
                mine = [move for move in moves if move.person == name]
                ids = [api.submit(move.challenge.slug, BOOTCAMP, *_upload(move))["id"] for move in mine]
                for move, id in zip(mine, ids, strict=True):
                    seen = _final(api, id)
                    if seen["verdict"] != move.expected:
                        surprises.append(move)
                    console.print(_line(move, seen, time.monotonic() - begin, width))
        except (ApiError, CliError) as error:
            errors.append(error)

    threads = [threading.Thread(target=person, args=(name,)) for name in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return len(surprises)


def _upload(move: Move) -> tuple[str, bytes]:
    """The name and content of the one file that is sent: the solution, or an archive of a solution of several files."""
    files = move.solution.files
    return ("solution.zip", pack(files)) if len(files) > 1 else (move.challenge.submit, files[move.challenge.submit])


def _final(api: Api, id: str) -> dict[str, Any]:
    end = time.monotonic() + VERDICT_SECONDS
    while time.monotonic() < end:
        seen = api.submission(id, wait=20)
        if seen["state"] in ("done", "cancelled"):
            return seen
    raise CliError(f"submission {id} has no verdict after {VERDICT_SECONDS:.0f} s")


def _line(move: Move, seen: dict[str, Any], seconds: float, width: int) -> Text:
    verdict = seen["verdict"] or seen["state"]
    score = "" if seen["score"] is None else f"{seen['score']:6.1f}"
    right = verdict == move.expected
    line = Text(f"{seconds:6.1f} s  {move.person:8} {move.challenge.slug}/{move.solution.name}".ljust(20 + width))
    line.append(f" {verdict:15}", STYLES.get(verdict, "yellow"))
    line.append(f"{score:7}  {seen['message'] or ''}" if right else f"{score:7}  DECLARED: {move.expected}")
    return line


def show_board(admin: Api, url: str, challenges: list[Challenge], console: Console) -> None:
    """The leaderboard, as the page shows it."""
    board = admin.leaderboard(BOOTCAMP, None, 100)
    table = Table(
        "rank", "name", *(challenge.slug for challenge in challenges), "points", "solved", title=board["title"]
    )
    for row in board["rows"]:
        each = [_points(row["challenges"].get(challenge.slug)) for challenge in challenges]
        table.add_row(str(row["rank"] or "-"), Text(row["name"]), *each, _points(row["points"]), str(row["solved"]))
    console.print()
    console.print(table)
    console.print(f"Leaderboard: [bold]{url}/leaderboards/{BOOTCAMP}[/]\n")


def _points(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def wait_for_interrupt() -> None:
    """Return when somebody presses Ctrl-C or asks the process to end."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
