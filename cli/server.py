"""The verbs of those who run a judge or write challenges: api, worker, reaper, serve, audit and the like.

Each imports the rooms it needs when it is called.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import NOT_ACCEPTED, WRONG_USE, CliError

if TYPE_CHECKING:
    from api.settings import Settings
    from api.store.times import Measured

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
WithParent = Annotated[bool, typer.Option("--with-parent", hidden=True, help="Stop when standard input ends.")]


def register(app: typer.Typer, challenge: typer.Typer, images: typer.Typer) -> None:
    """Hang these verbs into the command and its groups."""
    app.command()(serve)
    app.command("api")(run_api)
    app.command("worker")(run_worker)
    app.command("reaper")(run_reaper)
    app.command()(doctor)
    app.command()(audit)
    app.command("backup")(take_backup)
    app.command("restore")(restore)
    app.command()(capacity)
    app.command()(load)
    challenge.command("try")(try_challenge)
    challenge.command("check")(check_challenges)
    challenge.command("new")(new_challenge)
    images.command("build")(build_images)
    images.command("list")(list_images)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at (ASSAY_HOST; default 127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port (ASSAY_PORT; default 8000; 0 any free).")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder (ASSAY_DATA; default ./assay-data).")] = None,
) -> None:
    """Run a whole judge on this machine.

    Starts broker, api, worker and reaper, mends what dies, and says "ready" when a submission would be judged.
    Ctrl-C or SIGTERM ends it within seconds; what is not judged stays in the queue.
    """
    from cli import serving

    given = {"host": host, "port": port, "data": data}
    raise typer.Exit(serving.serve(_settings(**{name: value for name, value in given.items() if value is not None})))


def run_api(with_parent: WithParent = False) -> None:
    """Run the api alone, with settings from ASSAY_*."""
    from api.serve import run
    from challenges.loader import ChallengeError

    settings = _settings()
    _check_database(settings)
    if with_parent:
        _end_with_parent()
    try:
        run(settings)
    except (ChallengeError, OSError) as error:
        raise CliError(f"{error}") from error


def run_worker(with_parent: WithParent = False) -> None:
    """Run this host's worker alone, with settings as the api's."""
    from sqlalchemy.exc import SQLAlchemyError

    from challenges.loader import ChallengeError
    from sandbox.types import SandboxError
    from worker.host import AnotherWorker
    from worker.tasks import run

    settings = _settings()
    _check_database(settings)
    if with_parent:
        _end_with_parent()
    try:
        run(settings)
    except (AnotherWorker, ChallengeError, SandboxError, OSError) as error:
        raise CliError(f"{error}") from error
    except SQLAlchemyError as error:
        raise _database_error(error) from error


def run_reaper(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name what it would remove now, and end.")] = False,
    alive: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Touch it whenever the engine has answered, for a health check.")
    ] = None,
    with_parent: WithParent = False,
) -> None:
    """Remove what a worker of this host left behind that died or hangs, until it is stopped.

    Looks every 15 seconds, with settings from ASSAY_*; touches nothing that is not of this installation, and nothing
    at all while the worker is well. Beside it a worker removes what it has lost track of itself.
    """
    from api import logs
    from sandbox.containers import DockerSandbox
    from sandbox.images.build import Pinned
    from sandbox.types import SandboxError
    from worker import reaper
    from worker.host import is_masterless

    settings = _installation()
    logs.configure("reaper", form=settings.log_format, level=settings.log_level)

    def connect() -> DockerSandbox:
        return DockerSandbox(instance=settings.instance, image_of=Pinned(), builds="off")

    if dry_run:
        try:
            found = reaper.look(connect()) if is_masterless(settings.worker_lock) else reaper.Leftovers([], set())
        except (SandboxError, OSError) as error:
            raise CliError(f"{error}") from error
        for name in [*found.containers, *(f"build {one}" for one in sorted(found.builds))]:
            typer.echo(name)
        typer.echo(f"{len(found)} to remove")
        return
    if with_parent:
        _end_with_parent()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    reaper.run(connect, settings.worker_lock, stop, alive)


def doctor(as_json: Json = False) -> None:
    """Check that this machine can judge.

    Looks at the engine and the images, and proves in real boxes that every limit fires: what a worker does
    before it takes work. Takes a few seconds. Ends with exit code 1 if anything forbids to judge; a warning does not.
    """
    from cli.doctor import examine

    runtime = _settings().runtime
    findings = examine((lambda _: None) if as_json else _print_finding, runtime)
    if as_json:
        print(json.dumps([asdict(one) for one in findings], indent=2))
    if any(one.refuses for one in findings):
        raise typer.Exit(1)


def audit(
    url: Annotated[str | None, typer.Option(help="Also ask the api at this address, as http://127.0.0.1:8000.")] = None,
    as_json: Json = False,
) -> None:
    """Check that nothing was lost, judged twice or left behind.

    Reads the database, the stored files and the engine of this installation (settings from ASSAY_*) and changes
    nothing; a judge may be at work meanwhile. Ends with exit code 1 if an invariant is broken.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from cli.audit import examine

    settings = _installation()
    _check_database(settings)
    try:
        checked = examine(settings, url, (lambda _: None) if as_json else _print_checked)
    except SQLAlchemyError as error:
        raise _database_error(error) from error
    if as_json:
        print(json.dumps([asdict(one) for one in checked], indent=2))
    if any(one.breaches for one in checked):
        raise typer.Exit(1)


