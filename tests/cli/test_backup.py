"""`assay backup` and `assay restore`: what comes out is what went in, or nothing does and one sentence says why."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from api.blobs import Blobs
from api.settings import Settings, write_private
from api.store import Store, builds, judgings, leaderboards
from api.store.tables import Attempt, Judging, Outcome, State, Worker
from tests.cli.conftest import Assay
from tests.databases import Databases
from tests.store.world import World, report

UPLOAD = b"print(6 * 7)"


@pytest.fixture
def used(home: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The installation of the working folder: a judged submission, one that is judged and one that waits."""
    monkeypatch.setenv("ASSAY_DATABASE_URL", databases.new())
    settings = Settings()
    settings.prepare()
    world = World.at(settings.database)
    digest = Blobs(settings.blobs_dir).put([UPLOAD])
    hidden = Blobs(settings.hidden_dir).put([b"hidden"])
    builds.record(world.store, "alpha", "v1", 0, Blobs(settings.blobs_dir).put([b"public"]), hidden)
    write_private(settings.secret_file, "00" * 32 + "\n")
    write_private(settings.admin_token_file, "assay_token\n")
    world.submit("ann", digest=digest)
    world.judge(report(80))
    world.submit("ann", "beta", digest=digest)
    world.claimed("gone")
    world.submit("ben", digest=digest)
    yield world
    world.store.close()


Elsewhere = Callable[[], Settings]


