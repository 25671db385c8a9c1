"""The images a participant's Dockerfile is built from: python-slim, and what python-wheelhouse installs on it."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import runpy
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import docker
import pytest

from sandbox.images import recipe_folder
from sandbox.images.build import resolve, smoke
from sandbox.types import SandboxError
from tests.images.conftest import OWN, run_in

ROOT = Path(__file__).resolve().parents[2]
FOLDER = recipe_folder("python-wheelhouse")
MB_ALLOWED = 300
"""What an image may weigh over its base unless a challenge says otherwise."""
SERVICE = "from flask import Flask\napp = Flask('app')\n@app.get('/')\ndef hello(): return 'hello'\n"


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wheelhouse_install", FOLDER / "install.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses looks for it
    spec.loader.exec_module(module)
    return module


install = _module()


def _locked() -> dict[str, str]:
    text = "".join(lock.read_text() for lock in FOLDER.glob("*.lock"))
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))


# The grammar of a line


@pytest.mark.parametrize(
    ("line", "name", "extras", "versions"),
    [
        ("flask", "flask", (), ""),
        ("  Flask  ", "Flask", (), ""),
        ("scikit_learn==1.9.1", "scikit_learn", (), "==1.9.1"),
        ("uvicorn[standard]", "uvicorn", ("standard",), ""),
        ("uvicorn [ standard , x ] >= 0.30", "uvicorn", ("standard", "x"), ">=0.30"),
        ("numpy >= 2, < 3 , != 2.1.*", "numpy", (), ">=2,<3,!=2.1.*"),
        ("pandas~=3.0\t# the table", "pandas", (), "~=3.0"),
        ("pydantic==2.*", "pydantic", (), "==2.*"),
        ("a==1.0rc1.post2.dev3", "a", (), "==1.0rc1.post2.dev3"),
    ],
)
def test_a_requirement_is_taken_apart(line: str, name: str, extras: tuple[str, ...], versions: str) -> None:
    assert install.parse(line) == [install.Requirement(1, name, extras, versions)]


def test_blank_lines_and_comments_say_nothing_and_are_counted() -> None:
    text = "# what we need \\\r\n\r\n   \t# more\r\nflask\r\n\n numpy # last\n"
    assert [(one.line, one.name) for one in install.parse(text)] == [(4, "flask"), (6, "numpy")]
    assert install.parse("") == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("-r other.txt", "options"),
        ("--index-url=http://evil.example", "options"),
        ("-e .", "options"),
        ("flask --hash=sha256:00", "options"),
        ("flask==3.0 \\", "backslash"),
        ("https://evil.example/x.whl", "address"),
        ("flask @ file:///wheels/x.whl", "address"),
        ("git+ssh://git@evil.example/x", "address"),
        ("flask; python_version > '3'", "semicolon"),
        ("./flask", "file or folder"),
        ("/wheels/flask.whl", "file or folder"),
        ("..", "file or folder"),
        ("C:\\flask.whl", "file or folder"),
        ("flask===3.0", "use =="),
        ("flask = 3", "no requirement"),
        ("flask numpy", "no requirement"),
        ("flask (>=3)", "no requirement"),
        ("flask>=3,", "no requirement"),
        ("flask>=2.*", "no requirement"),
        ("flask==3.0+local", "no requirement"),
        ("flask[", "no requirement"),
        ("flask#not-a-comment", "no requirement"),
        ("$(touch x)", "no requirement"),
        ("flask\x0bnumpy", "no requirement"),
        ("flask\u2028numpy", "no requirement"),
        ("flаsk", "no requirement"),  # the third letter is Cyrillic
        ("flask==\u0663", "no requirement"),
        ("a" * 101, "no requirement"),
        ("flask" + " " * 500 + "==3", "no requirement"),
    ],
)
def test_any_other_line_is_refused_with_its_number_and_a_reason(line: str, why: str) -> None:
    with pytest.raises(install.Refused) as refused:
        install.parse(f"numpy\n{line}\nflask\n")
    said = str(refused.value)
    assert said.startswith("line 2: ") and why in said
    assert "\n" not in said and said.replace("\N{CYRILLIC SMALL LETTER A}", "a").isprintable()
    assert len(said) < 250


def test_every_wrong_line_is_told_at_once() -> None:
    with pytest.raises(install.Refused) as refused:
        install.parse("-r x\nflask\n./y\n")
    assert re.findall(r"^line \d", str(refused.value), re.MULTILINE) == ["line 1", "line 3"]


def test_what_is_refused_cannot_speak_to_a_terminal() -> None:
    with pytest.raises(install.Refused) as refused:
        install.parse("\x1b]0;title\x07\x1b[2J\u202eflask!")
    assert str(refused.value).startswith("line 1: ?]0;title??[2J?flask!: ")


def test_a_hundred_requirements_and_no_more() -> None:
    assert len(install.parse("flask\n" * 100)) == 100
    with pytest.raises(install.Refused, match="101 requirements; at most 100"):
        install.parse("flask\n" * 101)


def test_a_long_hostile_line_costs_no_time() -> None:
    with pytest.raises(install.Refused, match="no requirement"):
        install.parse("a.-_" * (install.MOST_BYTES // 4))


def test_only_a_small_plain_text_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_bytes("\N{BOM}flask\r\n".encode())
    assert [one.name for one in install.parse(install.read(file))] == ["flask"]
    file.write_bytes(b"#" * install.MOST_BYTES)
    assert len(install.read(file)) == install.MOST_BYTES

    def refused(path: Path, why: str) -> None:
        with pytest.raises(install.Refused, match=why):
            install.read(path)

    file.write_bytes(b"#" * (install.MOST_BYTES + 1))
    refused(file, "larger than 64 KiB")
    file.write_bytes("flask\n".encode("utf-16"))
    refused(file, "not UTF-8 text")
    (tmp_path / "link").symlink_to(file)
    refused(tmp_path / "link", "cannot be read")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "no plain file")
    refused(tmp_path, "no plain file")
    refused(tmp_path / "none", "cannot be read")


# What is written about it


def test_the_page_says_what_the_locks_say() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "list_wheels.py"))["text"]()
    page = (ROOT / "docs" / "wheelhouse.md").read_text()
    assert page == made, "run scripts/list_wheels.py"
    assert dict(re.findall(r"^\| ([a-z0-9.-]+) \| ([0-9]\S*) \| (?:direct)? *\|$", page, re.MULTILINE)) == _locked()
    assert {"flask", "fastapi", "gunicorn", "waitress", "scikit-learn", "pip"} <= _locked().keys()


# The images


def test_python_slim_has_python_twice_and_no_package(engine: docker.DockerClient) -> None:
    image = resolve("python-slim", engine)
    for name in ("python", "python3"):
        code, said = run_in(engine, image, [name, "-c", "import sys, ctypes; print(sys.version_info[:2], sys.prefix)"])
        assert (code, said) == (0, "(3, 11) /usr\n")
    survey = """