def take_backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for it; who can read it knows all hidden data.")],
    as_json: Json = False,
) -> None:
    """Write a backup of the whole installation: database, stored files, hidden data and secret.

    The judge may work meanwhile. The folder appears when it is whole. A PostgreSQL database is copied with `pg_dump`.

    Exit codes: 0 done, 1 failed, or something was damaged already and is not in it.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from cli import backup

    settings = _installation()
    try:
        taken = backup.take(settings, folder, _quiet if as_json else typer.echo)
    except SQLAlchemyError as error:
        raise _database_error(error) from error
    except OSError as error:
        raise CliError(f"{error.filename or folder}: {error.strerror or error}. There is no backup.") from error
    if as_json:
        print(json.dumps(asdict(taken), indent=2))
    else:
        typer.echo(f"{folder}: {taken.blobs} files, {taken.hidden} of hidden data, {taken.bytes / 1e6:.1f} MB")
        for digest in taken.damaged:
            typer.echo(f"damaged, and so not in it: {digest} (assay audit says what it belongs to)")
    if taken.damaged:
        raise typer.Exit(1)


def restore(
    folder: Annotated[Path, typer.Argument(help="What `assay backup` made.")],
) -> None:
    """Make an installation out of a backup, where there is none yet: data folder and database must be empty.

    Everything in the backup is checked before anything is written. What was being judged is queued
    again. Do not start it while the installation it was taken from still takes submissions.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from cli import backup

    settings = _settings()
    try:
        counts = backup.put_back(settings, folder, typer.echo)
    except SQLAlchemyError as error:
        raise _database_error(error) from error
    except OSError as error:
        raise CliError(f"{error.filename or folder}: {error.strerror or error}. Nothing was restored.") from error
    typer.echo(f"{settings.data}: {counts.submissions} submissions, {counts.unfinished} to be judged. Now: assay audit")


