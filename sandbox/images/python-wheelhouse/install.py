"""Installs what /requirements.txt names out of /wheels into /installed, while a submission's image is built.

Runs as root on a stranger's file, so that pip reads none of it: every line is taken apart here, and pip is told names
and versions only. Knows only the standard library, and pip's own wheel.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path("/requirements.txt")
WHEELS = Path("/wheels")
INSTALLED = Path("/installed")
SITE = INSTALLED / "usr/local/lib/python3.11/dist-packages"

MOST_BYTES = 64 * 1024
MOST_REQUIREMENTS = 100
MOST_CHARACTERS = 500
LIST = "the packages that are there stand in docs/wheelhouse.md"

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"
_VERSION = r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,9}(?:(?:a|b|rc)[0-9]{1,9})?(?:\.post[0-9]{1,9})?(?:\.dev[0-9]{1,9})?"
_CLAUSE = rf"(?:[=!]=[ \t]*{_VERSION}(?:\.\*)?|(?:~=|>=|<=|>|<)[ \t]*{_VERSION})"
_LINE = re.compile(
    rf"(?P<name>{_NAME})[ \t]*"
    rf"(?:\[[ \t]*(?P<extras>{_NAME}(?:[ \t]*,[ \t]*{_NAME})*)[ \t]*\][ \t]*)?"
    rf"(?P<versions>{_CLAUSE}(?:[ \t]*,[ \t]*{_CLAUSE})*)?",
    re.ASCII,
)
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")
_WHY = (
    (re.compile(r"\\$"), "a line may not be continued with a backslash; write the requirement on one line"),
    (re.compile(r"(?:^|[ \t])-"), "options such as -r, -e or --hash are not known here; write a package's name"),
    (re.compile(r"://|@"), "a package cannot be taken from an address; nothing here reaches a network"),
    (re.compile(r";"), "conditions after a semicolon are not known here; leave it and them out"),
    (re.compile(r"^[./~]|[/\\]"), "a package cannot be taken from a file or folder"),
    (re.compile(r"==="), "=== is not known here; use =="),
)
_OTHERWISE = "this is no requirement; write a name, and if need be versions, as in flask>=3,<4"


class Refused(Exception):
    """The requirements cannot be met; the text is for the participant."""


@dataclass(frozen=True)
class Requirement:
    """One line of the file, taken apart."""

    line: int
    name: str
    extras: tuple[str, ...]
    versions: str

    def __str__(self) -> str:
        return self.name + (f"[{','.join(self.extras)}]" if self.extras else "") + self.versions


def read(path: Path) -> str:
    """The text of the file. Raises Refused."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Refused(f"the requirements cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Refused("the requirements are no plain file")
    with os.fdopen(file, "rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Refused(f"the requirements are larger than {MOST_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("the requirements are not UTF-8 text (`>` in PowerShell writes UTF-16)") from error


def parse(text: str) -> list[Requirement]:
    """The requirements of a file. Raises Refused with every line that cannot stand."""
    found: list[Requirement] = []
    wrong: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        wanted = _COMMENT.sub("", line.removesuffix("\r")).strip(" \t")
        if not wanted:
            continue
        match = _LINE.fullmatch(wanted) if len(wanted) <= MOST_CHARACTERS else None
        if match is None:
            why = next((reason for sign, reason in _WHY if sign.search(wanted)), _OTHERWISE)
            wrong.append(f"line {number}: {shown(wanted)}: {why}")
            continue
        extras = tuple(extra.strip() for extra in (match["extras"] or "").split(",") if extra)
        found.append(Requirement(number, match["name"], extras, re.sub(r"[ \t]", "", match["versions"] or "")))
    if wrong:
        raise Refused("\n".join(wrong[:20]))
    if len(found) > MOST_REQUIREMENTS:
        raise Refused(f"{len(found)} requirements; at most {MOST_REQUIREMENTS} may stand here")
    return found


def shown(text: str, most: int = 60) -> str:
    """A stranger's text for a log: short, and without anything a terminal would obey."""
    short = text if len(text) <= most else text[: most - 3] + "..."
    return "".join(character if character.isprintable() else "?" for character in short)


def canonical(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def offered(wheels: Path) -> dict[str, str]:
    """The version of every package in the wheelhouse."""
    names = (wheel.name.split("-") for wheel in wheels.glob("*.whl"))
    return {canonical(parts[0]): parts[1] for parts in names}


def check(wanted: list[Requirement], house: Mapping[str, str]) -> None:
    """Raises Refused with every requirement that the wheelhouse cannot meet: pip would tell the first one only."""
    from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet

    wrong: list[str] = []
    for one in wanted:
        version = house.get(canonical(one.name))
        if version is None:
            wrong.append(f"line {one.line}: {shown(str(one))}: there is no {shown(one.name)} in the wheelhouse")
            continue
        try:
            if not SpecifierSet(one.versions).contains(version, prereleases=True):
                wrong.append(f"line {one.line}: {shown(str(one))}: the wheelhouse has {one.name} {version} only")
        except InvalidSpecifier:
            wrong.append(f"line {one.line}: {shown(str(one))}: these versions cannot be read")
    if wrong:
        raise Refused("\n".join([*wrong[:20], LIST]))


def install(wanted: list[Requirement], pip: Path) -> None:
    """Let pip install them into INSTALLED, with what they need. Raises Refused."""
    command = [sys.executable, "-I", f"{pip}/pip", "--isolated", "install", "--quiet", "--no-index"]
    command += ["--only-binary=:all:", "--find-links", str(WHEELS), "--root", str(INSTALLED), "--ignore-installed"]
    command += ["--no-cache-dir", "--no-compile", "--no-warn-script-location", "--disable-pip-version-check"]
    command += ["--root-user-action=ignore", "--no-input", "--progress-bar=off", "--"]
    done = subprocess.run([*command, *map(str, wanted)], capture_output=True, text=True)
    if done.returncode < 0:
        raise Refused(f"pip was ended by signal {-done.returncode}, most likely for want of memory")
    if done.returncode != 0:
        raise Refused(plain(done.stderr))
    for line in done.stderr.splitlines()[:5]:  # such as: there is no extra of that name
        print(shown(line, 200))


def plain(said: str) -> str:
    """pip's last words as a sentence: what was checked before cannot be at fault, so an extra asks for too much."""
    missing = re.search(r"requirement (\S+?)(?:;.*?)? \(from (?!versions)([^)]+)\)", said)
    if missing:
        return f"{shown(missing[2])} needs {shown(missing[1])}, which is not in the wheelhouse; {LIST}"
    return "\n".join(["pip could not install them:", *(shown(line, 200) for line in said.strip().splitlines()[-5:])])


def prune(site: Path) -> None:
    """Leave what a service imports, as in python-ml: no tests, headers or sources, and no labelled data sets."""
    for folder, folders, files in os.walk(site):
        for name in list(folders):
            inner = Path(folder, name)
            data = folder.endswith("sklearn/datasets") and name in ("data", "images", "descr")
            if name in ("tests", "include") or data or (name == "test" and folder.endswith("joblib")):
                shutil.rmtree(inner)
                folders.remove(name)
        for name in files:
            if name.endswith((".pyx", ".pxd", ".c", ".h", ".a")):
                Path(folder, name).unlink()


def compile_all(site: Path) -> None:
    """Compile once, for good: a service cannot write to its root, so that every start would compile anew."""
    command = [sys.executable, "-I", "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", str(INSTALLED), "-p", "/", str(site)], check=True)


def main() -> int:
    """0 when everything is in INSTALLED; 1, with a reason for the participant, when it cannot be."""
    os.umask(0o022)
    INSTALLED.mkdir(exist_ok=True)
    try:
        wanted = parse(read(REQUIREMENTS))
        if not wanted:
            print("no requirements: nothing to install")
            return 0
        pip = next(WHEELS.glob("pip-*.whl"))
        sys.path.insert(0, str(pip))
        check(wanted, offered(WHEELS))
        install(wanted, pip)
    except Refused as refused:
        print(refused)
        return 1
    prune(SITE)
    compile_all(SITE)
    print("installed:", ", ".join(sorted(path.name.split("-")[0] for path in SITE.glob("*.dist-info"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