import ctypes, importlib.metadata, json, os, shutil, stat
raised = []
for folder, folders, files in os.walk("/"):
    folders[:] = [one for one in folders if os.path.join(folder, one) not in ("/proc", "/sys", "/dev")]
    paths = (os.path.join(folder, name) for name in files)
    raised += [path for path in paths if (mode := os.lstat(path).st_mode) & 0o6000 and stat.S_ISREG(mode)]
ctypes.CDLL("libgomp.so.1")
print(json.dumps({
    "raised": raised, "packages": [one.name for one in importlib.metadata.distributions()],
    "programs": [name for name in ("pip", "pip3", "gcc", "curl", "git", "apt-get", "python") if shutil.which(name)],
    "wheels": [path for path in ("/wheels", "/install.py") if os.path.exists(path)],
}))
"""
    code, said = run_in(engine, image, ["python", "-c", survey], user="0:0", cap_drop=[])
    assert code == 0, said
    assert json.loads(said) == {"raised": [], "packages": [], "programs": ["apt-get", "python"], "wheels": []}


def test_python_slim_is_one_thin_layer_over_the_base(engine: docker.DockerClient) -> None:
    base, slim = (engine.images.get(resolve(name, engine)).attrs for name in ("base", "python-slim"))
    assert len(slim["RootFS"]["Layers"]) == len(base["RootFS"]["Layers"]) + 1
    assert slim["Size"] - base["Size"] < 10_000
    ours = {
        key: slim["Config"][key]
        for key in ("Env", "User", "Entrypoint", "Volumes", "Healthcheck")
        if key in base["Config"]
    }
    assert ours == {key: base["Config"][key] for key in ours} and "Env" in ours


def test_the_wheelhouse_holds_a_wheel_for_every_line_of_its_locks_and_no_other(engine: docker.DockerClient) -> None:
    program = "import os, json; print(json.dumps(os.listdir('/wheels')))"
    code, said = run_in(engine, resolve("python-wheelhouse", engine), ["python3", "-c", program])
    assert code == 0, said
    parts = [name.split("-") for name in json.loads(said)]
    assert {install.canonical(part[0]): part[1] for part in parts} == _locked()


def test_the_smoke_test_of_the_wheelhouse_notices_what_is_missing(engine: docker.DockerClient) -> None:
    image = resolve("python-wheelhouse", engine)
    smoke(engine, image, ["flask"], FOLDER / "smoke.py")
    with pytest.raises(SandboxError, match="torch"):
        smoke(engine, image, ["flask", "torch"], FOLDER / "smoke.py")


# Builds as the worker makes them


@dataclass
class Made:
    """How a build ended: the image, or what the log says."""

    image: str | None
    log: str


Build = Callable[..., Made]


@pytest.fixture(scope="module")
def build(engine: docker.DockerClient) -> Iterator[Build]:
    """Build python-slim with these requirements, as a participant's Dockerfile is built; nothing of it stays."""
    slim, house = resolve("python-slim", engine), resolve("python-wheelhouse", engine)
    label = {OWN: f"wheelhouse-{os.getpid()}"}
    recipe = f"""FROM {slim} AS s0
LABEL {OWN}="{label[OWN]}"
COPY ["requirements.txt", "app.py", "/app/"]
FROM {house} AS i0
LABEL {OWN}="{label[OWN]}"
COPY --from=s0 ["/app/requirements.txt", "/requirements.txt"]
RUN ["/usr/bin/python3", "-I", "/install.py"]
FROM s0 AS s1
LABEL {OWN}="{label[OWN]}"
COPY --from=i0 ["/installed/", "/"]
WORKDIR /app
"""

    def go(requirements: str) -> Made:
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            for name, text in (("Dockerfile", recipe), ("requirements.txt", requirements), ("app.py", SERVICE)):
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        context.seek(0)
        lines = engine.api.build(
            fileobj=context,
            custom_context=True,
            decode=True,
            rm=True,
            forcerm=True,
            nocache=True,
            network_mode="none",
            labels=label,
            container_limits={"memory": 1024**3, "memswap": 1024**3},
        )
        log, image, failed = "", None, False
        for line in lines:
            log += line.get("stream", "") + line.get("error", "")
            failed |= "error" in line
            image = line.get("aux", {}).get("ID", image)
        return Made(None if failed else image, log)

    yield go
    mark = f"{OWN}={label[OWN]}"
    for container in engine.containers.list(all=True, filters={"label": mark}):
        container.remove(force=True, v=True)
    engine.images.prune(filters={"dangling": True, "label": mark})
    assert engine.images.list(all=True, filters={"label": mark}) == []