def capacity(
    competition: Annotated[
        str | None, typer.Argument(help="Take people and service times from this competition here.")
    ] = None,
    people: Annotated[
        int | None, typer.Option(min=1, help="Who takes part (default: the competition's entries).")
    ] = None,
    submissions: Annotated[int, typer.Option(min=1, help="Of each of them.")] = 40,
    hours: Annotated[float, typer.Option(min=0.01, help="From beginning to deadline.")] = 8,
    rush_minutes: Annotated[float, typer.Option(min=1, help="Before the deadline, in which a third comes.")] = 30,
    service_seconds: Annotated[
        float | None,
        typer.Option(
            metavar="N", min=0.01, help="Mean of a judging from claim to verdict, instead of what was measured."
        ),
    ] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Judgings at once (default: those of live workers).")] = None,
    promise_minutes: Annotated[
        float, typer.Option(metavar="N", min=0, help="What 95 of 100 in the rush are promised to wait at most.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Say whether the slots there are will do for an event, and how many it takes.

    Simulates the event: a third of all submissions comes in the rush before the deadline. Service times are those this
    installation has measured for the competition's challenges, so have each of them judged a few times before.

    Exit codes: 0 ready, 1 not ready: the promise would not be kept, or a challenge was never judged here.
    """
    from cli import capacity as model
    from cli.client.show import duration

    known = None if competition is None else _measured(competition)
    people = people or (known.entries if known else None)
    if not people:
        raise CliError("Say how many take part: --people N.", WRONG_USE)
    if service_seconds is not None:
        draw = model.of_mean(service_seconds)
    elif known is None:
        raise CliError("Name a competition whose challenges were judged here, or give --service-seconds.", WRONG_USE)
    else:
        if never := [slug for slug, seconds in known.seconds.items() if not seconds]:
            raise CliError(f"Not ready: never judged here, so nobody knows how long it takes: {', '.join(never)}.")
        draw = model.of_measured(known.seconds)
    slots = slots or (known.slots if known else 0) or _settings().slots_in_force
    event = model.Event(people, submissions, hours * 3600, min(rush_minutes * 60, hours * 3600))
    found = model.waits(event, draw, slots)
    enough = model.slots_for(event, draw, promise_minutes * 60)
    ready = found.rush_p95 <= promise_minutes * 60
    megabytes = event.total * known.upload_bytes * 1.3 / 1e6 if known else None
    if as_json:
        told = {"ready": ready, "submissions": event.total, "slots_needed": enough, "upload_megabytes": megabytes}
        print(json.dumps(told | asdict(found), indent=2))
    else:
        typer.echo(f"{event.total} submissions of {people} people in {hours:g} hours, {slots} slots")
        half, most, nearly_all = (duration(one) for one in (found.p50, found.p95, found.p99))
        typer.echo(f"wait: half {half}, 95 of 100 {most}, 99 of 100 {nearly_all} or less")
        typer.echo(
            f"receipt to verdict: half {duration(found.verdict_p50)}, 95 of 100 {duration(found.verdict_p95)} or less"
        )
        typer.echo(f"in the last {rush_minutes:g} minutes: 95 of 100 {duration(found.rush_p95)} or less")
        typer.echo(
            f"longest queue {found.longest_queue}, last verdict {duration(found.drained_seconds)} after the deadline"
        )
        if megabytes is not None:
            typer.echo(f"uploads: {megabytes:.0f} MB")
        needed = "more than 4096 slots" if enough is None else f"{enough} slots"
        typer.echo(f"{'ready' if ready else 'NOT READY'}: {duration(promise_minutes * 60)} in the rush takes {needed}")
    if not ready:
        raise typer.Exit(1)


def load(
    competition: Annotated[str, typer.Argument(help="An open competition of a judge that is there for rehearsals.")],
    uploads: Annotated[list[str], typer.Argument(metavar="CHALLENGE=PATH...", help="What everybody hands in.")],
    people: Annotated[int, typer.Option(min=1, max=200, help="Who hands in; they are made for it, and stay.")] = 10,
    submissions: Annotated[int, typer.Option(min=1, max=200, help="Of each of them.")] = 6,
    minutes: Annotated[float, typer.Option(min=0.1, help="From beginning to deadline.")] = 5,
    rush_minutes: Annotated[float, typer.Option(min=0.05, help="Before the deadline, in which a third comes.")] = 1,
    as_json: Json = False,
    url: Annotated[str | None, typer.Option(help="Address of the judge (ASSAY_URL).")] = None,
) -> None:
    """Rehearse a rush: made-up people hand in for real, as `assay capacity` expects them to.

    Needs an administrator's token (ASSAY_TOKEN) and leaves people and submissions behind: use an installation made
    for rehearsals, or a competition that nobody looks at.

    Exit codes: 0 every receipt has its verdict, 1 something was refused or lost, or the judge failed somebody.
    """
    from cli import load as rush
    from cli.capacity import Event
    from cli.client import config
    from cli.client.api import Api
    from cli.client.show import duration
    from cli.client.verbs import upload_of

    account = config.account(url, None)
    say = _quiet if as_json else typer.echo
    event = Event(people, submissions, minutes * 60, min(rush_minutes, minutes) * 60)
    with Api(account) as admin:
        given = []
        for one in uploads:
            slug, equals, path = one.partition("=")
            if not equals:
                raise CliError(f"{one}: say which challenge it is for, as churn-f1=solution.py.", WRONG_USE)
            given.append(rush.Upload(slug, *upload_of(admin, slug, Path(path))))
        found = rush.run(
            admin, lambda token: Api(config.Account(account.url, token)), competition, given, event, say=say
        )
    if as_json:
        print(json.dumps(asdict(found), indent=2))
    else:
        verdicts = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in sorted(found.verdicts.items()))
        typer.echo(f"{found.sent} receipts, {found.lost} lost; {verdicts or 'no verdict'}")
        for code, count in sorted(found.refused.items()):
            typer.echo(f"{count} refused: {code}")
        typer.echo(
            f"request to receipt: half {found.receipt_p50 * 1e3:.0f} ms, 99 of 100 {found.receipt_p99 * 1e3:.0f} ms"
        )
        spans = [
            duration(one) for one in (found.verdict_p50, found.verdict_p95, found.verdict_p99, found.drained_seconds)
        ]
        typer.echo(f"receipt to verdict: half {spans[0]}, 95 of 100 {spans[1]}, 99 of 100 {spans[2]} or less")
        typer.echo(f"last verdict {spans[3]} after the deadline")
    if not found.well:
        raise typer.Exit(1)


def _measured(competition: str) -> Measured:
    """What this installation knows of a competition. Raises CliError."""
    from sqlalchemy.exc import SQLAlchemyError

    from api.errors import Problem
    from api.store import Store, times

    settings = _installation()
    _check_database(settings)
    store = Store(settings.database)
    try:
        return times.measured(store, competition)
    except SQLAlchemyError as error:
        raise _database_error(error) from error
    except Problem as problem:
        raise CliError(f"There is no competition {competition} here.", WRONG_USE) from problem
    finally:
        store.close()


def _quiet(_line: str) -> None:
    """Programs are told the result only."""


def try_challenge(
    challenge: Annotated[str, typer.Argument(help="A challenge's short name, or the folder of one.")],
    path: Annotated[Path, typer.Argument(help="The solution: a file, a folder, or an archive.")],
    as_json: Json = False,
) -> None:
    """Judge a solution here, without a server.

    The data are made for this one run, and what the program printed is shown.

    Exit codes as of `submit`: 0 accepted, 3 not accepted, 1 something failed.
    """
    from cli import trial

    settings = _settings()
    accepted = trial.run(challenge, path, folders=settings.challenges, as_json=as_json, oci_runtime=settings.runtime)
    if not accepted:
        raise typer.Exit(NOT_ACCEPTED)


def new_challenge(
    slug: Annotated[str, typer.Argument(help="Its short name: lower-case words joined by hyphens.")],
    skill: Annotated[str, typer.Option(help="One of the eight skills; the folder above the challenge's.")],
    root: Annotated[Path, typer.Option(help="Where folders of skills lie; name it in ASSAY_CHALLENGES.")] = Path(),
) -> None:
    """Make a folder to write a challenge in: ROOT/SKILL/SLUG, with every part in it to be filled in.

    docs/write-a-challenge.md goes on from there.
    """
    from challenges import new
    from challenges.loader import ChallengeError

    folder = root / skill / slug
    try:
        new.create(folder)
    except (OSError, ChallengeError) as error:
        raise CliError(str(error), WRONG_USE) from error
    typer.echo(f"{folder} is there. Try it: assay challenge check {folder}")


def check_challenges(
    challenges: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CHALLENGE]...", help="Short names or folders; all, if none is named."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Several seeds, and faults put into reference and grader; writes gate.json.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=2, max=20, help="Secret seeds of the full level.")] = 5,
    as_json: Json = False,
) -> None:
    """Prove that challenges are sound, by their own solutions in real boxes: the quality gate.

    Without --full every solution is judged once, with fresh data: a minute or less for most challenges.

    Exit codes: 0 all green, 1 something is not as it must be.
    """
    from cli import check

    settings = _settings()
    green = check.run(
        challenges or [],
        folders=settings.challenges,
        full=full,
        seeds=seeds,
        as_json=as_json,
        oci_runtime=settings.runtime,
    )
    if not green:
        raise typer.Exit(1)


def build_images(
    runtimes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUNTIME]...", help="Without one: what every installation needs."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All runtimes.")] = False,
) -> None:
    """Make the images that are not there yet. A worker makes others when a submission first needs them."""
    from sandbox.images import build

    code = build.main([*(runtimes or []), *(["--all"] if everything else [])])
    if code:
        raise typer.Exit(code)


def list_images(as_json: Json = False) -> None:
    """List the runtimes and their images."""
    from sandbox.images import RUNTIMES, build, image_tag
    from sandbox.types import SandboxError

    rows = []
    try:
        engine = build.connect()
    except SandboxError as error:
        raise CliError(str(error)) from error
    for runtime in RUNTIMES:
        try:
            image: str | None = build.resolve(runtime, engine)
        except SandboxError:
            image = None
        rows.append({"runtime": runtime, "tag": image_tag(runtime), "image": image})
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(f"{row['runtime']:12} {row['tag']:40} {(row['image'] or 'not made')[:19]}")


def _settings(**given: Any) -> Settings:
    """The settings in force; what is given comes before the environment. Raises CliError naming what is wrong."""
    from pydantic import ValidationError

    from api.settings import Settings

    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'ASSAY_' + '_'.join(map(str, one['loc'])).upper() if one['loc'] else 'settings'}: {one['msg']}"
            for one in error.errors()
        )
        raise CliError(f"The settings cannot be used: {wrong}.", WRONG_USE) from error


def _installation() -> Settings:
    """The settings in force, of an installation that is there. Raises CliError."""
    settings = _settings()
    if not settings.data.is_dir():
        raise CliError(f"There is no installation at {settings.data} (ASSAY_DATA).", WRONG_USE)
    return settings


def _check_database(settings: Settings) -> None:
    """Whether the database answers, before anything else is begun. Raises CliError."""
    from sqlalchemy.exc import SQLAlchemyError

    from api.store import Store
    from api.store.dialect import UnsupportedDatabase

    try:
        settings.prepare()
        store = Store(settings.database)
        try:
            store.now()
        finally:
            store.close()
    except (SQLAlchemyError, UnsupportedDatabase) as error:
        raise _database_error(error) from error
    except OSError as error:
        raise CliError(f"{error.filename or settings.data}: {error.strerror or error}.") from error


def _database_error(error: Exception) -> CliError:
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")
    return CliError(f"The database cannot be used: {cause}.")


def _print_finding(finding: object) -> None:
    from cli.client.show import out, safe
    from sandbox.selftest import Finding, State

    assert isinstance(finding, Finding)
    mark, style = {State.OK: ("ok  ", "green"), State.WARNING: ("warn", "yellow"), State.REFUSAL: ("FAIL", "bold red")}[
        finding.state
    ]
    out.print(mark, style=style, end=" ")
    out.print(f"{finding.name:22} {safe(finding.detail)}", soft_wrap=True)


def _print_checked(checked: object) -> None:
    from api.store.invariants import MOST
    from cli.audit import Checked
    from cli.client.show import out, safe

    assert isinstance(checked, Checked)
    mark, style = (
        ("FAIL", "bold red") if checked.breaches else ("--  ", "yellow") if checked.skipped else ("ok  ", "green")
    )
    out.print(mark, style=style, end=" ")
    out.print(
        f"{checked.invariant:3} {checked.title}{f': {safe(checked.skipped)}' if checked.skipped else ''}",
        soft_wrap=True,
    )
    for one in checked.breaches[:MOST]:
        out.print(f"         {safe(one.subject)}: {safe(one.what)}", soft_wrap=True)
    if len(checked.breaches) > MOST:
        out.print(f"         and {len(checked.breaches) - MOST} more")


def _end_with_parent() -> None:
    """Stop in good order when standard input ends, as it does when the parent dies, however it dies."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
