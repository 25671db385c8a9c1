"""A PostgreSQL server of one's own, reached by its socket only, for measuring and for tests; knows no table."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

USER = "assay"


def url(folder: Path, database: str) -> str:
    """The address of a database of the server in this folder."""
    return f"postgresql+psycopg://{USER}@/{database}?host={folder}"


def programs() -> Path | None:
    """Where initdb and postgres are, if anywhere: Debian keeps them off the PATH, a folder a version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    elsewhere = shutil.which("initdb")
    if elsewhere is not None:
        found.append(Path(elsewhere))
    return found[-1].parent if found else None


@contextmanager
def server(at: Path, settings: Mapping[str, str]) -> Iterator[Path]:
    """A new server of the programs `at`, and the folder of its socket. It ends with this process however that ends."""
    folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
    as_whom: list[str] = []
    if os.getuid() == 0:  # the server refuses to run as root
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_whom = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    run = ["setpriv", *as_whom, "--pdeathsig=QUIT"]
    where = ["-D", str(folder / "data")]
    kind = ["--username", USER, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
    always = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "200"}
    given = [f"--{name}={value}" for name, value in {**always, **settings}.items()]
    try:
        subprocess.run([*run, at / "initdb", *where, *kind], cwd=folder, check=True, capture_output=True)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*run, at / "postgres", *where, *given], cwd=folder, stdout=log, stderr=log)
        try:
            _await(folder, process)
            yield folder
        finally:
            process.send_signal(signal.SIGINT)  # whoever is still connected is sent away
            process.wait(60)
    finally:
        shutil.rmtree(folder)


def _await(folder: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(host=str(folder), user=USER, dbname="postgres").close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((folder / "log").read_text()) from error
            time.sleep(0.05)
        else:
            return