@pytest.fixture(scope="module")
def everything(build: Build) -> str:
    """The image with every package of the wheelhouse."""
    made = build((FOLDER / "requirements.in").read_text())
    assert made.image, made.log
    assert "installed: annotated_doc, " in made.log
    return made.image


def test_what_is_installed_runs_for_a_stranger_without_rights(engine: docker.DockerClient, everything: str) -> None:
    for command, says in (
        (["gunicorn", "--version"], "gunicorn (version "),
        (["uvicorn", "--version"], "Running uvicorn "),
        (["flask", "--version"], "Flask "),
        (["waitress-serve", "--help"], "waitress-serve [OPTS]"),
        (["head", "-n", "1", "/usr/local/bin/gunicorn"], "#!/usr/bin/python3\n"),
        (["gunicorn", "--check-config", "app:app"], ""),
    ):
        code, said = run_in(engine, everything, command)
        assert code == 0 and says in said, (command, said)
    code, said = run_in(engine, everything, ["gunicorn", "--check-config", "app:other"])
    assert code != 0, said


def test_every_package_imports_compiled_and_belongs_to_root(engine: docker.DockerClient, everything: str) -> None:
    program = """
import numpy, pandas, sklearn.ensemble, scipy.stats, flask, fastapi, starlette, orjson, pydantic, uvicorn, waitress
import uvloop, httptools, websockets, watchfiles, yaml, dotenv, numpy.testing, pandas.testing, gunicorn.app.wsgiapp
import json, os, importlib.metadata
site = "/usr/local/lib/python3.11/dist-packages"
loose, plain = [], []
for folder, folders, files in os.walk("/usr/local"):
    for path in (os.path.join(folder, name) for name in folders + files):
        status = os.lstat(path)
        if status.st_uid or status.st_gid or (status.st_mode & 0o022 and not os.path.islink(path)):
            loose.append(path)
    if folder.startswith(site):
        for name in files:
            cached = os.path.join(folder, "__pycache__", name.replace(".py", ".cpython-311.pyc"))
            if name.endswith(".py") and (not os.path.exists(cached) or open(cached, "rb").read(8)[4:] != b"\\1\\0\\0\\0"):
                plain.append(cached)
assert flask.__file__ == site + "/flask/__init__.py", flask.__file__
x = numpy.arange(20.0).reshape(-1, 1)
assert sklearn.ensemble.RandomForestRegressor(5).fit(x, x[:, 0]).predict(x).shape == (20,)
print(json.dumps({
    "loose": loose[:5], "plain": plain[:5], "tests": os.path.exists(site + "/pandas/tests"),
    "data": os.path.exists(site + "/sklearn/datasets/data"), "wheels": os.path.exists("/wheels"),
    "versions": {one.name.lower().replace("_", "-"): one.version for one in importlib.metadata.distributions()},
}))
"""
    code, said = run_in(engine, everything, ["python", "-c", program])
    assert code == 0, said
    found = json.loads(said.splitlines()[-1])
    without_pip = {name: version for name, version in _locked().items() if name != "pip"}
    assert found.pop("versions") == without_pip
    assert found == {"loose": [], "plain": [], "tests": False, "data": False, "wheels": False}


