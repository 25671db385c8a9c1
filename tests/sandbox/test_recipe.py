"""The Dockerfile that is really built: as agreed, whatever the plan is, and with the values that Docker's builder reads."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.images import image_tag
from sandbox.images.build import connect
from sandbox.inside.dockerfile import PIP_LINE, parse
from sandbox.inside.dockerlines import BadDockerfile
from sandbox.recipe import BadPlan, Recipe, Step, render
from tests.sandbox.builders import read
from tests.sandbox.test_dockerfile import CMD, FROM, files

FILES = sorted((Path(__file__).parent / "dockerfiles").glob("*.Dockerfile"))
BASE = "sha256:" + "b" * 64
WHEELHOUSE = "sha256:" + "e" * 64
LABELS = {"assay.instance": 'i "$1"', "assay.build": "7"}
LABEL = r'LABEL assay.instance="i \"\$1\"" assay.build="7"'
INSTALL = 'RUN ["/usr/bin/python3", "-I", "/install.py"]'


def rendered(plan: object, *, any_run: bool = False) -> Recipe:
    return render(plan, base=BASE, wheelhouse=WHEELHOUSE, labels=LABELS, any_run=any_run)


def of(text: str, *, any_run: bool = False) -> Recipe:
    return rendered(parse(text.encode()), any_run=any_run)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_rendered_as_agreed(file: Path) -> None:
    recipe = rendered(parse(file.read_bytes()), any_run=file.stem == "run")
    shown = "".join(f"{step.line or '':>3} {step.text}\n" for step in recipe.steps)
    shown = shown.replace(BASE, "BASE").replace(WHEELHOUSE, "WHEELHOUSE").replace(LABEL, "LABEL ours")
    assert shown == file.with_suffix(".rendered").read_text()


def test_steps_are_the_instructions_of_the_text() -> None:
    recipe = of(FROM + "COPY . /app/\nRUN " + PIP_LINE.removeprefix("RUN ") + "\n" + CMD)
    assert recipe.text.decode().splitlines() == [step.text for step in recipe.steps]
    assert recipe.steps[0] == Step(f"FROM {BASE} AS s0", 1)
    assert [step.line for step in recipe.steps] == [1, None, 2, None, None, 3, 3, None, None, None, 4]


def test_without_labels_there_is_no_instruction_for_them() -> None:
    recipe = render(parse((FROM + CMD).encode()), base=BASE, wheelhouse=WHEELHOUSE, labels={}, any_run=False)
    assert [step.text for step in recipe.steps] == [f"FROM {BASE} AS s0", 'CMD ["python", "app.py"]']


@pytest.mark.parametrize(
    "run",
    [
        "pip install flask",
        "python -m pip install -r requirements.txt",
        '["pip", "install", "flask"]',
        "cd x && pip3 install y",
    ],
)
def test_a_refused_install_is_told_the_line_to_write(run: str) -> None:
    with pytest.raises(BadPlan, match=r"^Dockerfile, line 2: .*requirements\.txt") as caught:
        of(FROM + f"RUN {run}\n" + CMD)
    assert PIP_LINE in str(caught.value)
    assert of(FROM + f"RUN {run}\n" + CMD, any_run=True).steps[2].line == 2
    assert of(FROM + PIP_LINE + "\n" + CMD)


def test_any_other_run_is_refused_with_its_line() -> None:
    with pytest.raises(BadPlan, match=r"^Dockerfile, line 3: nothing runs"):
        of(FROM + "EXPOSE 80\nRUN curl x\n" + CMD)
    assert of(FROM + "EXPOSE 80\nRUN curl x\n" + CMD, any_run=True).steps[3].text == 'RUN ["/bin/sh", "-c", "curl x"]'


def test_an_instruction_that_grows_too_long_is_the_participants() -> None:
    with pytest.raises(BadPlan, match=r"^Dockerfile, line 2: this instruction is too long"):
        of(FROM + 'CMD ["' + "ü" * 15_000 + '"]\n')
    assert of(FROM + 'CMD ["' + "ü" * 9_000 + '"]\n')


@pytest.mark.parametrize(
    "changed",
    [
        {"base": "python:3.11-slim"},
        {"wheelhouse": "sha256:x\nRUN id"},
        {"labels": {"a b": "c"}},
        {"labels": {"a": "b\nRUN id"}},
    ],
)
def test_our_own_words_are_checked_too(changed: dict[str, Any]) -> None:
    ours: dict[str, Any] = {"base": BASE, "wheelhouse": WHEELHOUSE, "labels": LABELS, "any_run": False}
    plan = parse((FROM + CMD).encode())
    assert render(plan, **ours)
    with pytest.raises(ValueError, match=r"of ours|its ID") as caught:
        render(plan, **{**ours, **changed})
    assert not isinstance(caught.value, BadPlan)


# Hostile plans

RICH = parse(
    (
        "FROM python:3.11-slim AS a\nWORKDIR /w\nCOPY --chown=1:1 x y z/\n" + PIP_LINE + "\nENV A='$b' C=d\n" + CMD
        + "FROM python:3.11-slim\nARG R=1\nCOPY --from=a /w /w\nLABEL k=v\nUSER 1:1\nEXPOSE 80 81/udp\n"
        + 'RUN ["x"]\nENTRYPOINT ["y"]\n' + CMD
    ).encode()
)  # fmt: skip
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["", "/", "..", "/..", "/proc", "a\nRUN id", "\\", '"', "$x", "python", "run", "--from=x", "\ud800", "\x85"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["op", "line", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


PLACES = list(places(RICH))


def put(path: tuple[Any, ...], value: Any) -> Any:
    plan = copy.deepcopy(RICH)
    if not path:
        return value
    place = plan
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return plan


def check(recipe: Recipe, *, any_run: bool) -> None:
    """What holds of everything that is ever built."""
    built = recipe.text.decode().splitlines()
    assert built == [step.text for step in recipe.steps]
    names: list[str] = []
    for number, line in enumerate(built):
        assert not line.endswith("\\")
        assert "$" not in line.replace("\\$", "") or line.startswith(("CMD [", "ENTRYPOINT [", "RUN ["))
        word = line.split(" ")[0]
        assert word in "FROM LABEL COPY WORKDIR ENV USER EXPOSE CMD ENTRYPOINT RUN ARG".split()
        if word == "FROM":
            found = re.fullmatch(r"FROM (\S+) AS ([si][0-9]+)", line)
            assert found
            assert found[1] in (BASE, WHEELHOUSE, *names)
            assert found[2] not in names
            assert built[number + 1] == LABEL
            names.append(found[2])
        if word == "LABEL":
            assert line == LABEL or "assay." not in line.casefold().split("=")[0]
        if word == "RUN":
            assert any_run or (line == INSTALL and built[number - 3] == f"FROM {WHEELHOUSE} AS {names[-1]}")
        if word == "COPY":
            origin = re.match(r"COPY --from=(\S+) ", line)
            assert origin is None or origin[1] in names[:-1]
        assert word != "ARG" or any_run
    assert names[-1].startswith("s")


def test_the_plan_that_is_made_hostile_is_a_good_one() -> None:
    check(rendered(RICH, any_run=True), any_run=True)


@given(st.sampled_from(PLACES), json_values)
def test_a_hostile_plan_gives_nothing_else_than_bad_plan(path: tuple[Any, ...], value: Any) -> None:
    for any_run in (False, True):
        with suppress(BadPlan):
            check(rendered(put(path, value), any_run=any_run), any_run=any_run)


@given(st.sampled_from([path for path in PLACES if path and isinstance(path[-1], str)]), st.text(max_size=4))
def test_a_plan_with_other_fields_is_refused(path: tuple[Any, ...], extra: str) -> None:
    plan = copy.deepcopy(RICH)
    place: Any = plan
    for key in path[:-1]:
        place = place[key]
    value = place.pop(path[-1])
    if path[-1] != "args":  # the one field that may be missing
        with pytest.raises(BadPlan):
            rendered(plan, any_run=True)
    place[path[-1]] = value
    assert rendered(plan, any_run=True)
    if extra not in place:
        place[extra] = value
        with pytest.raises(BadPlan):
            rendered(plan, any_run=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("stages", 0, "base"), BASE),
        (("stages", 0, "base"), 0),
        (("stages", 1, "base"), True),
        (("stages", 1, "base"), 1),
        (("stages", 1, "base"), -1),
        (("stages", 0, "steps", 0, "path"), "/proc/self/fd"),
        (("stages", 0, "steps", 0, "path"), "w"),
        (("stages", 0, "steps", 1, "sources"), ["/etc/passwd"]),
        (("stages", 0, "steps", 1, "sources"), ["a/../../b"]),
        (("stages", 0, "steps", 1, "sources"), ["https://example.org/x"]),
        (("stages", 0, "steps", 1, "sources"), ["a", "*"]),
        (("stages", 0, "steps", 1, "sources"), []),
        (("stages", 0, "steps", 1, "target"), "/sys/"),
        (("stages", 0, "steps", 1, "target"), "/w"),
        (("stages", 0, "steps", 1, "owner"), "root"),
        (("stages", 0, "steps", 2, "requirements"), "/"),
        (("stages", 0, "steps", 2, "requirements"), "/dev/stdin"),
        (("stages", 0, "steps", 3, "pairs"), [["LD_PRELOAD", "x"]]),
        (("stages", 0, "steps", 3, "pairs"), [["A", "x\nRUN id"]]),
        (("stages", 0, "steps", 3, "pairs"), [["A", "x", "y"]]),
        (("stages", 0, "steps", 3, "pairs"), []),
        (("stages", 0, "steps", 4, "argv"), ["a\x00"]),
        (("stages", 0, "steps", 4, "argv"), []),
        (("stages", 0, "steps", 4, "op"), "volume"),
        (("stages", 0, "steps", 4, "line"), 0),
        (("stages", 1, "steps", 0, "from"), 1),
        (("stages", 1, "steps", 1, "pairs"), [["assay.instance", "x"]]),
        (("stages", 1, "steps", 2, "user"), "1 2"),
        (("stages", 1, "steps", 3, "ports"), ["80-90/tcp"]),
        (("stages", 1, "steps", 4, "args"), [["A=1 B", "x"]]),
        (("stages",), []),
        (("stages", 0, "steps"), [{"line": 1, "op": "user", "user": "1"}] * 64),
        ((), None),
    ],
)
def test_each_field_is_checked_again(path: tuple[Any, ...], value: Any) -> None:
    assert rendered(put(path, RICH_AT(path)), any_run=True)
    with pytest.raises(BadPlan, match="odd"):
        rendered(put(path, value), any_run=True)


def RICH_AT(path: tuple[Any, ...]) -> Any:  # noqa: N802 - the good value in the place of the bad one
    value: Any = RICH
    for key in path:
        value = value[key]
    return value


@given(files)
def test_whatever_is_read_can_be_rendered(text: str) -> None:
    try:
        plan = parse(text.encode())
    except BadDockerfile:
        return
    check(rendered(plan, any_run=True), any_run=True)


# Values survive the builder

visible = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(list(" \t\\\"'$={}#")), max_size=20)
part = st.from_regex(r"[A-Za-z0-9_+@-][A-Za-z0-9_.+@-]{0,8}", fullmatch=True)
absolute = st.lists(part.map(lambda one: f"x{one}"), max_size=3).map(lambda parts: "/" + "/".join(parts))
relative = st.lists(part, min_size=1, max_size=3).map("/".join)
name = st.from_regex(r"(?!LD_)[A-Z][A-Z0-9_]{0,5}", fullmatch=True)
number = st.integers(0, 2_099_999_999).map(str)
owner = number | st.tuples(number, number).map(":".join)
argv = st.lists(visible | st.just("a\n\tb"), max_size=3).map(lambda found: ["x", *found])
step = st.one_of(
    st.builds(lambda s, t, o: {"op": "copy", "from": None, "sources": s, "target": t.rstrip("/") + "/", "owner": o}, st.lists(relative | st.just("."), min_size=1, max_size=3), absolute, owner | st.just("")),
    st.builds(lambda p: {"op": "workdir", "path": p}, absolute),
    st.builds(lambda p: {"op": "env", "pairs": [list(one) for one in p]}, st.lists(st.tuples(name, visible), min_size=1, max_size=3)),
    st.builds(lambda p: {"op": "label", "pairs": [list(one) for one in p]}, st.lists(st.tuples(name, visible), min_size=1, max_size=3)),
    st.builds(lambda u: {"op": "user", "user": u}, owner | st.just("nobody")),
    st.builds(lambda p: {"op": "expose", "ports": [f"{one}/tcp" for one in p]}, st.lists(st.integers(1, 65535), min_size=1, max_size=3)),
    st.builds(lambda op, a: {"op": op, "argv": a}, st.sampled_from(["cmd", "entrypoint", "run"]), argv),
)  # fmt: skip


@given(st.lists(st.lists(step, max_size=6), min_size=1, max_size=3), st.booleans())
def test_the_builder_reads_the_values_of_the_plan(found: list[list[dict[str, Any]]], chained: bool) -> None:
    stages = [
        {
            "line": 1,
            "name": "",
            "base": at - 1 if chained and at else "python",
            "steps": [{"line": 2, **one} for one in steps],
        }
        for at, steps in enumerate(found)
    ]
    built = read(rendered({"stages": stages}, any_run=True).text)
    assert [one.image for one in built] == [f"s{at - 1}" if chained and at else BASE for at in range(len(found))]
    for one, steps in zip(built, found, strict=True):
        ours, *theirs = one.steps
        assert ours == {"op": "label", "pairs": [list(pair) for pair in LABELS.items()]}
        assert theirs == steps


# The real builder

OWN = "assay.test.recipe"


@pytest.fixture
def build() -> Iterator[Any]:
    """Build a Dockerfile with a context in the real engine; what it has made is removed."""
    engine = connect()
    mark = str(os.getpid())

    def go(dockerfile: bytes, context: dict[str, bytes] | None = None) -> str:
        # in every stage, or one that is only copied from could not be found again
        dockerfile = re.sub(rb"(?mi)^(FROM .*)$", rb"\1\nLABEL " + f"{OWN}={mark}".encode(), dockerfile)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for path, content in {**(context or {}), "Dockerfile": dockerfile}.items():
                member = tarfile.TarInfo(path)
                member.size, member.mode = len(content), 0o644
                tar.addfile(member, io.BytesIO(content))
        lines = list(
            engine.api.build(
                fileobj=io.BytesIO(out.getvalue()), custom_context=True, labels={OWN: mark}, network_mode="none",
                nocache=True, rm=True, forcerm=True, decode=True,
            )
        )  # fmt: skip
        assert not any("error" in line for line in lines), lines
        return str(next(line["aux"]["ID"] for line in reversed(lines) if "aux" in line))

    yield go
    for _ in range(8):  # a stage goes after those that stand on it
        for one in engine.api.images(all=True, filters={"label": f"{OWN}={mark}"}):
            with suppress(docker.errors.APIError):
                engine.api.remove_image(one["Id"], force=True)
    assert engine.api.images(all=True, filters={"label": f"{OWN}={mark}"}) == []
    engine.close()


def base() -> str:
    engine = connect()
    try:
        return str(engine.images.get(image_tag("base")).id)
    finally:
        engine.close()


def config(image: str) -> dict[str, Any]:
    engine = connect()
    try:
        found: dict[str, Any] = engine.api.inspect_image(image)["Config"]
    finally:
        engine.close()
    keys = ("Env", "Labels", "Cmd", "Entrypoint", "WorkingDir", "User", "ExposedPorts")
    found["Labels"] = {name: value for name, value in found["Labels"].items() if not name.startswith("assay.")}
    found["Env"] = dict(one.split("=", 1) for one in found["Env"])
    return {key: found.get(key) for key in keys}


def tree(image: str, folder: str) -> dict[str, tuple[bytes, int, int, int]]:
    """Every file below a folder of an image: content, mode, owner, group."""
    engine = connect()
    container = engine.containers.create(image, ["/bin/true"], labels={OWN: str(os.getpid())})
    try:
        stream, _ = container.get_archive(folder)
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            found = {}
            for one in tar:
                content = tar.extractfile(one)
                found[one.name] = (content.read() if content else b"", one.mode, one.uid, one.gid)
            return found
    finally:
        container.remove(force=True)
        engine.close()


ODD = {
    "QUOTES": "say \"hi\" and 'ho'",
    "DOLLARS": "$PATH ${PATH} $$ \\$ $",
    "SLASHES": "C:\\temp\\ \\\\ \\n \\",
    "SPACES": "  two  words\tand a tab ",
    "UMLAUTS": "grüße, 世界 🐍 `id` $(id)",
    "EMPTY": "",
    "HASH": "# no comment; a && b | c > d = e",
}


def test_the_real_builder_reads_the_values_of_the_plan(build: Any) -> None:
    pairs = [[key, value] for key, value in ODD.items()]
    program = ["sh", "-c", "echo \"$PATH\" \\ 'ü' ${X}\n\tend"]
    plan = {
        "stages": [
            {
                "line": 1,
                "name": "",
                "base": "python",
                "steps": [
                    {"line": 2, "op": "env", "pairs": pairs},
                    {"line": 3, "op": "env", "pairs": [["PATH", "/x:$PATH"]]},
                    {"line": 4, "op": "label", "pairs": pairs},
                    {"line": 5, "op": "workdir", "path": "/srv/a.b_c+d@e-f"},
                    {"line": 6, "op": "user", "user": "10001:nogroup"},
                    {"line": 7, "op": "expose", "ports": ["8080/tcp", "53/udp"]},
                    {"line": 8, "op": "entrypoint", "argv": program},
                    {"line": 9, "op": "cmd", "argv": list(ODD.values())[:5]},
                ],
            }
        ]
    }
    text = render(plan, base=base(), wheelhouse=WHEELHOUSE, labels={"assay.build": 'x "$y"'}, any_run=False).text
    image = build(text)
    assert config(image) == {
        "Env": {"LANG": "C.UTF-8", **ODD, "PATH": "/x:$PATH"},
        "Labels": ODD,
        "Cmd": list(ODD.values())[:5],
        "Entrypoint": program,
        "WorkingDir": "/srv/a.b_c+d@e-f",
        "User": "10001:nogroup",
        "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
    }
    engine = connect()
    assert engine.api.inspect_image(image)["Config"]["Labels"]["assay.build"] == 'x "$y"'
    engine.close()


CONTEXT = {
    "app.py": b"print(1)\n",
    "conf-8080.toml": b"a = 1\n",
    "requirements.txt": b"flask\n",
    "more/extra.txt": b"orjson\n",
    "assets/a/one": b"1",
    "assets/two": b"2",
    "service/main.py": b"pass\n",
}


@pytest.mark.parametrize(
    "text",
    [
        next(file for file in FILES if file.stem == "words").read_text(),
        # an ENTRYPOINT clears a CMD of a stage below, and keeps one of its own stage
        FROM.replace("\n", " AS a\n") + 'CMD ["a"]\nFROM a\nENTRYPOINT ["b"]\n',
        FROM + 'CMD ["a"]\nENTRYPOINT ["b"]\n',
        # every way to write a target
        FROM
        + "WORKDIR /srv/w\nCOPY app.py .\nCOPY app.py ./\nCOPY app.py to\nCOPY app.py folder/\nCOPY assets .\nCOPY assets/ as/\n"
        + "COPY ./more /srv/more\nCOPY app.py requirements.txt /srv/both/\nCOPY --chown=5 app.py /srv/five\n"
        + 'COPY --chown=5:6 ["service", "/srv/six/"]\nWORKDIR x/\nCOPY . all\nWORKDIR /srv\nCOPY app.py w\n' + CMD,
        FROM.replace("\n", " AS One\n") + "WORKDIR /srv/a\nCOPY assets ./\nFROM python:3.11-slim\n"
        + "COPY --from=one srv/a /srv/b\nCOPY --from=0 /srv/a/two /srv/c/\nCOPY --from=ONE /srv /srv/d\n" + CMD,
    ],
    ids=["words", "entrypoint-clears", "entrypoint-keeps", "targets", "stages"],
)  # fmt: skip
def test_the_real_builder_makes_the_same_of_a_file_and_of_its_rendering(text: str, build: Any) -> None:
    """Docker is asked what a participant's file means; our file must give the same image."""
    id = base()
    theirs = build(text.replace("python:3.11-slim", id).encode(), CONTEXT)
    recipe = render(parse(text.encode()), base=id, wheelhouse=WHEELHOUSE, labels={}, any_run=False)
    ours = build(recipe.text, {**CONTEXT})
    assert config(ours) == config(theirs)
    found = tree(ours, "/srv")
    # `COPY .` brings the Dockerfile along, and here the two differ in it
    contents = {path: entry for path, entry in tree(theirs, "/srv").items() if not path.endswith("/Dockerfile")}
    assert {path: entry for path, entry in found.items() if not path.endswith("/Dockerfile")} == contents
    assert len(found) > 1 or "COPY" not in text