@pytest.fixture
def elsewhere(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    """From now on the command works on another data folder and an empty database."""

    def go() -> Settings:
        monkeypatch.setenv("ASSAY_DATABASE_URL", databases.new(migrated=False))
        monkeypatch.setenv("ASSAY_DATA", "restored")
        return Settings()

    return go


def refused(assay: Assay, *args: object) -> str:
    result = assay(*args)
    assert result.exit_code in (1, 2), result.output
    return " ".join(result.output.split())


@pytest.mark.fault("F23")
def test_an_installation_comes_back_whole(assay: Assay, used: World, elsewhere: Elsewhere) -> None:
    old = Settings()
    before = leaderboards.board(used.store, "cup").rows
    taken = assay("backup", "copy")
    assert taken.exit_code == 0, taken.output
    assert "2 files, 1 of hidden data" in taken.output
    assert Path("copy").stat().st_mode & 0o077 == 0

    new = elsewhere()
    result = assay("restore", "copy")
    assert result.exit_code == 0, result.output
    assert "3 submissions, 2 to be judged" in result.output
    checked = assay("audit", "--json")
    assert checked.exit_code == 0, checked.output
    for name in ("secret_file", "admin_token_file"):
        assert getattr(new, name).read_bytes() == getattr(old, name).read_bytes()
        assert getattr(new, name).stat().st_mode & 0o777 == 0o600
    assert new.instance != old.instance, "two on one host would take each other's containers for leftovers"

    store = Store(new.database, clock=used.clock)
    assert leaderboards.board(store, "cup").rows == before
    with store.read() as session:
        assert not session.exec(select(Worker)).all()
        beta = session.exec(select(Judging).where(Judging.challenge == "beta")).one()
        assert (beta.state, beta.strikes) == (State.queued, 0)
        (attempt,) = session.exec(select(Attempt).where(Attempt.judging_id == beta.id)).all()
        assert (attempt.outcome, attempt.reason) == (Outcome.given_back, "restored from a backup")
    store.close()
    store = Store(new.database)  # the command went by the database's own clock
    claims = [judgings.claim(store, worker="new", lease_seconds=45) for _ in range(2)]
    assert all(one and judgings.commit(store, one, report(90), evidence={}) for one in claims)
    store.close()
    assert assay("audit").exit_code == 0


@pytest.mark.fault("F23")
def test_taken_in_the_middle_of_a_rush_it_holds_together(assay: Assay, used: World, elsewhere: Elsewhere) -> None:
    blobs = Blobs(Settings().blobs_dir)
    over, sent = threading.Event(), threading.Event()

    def rush() -> None:
        number = 0
        while not over.is_set():
            number += 1
            used.submit("ann", "gamma", digest=blobs.put([b"%d" % number]))
            used.judge(report(number % 100))
            sent.set()

    rusher = threading.Thread(target=rush)
    rusher.start()
    try:
        assert sent.wait(30)
        result = assay("backup", "copy")
    finally:
        over.set()
        rusher.join()
    assert result.exit_code == 0, result.output
    elsewhere()
    assert assay("restore", "copy").exit_code == 0
    checked = assay("audit")
    assert checked.exit_code == 0, checked.output


def test_a_damaged_file_is_named_and_the_rest_is_saved(assay: Assay, used: World) -> None:
    blobs = Blobs(Settings().blobs_dir)
    digest = hashlib.sha256(UPLOAD).hexdigest()
    blobs.path(digest).write_bytes(b"print(6 * 9)")
    result = assay("backup", "copy", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["damaged"], told["blobs"], told["hidden"]) == ([digest], 1, 1)
    assert digest not in Path("copy", "manifest.json").read_text()


def test_where_there_is_something_nothing_is_written(assay: Assay, used: World, elsewhere: Elsewhere) -> None:
    assert assay("backup", "copy").exit_code == 0
    manifest = Path("copy", "manifest.json").read_bytes()
    assert "exists already" in refused(assay, "backup", "copy")
    assert Path("copy", "manifest.json").read_bytes() == manifest
    assert "is not empty" in refused(assay, "restore", "copy")
    assert Settings().secret_file.read_text() == "00" * 32 + "\n"
    used_database = Settings().database_url
    elsewhere()
    assert assay("restore", "copy").exit_code == 0, "the control"
    for path in sorted(Path("restored").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_DATABASE_URL", used_database)
        assert "The database is not empty" in refused(assay, "restore", "copy")
    assert not list(Path("restored").iterdir())


@pytest.mark.parametrize("name", ["database", "secret", "blobs", "hidden"])
def test_what_is_missing_or_changed_is_told_before_anything_is_written(
    assay: Assay, used: World, elsewhere: Elsewhere, name: str
) -> None:
    assert assay("backup", "copy").exit_code == 0
    file = next(one for one in [Path("copy", name), *Path("copy", name).rglob("*")] if one.is_file())
    content = file.read_bytes()
    new = elsewhere()
    file.write_bytes(content[:-1])
    assert "damaged" in refused(assay, "restore", "copy")
    file.unlink()
    assert str(file.relative_to("copy")) in refused(assay, "restore", "copy")
    assert not new.data.exists()
    file.write_bytes(content)
    assert assay("restore", "copy").exit_code == 0, "the control"


def test_a_database_that_cannot_be_read_leaves_nothing_behind(assay: Assay, used: World, elsewhere: Elsewhere) -> None:
    assert assay("backup", "copy").exit_code == 0
    database, manifest = Path("copy", "database"), Path("copy", "manifest.json")
    content, said = database.read_bytes(), manifest.read_text()
    spoilt = content[: len(content) // 2]
    database.write_bytes(spoilt)
    manifest.write_text(said.replace(hashlib.sha256(content).hexdigest(), hashlib.sha256(spoilt).hexdigest()))
    new = elsewhere()
    assert "The database was not restored" in refused(assay, "restore", "copy")
    assert not new.data.exists()
    database.write_bytes(content)
    manifest.write_text(said)
    assert assay("restore", "copy").exit_code == 0, "the control, into the same place"


def test_what_is_no_backup_of_ours_for_this_place(assay: Assay, used: World, elsewhere: Elsewhere) -> None:
    assert assay("backup", "copy").exit_code == 0
    manifest = Path("copy", "manifest.json")
    good = json.loads(manifest.read_text())
    new = elsewhere()
    Path("empty").mkdir()
    assert "is no backup of Assay" in refused(assay, "restore", "empty")
    assert "is no backup of Assay" in refused(assay, "restore", "nowhere")
    changes: list[dict[str, object]] = [
        {"format": 2},
        {"database": {}},
        {"blobs": ["../../secret"]},
        {"files": {"../x": ""}},
    ]
    for wrong in ([], *(good | one for one in changes)):
        manifest.write_text(json.dumps(wrong))
        assert "is no backup of Assay" in refused(assay, "restore", "copy")
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[good["database"]["kind"]]
    manifest.write_text(json.dumps(good | {"database": good["database"] | {"kind": other}}))
    assert f"The backup is of {other}" in refused(assay, "restore", "copy")
    manifest.write_text(json.dumps(good | {"database": good["database"] | {"revision": "9999"}}))
    assert "which is newer than this one" in refused(assay, "restore", "copy")
    assert not new.data.exists()


def test_without_an_installation_there_is_nothing_to_back_up(assay: Assay) -> None:
    assert "There is no installation" in refused(assay, "backup", "copy")
    Settings().prepare()
    assert "the database has no tables" in refused(assay, "backup", "copy")
    assert not Path("copy").exists()


@pytest.mark.parametrize("program", ["pg_dump", "pg_restore"])
def test_without_the_programs_of_postgresql_it_says_what_to_install(
    assay: Assay, home: Path, postgres: Databases, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", postgres.new())
    Settings().prepare()
    if program == "pg_restore":
        assert assay("backup", "copy").exit_code == 0
        monkeypatch.setenv("ASSAY_DATABASE_URL", postgres.new(migrated=False))
        monkeypatch.setenv("ASSAY_DATA", "restored")
    monkeypatch.setenv("PATH", str(home))
    args = ("backup", "other") if program == "pg_dump" else ("restore", "copy")
    assert f"{program} is not there" in refused(assay, *args)
    assert not Path("other").exists()
    assert not Path("restored").exists()