def test_everything_together_is_within_the_size_allowed(engine: docker.DockerClient, everything: str) -> None:
    sizes = [engine.images.get(image).attrs["Size"] for image in (everything, resolve("python-slim", engine))]
    assert 100e6 < sizes[0] - sizes[1] < MB_ALLOWED * 1e6


def test_every_requirement_that_is_not_there_is_told_at_once(build: Build) -> None:
    made = build("# mine\ntorch\nflask\nnumpy==1.26.4\nscipy~=1\n")
    assert made.image is None
    for line in (
        "line 2: torch: there is no torch in the wheelhouse",
        "line 4: numpy==1.26.4: the wheelhouse has numpy 2",
        "line 5: scipy~=1: these versions cannot be read",
        "docs/wheelhouse.md",
        "non-zero code: 1",
    ):
        assert line in made.log, made.log
    assert "Traceback" not in made.log


def test_a_hostile_line_never_reaches_pip(build: Build) -> None:
    made = build("flask\n--find-links=/etc\n")
    assert made.image is None
    assert "line 2: --find-links=/etc: options" in made.log
    assert "Collecting" not in made.log and "installed:" not in made.log


def test_an_extra_that_needs_more_is_told_in_plain_words(build: Build) -> None:
    made = build("fastapi[standard]\n")
    assert made.image is None
    assert re.search(r"fastapi\[standard\] needs \S+, which is not in the wheelhouse", made.log), made.log
    nobody = build("flask[nobody]\n")
    assert nobody.image and "does not provide the extra 'nobody'" in nobody.log, nobody.log


def test_no_requirements_are_none(engine: docker.DockerClient, build: Build) -> None:
    made = build("# later\n")
    assert made.image and "nothing to install" in made.log
    code, said = run_in(engine, made.image, ["python", "-c", "import flask"])
    assert code == 1 and "No module named 'flask'" in said


def test_nothing_of_the_installer_is_left(engine: docker.DockerClient, build: Build) -> None:
    made = build("waitress\n")
    assert made.image, made.log
    program = "import os; print([path for path in ('/wheels', '/install.py', '/installed', '/requirements.txt') if os.path.exists(path)])"
    assert run_in(engine, made.image, ["python", "-c", program]) == (0, "[]\n")
    assert run_in(engine, resolve("python-wheelhouse", engine), ["python", "-c", program]) == (
        0,
        "['/wheels', '/install.py']\n",
    )