def test_the_same_file_with_an_install_in_the_middle_starts_the_same(build: Any) -> None:
    """The split that an install makes must not lose the CMD before it; an empty stage plays the wheelhouse."""
    text = FROM + "WORKDIR /srv\n" + 'CMD ["a"]\n' + "COPY requirements.txt .\n%sENV B=1\n" + 'ENTRYPOINT ["b"]\n'
    id = base()
    theirs = build((text % "").replace("python:3.11-slim", id).encode(), CONTEXT)
    house = build(
        f"FROM {id}\nCOPY install.py /\n".encode(),
        {"install.py": b"import os, shutil\nos.makedirs('/installed/srv')\nshutil.copy('/requirements.txt', '/installed/srv/seen')\n"},
    )  # fmt: skip
    plan = parse((text % (PIP_LINE + "\n")).encode())
    ours = build(render(plan, base=id, wheelhouse=house, labels={}, any_run=False).text, CONTEXT)
    assert config(ours) == config(theirs)
    assert (config(ours)["Entrypoint"], config(ours)["Cmd"]) == (["b"], ["a"])
    assert tree(ours, "/srv")["srv/seen"][0] == CONTEXT["requirements.txt"]


def test_an_arg_is_in_the_environment_of_a_run(build: Any) -> None:
    text = next(file for file in FILES if file.stem == "run").read_text() + "WORKDIR /srv\nRUN echo $PORT > /srv/port\n"
    id = base()
    theirs = build(text.replace("python:3.11-slim", id).replace('"python"', '"python3"').encode())
    plan = json.loads(json.dumps(parse(text.replace('"python"', '"python3"').encode())))
    ours = build(render(plan, base=id, wheelhouse=WHEELHOUSE, labels={}, any_run=True).text)
    assert tree(ours, "/srv") == tree(theirs, "/srv")
    assert tree(ours, "/version") == tree(theirs, "/version")
    assert tree(ours, "/version")["version"][0] == b"1 C.UTF-8\n"
