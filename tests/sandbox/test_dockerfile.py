"""The grammar of Dockerfiles: what is read, what is refused with which words, and that nothing else ever happens."""

from __future__ import annotations

import json
import re
from pathlib import Path
from socket import SHUT_WR, socketpair
from threading import Thread
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sandbox.inside import frames
from sandbox.inside.channel import Channel
from sandbox.inside.dockerfile import BASE_ENV, MAX_INSTRUCTIONS, READERS, REFUSED, main, parse
from sandbox.inside.dockerlines import MAX_BYTES, BadDockerfile
from sandbox.inside.frames import Frame
from tests.sandbox.builders import parse_words, process_word

PAGE = Path(__file__).parents[2] / "docs" / "dockerfile.md"
FROM = "FROM python:3.11-slim\n"
CMD = 'CMD ["python", "app.py"]\n'


def steps(body: str) -> list[dict[str, Any]]:
    """The steps of a one-stage file that has this body."""
    found: list[dict[str, Any]] = parse((FROM + body + "\n" + CMD).encode())["stages"][-1]["steps"]
    return found[:-1]


def refusal(text: str | bytes) -> BadDockerfile:
    with pytest.raises(BadDockerfile) as caught:
        parse(text.encode() if isinstance(text, str) else text)
    return caught.value


def test_a_small_service() -> None:
    assert parse((FROM + "WORKDIR /app\nCOPY app.py .\nUSER 10001\nEXPOSE 8080\n" + CMD).encode()) == {
        "stages": [
            {
                "line": 1,
                "name": "",
                "base": "python",
                "steps": [
                    {"line": 2, "op": "workdir", "path": "/app"},
                    {"line": 3, "op": "copy", "from": None, "sources": ["app.py"], "target": "/app/", "owner": ""},
                    {"line": 4, "op": "user", "user": "10001"},
                    {"line": 5, "op": "expose", "ports": ["8080/tcp"]},
                    {"line": 6, "op": "cmd", "argv": ["python", "app.py"]},
                ],
            }
        ]
    }


def test_names_and_variables_of_stages() -> None:
    plan = parse(
        b"FROM python:3.11-slim AS Build\nENV A=1\nARG B=2\nWORKDIR /w\n"
        b"FROM build AS next\nENV C=$A\nWORKDIR x\nCOPY --from=BUILD y z/\nCOPY --from=0 / /all\n" + CMD.encode()
    )
    second = plan["stages"][1]
    assert (plan["stages"][0]["name"], second["base"], second["name"]) == ("build", 0, "next")
    assert second["steps"][0]["pairs"] == [["C", "1"]]
    assert second["steps"][1]["path"] == "/w/x"
    assert [(one["from"], one["sources"], one["target"]) for one in second["steps"][2:4]] == [
        (0, ["/y"], "/w/x/z/"),
        (0, ["/"], "/all"),
    ]
    assert "$B" in refusal(b"FROM python:3.11-slim AS b\nARG B=2\nFROM b\nENV C=$B\n" + CMD.encode()).why


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (".", "/app/"),
        ("./", "/app/"),
        ("./x", "/app/x"),
        ("x/", "/app/x/"),
        ("x/y", "/app/x/y"),
        ("/", "/"),
        ("/x/", "/x/"),
        ("/x", "/x"),
        (".config", "/app/.config"),
        ('"x"', "/app/x"),
        ("$LANG", "/app/C.UTF-8"),
        ("processor", "/app/processor"),
        ("/system", "/system"),
    ],
)
def test_targets_are_absolute(target: str, path: str) -> None:
    assert steps(f"WORKDIR /app\nCOPY a {target}")[1]["target"] == path


@pytest.mark.parametrize(
    ("source", "path"), [(".", "."), ("./", "."), ("./a", "a"), ("a/b/", "a/b"), ("dev", "dev"), ("'a'", "a")]
)
def test_sources_are_relative(source: str, path: str) -> None:
    assert steps(f"COPY {source} /x")[0]["sources"] == [path]


@pytest.mark.parametrize(
    ("user", "read"), [("0", "0"), ("nobody", "nobody"), ('"10001:app"', "10001:app"), ("2099999999", "2099999999")]
)
def test_users(user: str, read: str) -> None:
    assert steps(f"USER {user}")[0]["user"] == read


PIP = "pip install --no-index --only-binary=:all: -r requirements.txt"


@pytest.mark.parametrize(
    ("run", "file"),
    [
        (PIP, "/requirements.txt"),
        ("pip3 install -q --no-cache-dir --no-index --only-binary :all: -r a/b.txt", "/a/b.txt"),
        ("python -m pip install -r /x.txt --only-binary=:all: --no-index --find-links=/wheels", "/x.txt"),
        ("python3 -m pip install --no-index --only-binary=:all: --requirement ./x.txt", "/x.txt"),
        ("pip\tinstall --no-index --only-binary=:all:  --requirement=x.txt --find-links /wheels", "/x.txt"),
        (json.dumps(PIP.split()), "/requirements.txt"),
        (json.dumps(["python", "-m", *PIP.split()]), "/requirements.txt"),
    ],
)
def test_the_one_way_to_install(run: str, file: str) -> None:
    assert steps(f"RUN {run}") == [{"line": 2, "op": "install", "requirements": file}]


@pytest.mark.parametrize(
    "run",
    [
        "pip install flask",
        "pip install --no-index -r requirements.txt",
        "pip install --only-binary=:all: -r requirements.txt",
        "pip install --no-index --only-binary=flask -r requirements.txt",
        "pip install --no-index --only-binary=:none: --only-binary=:all: -r requirements.txt",
        f"{PIP} -r more.txt",
        f"{PIP} flask",
        f"{PIP} --index-url=http://x",
        f"{PIP} --find-links=/tmp",
        f"{PIP} && true",
        f"{PIP} # now",
        f"{PIP} > log",
        f"PIP_NO_INDEX=0 {PIP}",
        "pip install --no-index --only-binary=:all: -r=requirements.txt",
        "pip --isolated install --no-index --only-binary=:all: -r requirements.txt",
        'pip install --no-index --only-binary=:all: -r "requirements.txt"',
        "pip install --no-index --only-binary=:all: -r $LANG",
        "pip install --no-index --only-binary=:all: -r *.txt",
        "pip download --no-index --only-binary=:all: -r requirements.txt",
        "curl https://example.org",
    ],
)
def test_any_other_run_is_a_run(run: str) -> None:
    assert steps(f"RUN {run}") == [{"line": 2, "op": "run", "argv": ["/bin/sh", "-c", run]}]


def test_a_run_sees_the_args_that_no_env_hides() -> None:
    assert steps("ARG A='x y'\nARG B=1\nARG C\nENV B=2\nRUN echo")[-1] == {
        "line": 6,
        "op": "run",
        "argv": ["/bin/sh", "-c", "echo"],
        "args": [["A", "x y"]],
    }


REFUSALS: list[tuple[str, int, str]] = [
    # the file
    ("", 1, "no instruction"),
    ("# nothing\n\n", 1, "no instruction"),
    ("\ufeff" + FROM + CMD, 1, "U+FEFF"),
    (FROM + "ENV A=\x00\n" + CMD, 2, "U+0000"),
    (FROM + "ENV A=\x1b[1m\n" + CMD, 2, "U+001B"),
    (FROM + "ENV A=a\u00a0b\n" + CMD, 2, "U+00A0"),
    (FROM + "# \u202e\n" + CMD, 2, "U+202E"),
    (FROM + "ENV A=a\rB=b\n" + CMD, 2, "U+000D"),
    (FROM + "\n" * MAX_BYTES + CMD, 1, "64 KB"),
    (FROM + "EXPOSE 1\n" * (MAX_INSTRUCTIONS - 1) + CMD, MAX_INSTRUCTIONS + 1, "64 instructions"),
    (FROM * 9 + CMD, 9, "8 stages"),
    (FROM + "ENV A=" + "a" * 5000 + "\n" + CMD, 2, "4096"),
    (FROM + "CMD [" + " " * 16_000 + '"a"]\n', 2, "16000"),
    # directives
    ("# syntax=docker/dockerfile:1\n" + FROM + CMD, 1, "directives"),
    ("#syntax = x\n" + FROM + CMD, 1, "directives"),
    ("  # ESCAPE=`\n" + FROM + CMD, 1, "directives"),
    ("#\tCheck=skip=all\n" + FROM + CMD, 1, "directives"),
    ("# a comment\n\n# syntax=x\n" + FROM + CMD, 3, "directives"),
    ("#!/usr/bin/env docker\n# syntax=x\n" + FROM + CMD, 2, "directives"),
    ("// syntax=x\n" + FROM + CMD, 1, "no instruction"),
    ('{"syntax": "x"}\n' + FROM + CMD, 1, "no instruction"),
    # lines
    (FROM + 'CMD ["a"] \\', 2, "ends inside"),
    (FROM + "CMD [\\\n\n" + '"a"]\n', 3, "empty line"),
    (FROM + "RUN a \\\\\nb\n" + CMD, 2, "two backslashes"),
    ("\\\n \\\n" + "x\n" + CMD, 1, "no instruction"),
    ("CMD\n" + FROM, 1, "after it"),
    # other instructions
    *((f"{FROM}{word} x\n{CMD}", 2, f"{word} is not known") for word in REFUSED),
    (FROM + "add https://example.org/x /x\n" + CMD, 2, "COPY"),
    (FROM + "ＣＯＰＹ a b\n" + CMD, 2, "no instruction"),
    (FROM + "INSTALL a\n" + CMD, 2, "no instruction"),
    # FROM
    ("ARG V=3.11\n" + FROM + CMD, 1, "first instruction is FROM"),
    ("FROM scratch\n" + CMD, 1, "only python:3.11-slim"),
    ("FROM alpine:3.22\n" + CMD, 1, "only python:3.11-slim"),
    ("FROM python\n" + CMD, 1, "only"),
    ("FROM Python:3.11-slim\n" + CMD, 1, "only"),
    ("FROM python:3.11-slim@sha256:" + "0" * 64 + "\n" + CMD, 1, "only"),
    ("FROM sha256:" + "0" * 64 + "\n" + CMD, 1, "only"),
    ("FROM assay/base\n" + CMD, 1, "only"),
    (FROM + "ARG X=python:3.11-slim\nFROM $X\n" + CMD, 3, "no variables"),
    ("FROM --platform=linux/amd64 python:3.11-slim\n" + CMD, 1, "--platform"),
    (FROM + "FROM 0\n" + CMD, 2, "only"),
    ("FROM python:3.11-slim AS 1a\n" + CMD, 1, "name of a stage"),
    ("FROM python:3.11-slim AS scratch\n" + CMD, 1, "name of a stage"),
    ("FROM python:3.11-slim AS a\nFROM python:3.11-slim AS A\n" + CMD, 2, "already"),
    ("FROM python:3.11-slim a\n" + CMD, 1, "write FROM"),
    ("FROM python:3.11-slim # slim\n" + CMD, 1, "line of its own"),
    # COPY
    (FROM + "COPY a\n" + CMD, 2, "SOURCE TARGET"),
    (FROM + "COPY --from=0 a b\n" + CMD, 2, "no stage before"),
    (FROM + "COPY --from=alpine a b\n" + CMD, 2, "no stage before"),
    ("FROM python:3.11-slim AS me\nCOPY --from=me a b\n" + CMD, 2, "no stage before"),
    (FROM + FROM + "COPY --from=$LANG a b\n" + CMD, 3, "COPY knows"),
    (FROM + FROM + "COPY --from 0 a b\n" + CMD, 3, "COPY knows"),
    (FROM + FROM + "COPY --from=0 --from=0 a b\n" + CMD, 3, "twice"),
    (FROM + "COPY --chown=app a b\n" + CMD, 2, "numbers"),
    (FROM + "COPY --chown=4294967295 a b\n" + CMD, 2, "numbers"),
    (FROM + "COPY --chmod=4755 a b\n" + CMD, 2, "COPY knows"),
    (FROM + "COPY --link a b\n" + CMD, 2, "COPY knows"),
    (FROM + "COPY -- a b\n" + CMD, 2, "COPY knows"),
    (FROM + "COPY /etc/passwd b\n" + CMD, 2, "relative"),
    (FROM + "COPY ../a b\n" + CMD, 2, ".."),
    (FROM + "COPY a/../b c\n" + CMD, 2, ".."),
    (FROM + "COPY *.py b/\n" + CMD, 2, "wildcards"),
    (FROM + "COPY a[1] b/\n" + CMD, 2, "wildcards"),
    (FROM + "COPY a b c\n" + CMD, 2, "end with /"),
    (FROM + "COPY a /proc/self/fd/\n" + CMD, 2, "/proc"),
    (FROM + "WORKDIR /\nCOPY a dev/shm\n" + CMD, 3, "/proc, /sys and /dev"),
    (FROM + "COPY a /sys\n" + CMD, 2, "/sys"),
    (FROM + "COPY a /x/../proc\n" + CMD, 2, ".."),
    (FROM + "COPY a //x\n" + CMD, 2, "single slashes"),
    (FROM + "COPY a /x/./y\n" + CMD, 2, "single slashes"),
    (FROM + "COPY a b\\ c\n" + CMD, 2, "backslash"),
    (FROM + 'COPY "a b" c\n' + CMD, 2, "not closed"),
    (FROM + 'COPY ["a b", "c"]\n' + CMD, 2, "letters"),
    (FROM + 'COPY ["a", 1]\n' + CMD, 2, "strings"),
    (FROM + "COPY ['a', 'b']\n" + CMD, 2, "JSON"),
    (FROM + "COPY <<EOF /x\nhello\nEOF\n" + CMD, 2, "here-documents"),
    (FROM + "COPY a ''\n" + CMD, 2, "empty"),
    (FROM + "COPY a b # why\n" + CMD, 2, "line of its own"),
    (FROM + "COPY a /" + "a/" * 600 + "\n" + CMD, 2, "no place"),
    # WORKDIR, USER, EXPOSE
    (FROM + "WORKDIR /proc/self/fd\n" + CMD, 2, "/proc"),
    (FROM + "WORKDIR proc\n" + CMD, 2, "/proc"),
    (FROM + "ENV A=/sys\nWORKDIR $A/x\n" + CMD, 3, "/sys"),
    (FROM + "WORKDIR ..\n" + CMD, 2, ".."),
    (FROM + "WORKDIR a b\n" + CMD, 2, "letters"),
    (FROM + "WORKDIR\n" + CMD, 2, "something after"),
    (FROM + "USER 010\n" + CMD, 2, "USER"),
    (FROM + "USER -1\n" + CMD, 2, "USER"),
    (FROM + "USER 2147483648\n" + CMD, 2, "USER"),
    (FROM + "USER app extra\n" + CMD, 2, "USER"),
    (FROM + "EXPOSE 8000-8010\n" + CMD, 2, "no ranges"),
    (FROM + "EXPOSE 65536\n" + CMD, 2, "single ports"),
    (FROM + "EXPOSE 0\n" + CMD, 2, "single ports"),
    (FROM + "EXPOSE 8080/sctp\n" + CMD, 2, "single ports"),
    (FROM + "ENV P='1 2'\nEXPOSE $P\n" + CMD, 3, "single ports"),
    # ENV, LABEL, ARG
    (FROM + "ENV A b\n" + CMD, 2, "no ="),
    (FROM + "ENV A=b c\n" + CMD, 2, "no ="),
    (FROM + "ENV A=b # c\n" + CMD, 2, "line of its own"),
    (FROM + "LABEL a b\n" + CMD, 2, "no ="),
    (FROM + 'ENV A="b\n' + CMD, 2, "not closed"),
    (FROM + "ENV A='b\n" + CMD, 2, "not closed"),
    (FROM + "ENV A=$B\n" + CMD, 2, "$B has no value"),
    (FROM + "ENV A=1 B=$A\n" + CMD, 2, "$A has no value"),
    (FROM + "ARG B\nENV A=$B\n" + CMD, 3, "$B has no value"),
    (FROM + "ENV A=${LANG:-x}\n" + CMD, 2, "only ${NAME}"),
    (FROM + "ENV A=${}\n" + CMD, 2, "only ${NAME}"),
    (FROM + "ENV A=${LANG\n" + CMD, 2, "only ${NAME}"),
    (FROM + "ENV A=5$\n" + CMD, 2, "no name after it"),
    (FROM + 'ENV A="$?"\n' + CMD, 2, "no name after it"),
    (FROM + "ENV A=$LANGé\n" + CMD, 2, "${LANG}"),
    (FROM + "ENV $LANG=1\n" + CMD, 2, "$LANG has no value"),
    (FROM + "ENV 1A=1\n" + CMD, 2, "name of a variable"),
    (FROM + "ENV =1\n" + CMD, 2, "name of a variable"),
    (FROM + "ENV LD_PRELOAD=/x.so\n" + CMD, 2, "LD_PRELOAD"),
    (FROM + "ENV A=1 LD_LIBRARY_PATH=/x\n" + CMD, 2, "LD_LIBRARY_PATH"),
    (FROM + "ARG LD_AUDIT=/x\n" + CMD, 2, "LD_AUDIT"),
    (FROM + "ENV GLIBC_TUNABLES=x\n" + CMD, 2, "GLIBC_TUNABLES"),
    (FROM + "LABEL assay.instance=mine\n" + CMD, 2, "are ours"),
    (FROM + 'LABEL "Assay.build"=mine\n' + CMD, 2, "are ours"),
    (FROM + "LABEL a b=c\n" + CMD, 2, "no ="),
    (FROM + "ARG A=1 B=2\n" + CMD, 2, "one ARG"),
    (FROM + "ARG A=1\nARG A=2\n" + CMD, 3, "already"),
    ("FROM python:3.11-slim AS a\nARG A=1\nFROM a\nARG A=2\n" + CMD, 4, "already"),
    (FROM + "ARG TARGETARCH=x\n" + CMD, 2, "TARGETARCH"),
    (
        FROM
        + "".join(f"ENV A{n}={'$A' + str(n - 1) if n else 'x'}{'$A' + str(n - 1) if n else 'x'}\n" for n in range(20))
        + CMD,
        14,
        "4096",
    ),
    (FROM + "ENV A=" + "x" * 4000 + "\n" + "".join(f"ENV B{n}=$A\n" for n in range(20)) + CMD, 18, "64 KB"),
    # RUN, CMD, ENTRYPOINT, HEALTHCHECK
    (FROM + "RUN --mount=type=bind,target=/x cat /x\n" + CMD, 2, "--mount"),
    (FROM + "RUN --network=host curl x\n" + CMD, 2, "--network"),
    (FROM + "RUN --security=insecure id\n" + CMD, 2, "no options"),
    (FROM + "RUN <<EOF\necho\nEOF\n" + CMD, 2, "here-documents"),
    (FROM + "RUN [ -f x ] && y\n" + CMD, 2, "JSON"),
    (FROM + "RUN [NaN]\n" + CMD, 2, "strings"),
    (FROM + "RUN " + "[" * 9000 + "\n" + CMD, 2, "JSON"),
    (FROM + "RUN []\n" + CMD, 2, "no program"),
    (FROM + "USER 10001\nRUN " + PIP + "\n" + CMD, 3, "before USER"),
    (FROM + "ENV PIP_TARGET=/x\nRUN " + PIP + "\n" + CMD, 3, "PIP_TARGET"),
    (FROM + "ARG PIP_INDEX_URL=x\nRUN " + PIP + "\n" + CMD, 3, "PIP_INDEX_URL"),
    (FROM + "RUN " + PIP + "/\n" + CMD, 2, "a folder"),
    (FROM + "RUN " + PIP.replace("requirements.txt", "../x") + "\n" + CMD, 2, ".."),
    (FROM + "RUN " + PIP.replace("requirements.txt", "/proc/self/fd/0") + "\n" + CMD, 2, "/proc"),
    (FROM + "CMD python app.py\n", 2, '["python", "app.py"]'),
    (FROM + "ENTRYPOINT python app.py\n", 2, '["python", "app.py"]'),
    (FROM + "CMD ['python']\n", 2, "double quotes"),
    (FROM + 'CMD ["python"] # go\n', 2, "line of its own"),
    (FROM + 'CMD ["", "x"]\n', 2, "no program"),
    (FROM + 'CMD ["a\\u0000"]\n', 2, "control characters"),
    (FROM + 'CMD ["\\ud800"]\n', 2, "control characters"),
    (FROM + "HEALTHCHECK python x\n" + CMD, 2, "HEALTHCHECK CMD"),
    (FROM + "HEALTHCHECK --interval=soon CMD x\n" + CMD, 2, "HEALTHCHECK knows"),
    (FROM + "HEALTHCHECK --retries=0 CMD x\n" + CMD, 2, "HEALTHCHECK knows"),
    (FROM + "HEALTHCHECK NONE x\n" + CMD, 2, "HEALTHCHECK CMD"),
    (FROM + "HEALTHCHECK CMD [x]\n" + CMD, 2, "JSON"),
    (FROM + "HEALTHCHECK CMD\n" + CMD, 2, "HEALTHCHECK CMD"),
    (FROM + "WORKDIR /app\nEXPOSE 80\n", 3, "nothing to start"),
    (FROM + CMD + FROM + "EXPOSE 80\n", 4, "nothing to start"),
]


@pytest.mark.parametrize(("text", "line", "words"), REFUSALS, ids=[f"{n}-{one[2]}" for n, one in enumerate(REFUSALS)])
def test_refused_with_line_and_words(text: str, line: int, words: str) -> None:
    error = refusal(text)
    assert words in error.why
    assert error.line == line
    assert len(error.why) <= 300


def test_refused_bytes() -> None:
    error = refusal(FROM.encode() + b"ENV A=\xff\n")
    assert (error.line, error.why) == (2, "the file is not UTF-8 text")
    assert refusal("FROM python:3.11-slim".encode("utf-16")).line == 1


@pytest.mark.parametrize(
    "text",
    [
        'CMD ["python", "app.py"]  ',
        "# syntax=late, and so a comment\n" + CMD,
        "RUN a \\\n  # inside\n  b\n" + CMD,
        "ENV PIPE=1 PIP_NO_CACHE_DIR=1 A=a#b\nRUN " + PIP + "\n" + CMD,
        "USER root\nRUN " + PIP + "\nUSER 0:0\nRUN " + PIP + "\n" + CMD,
        "HEALTHCHECK NONE\n" + CMD,
        'HEALTHCHECK --start-period=1m30s --interval=0 cmd ["true"]\n' + CMD,
        "LABEL assayer=1\n" + CMD,
        'ENTRYPOINT ["x"]',
        "ARG A\nENV B=1\nARG B=2\nENV C=$B\n" + CMD,
        "EXPOSE 65535/udp 1\n" + CMD,
        "EXPOSE \\\n80\n" + CMD,
        "\\\n" + CMD,
    ],
)
def test_close_to_what_is_refused_and_read(text: str) -> None:
    assert parse((FROM + text).encode())["stages"]


def test_a_late_directive_is_a_comment_only_behind_an_instruction() -> None:
    assert parse((FROM + "# escape=`\n" + CMD).encode())["stages"]


def test_a_stage_below_may_say_what_to_start() -> None:
    below = "FROM python:3.11-slim AS a\n" + CMD
    assert parse((below + "FROM a\nEXPOSE 80\n").encode())["stages"][1]["base"] == 0
    assert "nothing to start" in refusal(below.replace(CMD, "") + "FROM a\nEXPOSE 80\n").why


def test_a_backslash_is_nothing_special_between_single_quotes() -> None:
    assert steps(r"ENV A='a\' B=1")[0]["pairs"] == [["A", "a\\"], ["B", "1"]]
    assert "not closed" in refusal(FROM + r'ENV A="a\" B=1' + "\n" + CMD).why


odd = st.text(st.sampled_from(list("ab$\\\"' \t={}LANG_é#")), max_size=24)


@given(odd)
def test_words_mean_what_they_mean_to_the_builder(text: str) -> None:
    """Whatever value we read, the builder's own steps read too."""
    try:
        found = steps(f"ENV A={text}")
    except BadDockerfile:
        assume(False)
    parts = [one.split("=", 1) for one in parse_words(f"A={text}".strip(" \t"))]
    assert found[0]["pairs"] == [[process_word(name, {}), process_word(value, BASE_ENV)] for name, value in parts]


lines = st.sampled_from(
    """FROM python:3.11-slim
FROM a
FROM python:3.11-slim AS a
COPY . .
COPY --from=a /x ./y/
COPY ["a", "b/", "/c/"]
WORKDIR $A
WORKDIR /w
ENV A=/x B="$LANG" \\
 C=$A
LABEL x="\\$ü"
ARG A=1
RUN echo $A
RUN pip install --no-index --only-binary=:all: -r r.txt
USER 1:1
EXPOSE $A
ENTRYPOINT ["x"]
CMD ["python", "\\u00fc"]
HEALTHCHECK CMD x
# comment""".replace("\\\n C", "\\§C").split("\n")
)
files = st.lists(lines | st.text(max_size=30), max_size=14).map(lambda found: "\n".join(found).replace("§", "\n"))


@given(files.map(lambda text: FROM + text + "\n" + CMD) | files | st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    refused: BadDockerfile | None = None
    try:
        plan = parse(data)
    except BadDockerfile as error:
        refused = error
    if refused:
        assert 1 <= refused.line <= data.count(b"\n") + 1
        assert refused.why
    else:
        assert json.loads(json.dumps(plan)) == plan


def test_a_file_of_the_greatest_kind_stays_small_as_a_plan() -> None:
    """The box that reads may say 256 KB; quotes double, and pairs weigh more than they hold."""
    quotes = parse((FROM + "ENV A='" + '"' * 4000 + "'\n" + "ENV B=$A\n" * 14 + CMD).encode())
    small = parse((FROM + ("ENV" + " A=" * 1250 + "\n") * 3 + CMD).encode())
    for plan in (quotes, small):
        assert 35_000 < len(json.dumps({"plan": plan}, ensure_ascii=False).encode()) < 200_000


def ask(text: bytes) -> tuple[Frame, Any]:
    ours, theirs = socketpair()
    with ours, theirs:
        answerer = Thread(target=main, args=(theirs,))
        answerer.start()
        channel = Channel(ours)
        channel.write(Frame(frames.CALL, b"i" * 16, b"{}", text))
        answer = channel.read()
        answerer.join(0.05)
        assert answerer.is_alive()  # an end right behind the answer could be taken for the end of the box
        ours.shutdown(SHUT_WR)
        answerer.join(5)
        assert not answerer.is_alive()
    return answer, json.loads(answer.json)


def test_one_frame_in_one_frame_out() -> None:
    text = (FROM + 'LABEL a="grüße"\n' + CMD).encode()
    answer, said = ask(text)
    assert (answer.kind, answer.id, answer.raw) == (frames.VALUE, b"i" * 16, b"")
    assert said == {"plan": parse(text)}


def test_one_frame_in_one_refusal_out() -> None:
    answer, said = ask(b"FROM scratch")
    assert answer.kind == frames.VALUE
    assert said == {"line": 1, "why": refusal("FROM scratch").why}


def rows(heading: str) -> dict[str, str]:
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([A-Z]+)` \| (.+) \|$", section, re.MULTILINE))


def test_the_page_has_every_instruction() -> None:
    assert list(rows("Instructions")) == sorted(READERS)
    assert list(rows("Not known here")) == sorted(REFUSED)


def test_the_examples_of_the_page_are_read() -> None:
    examples = re.findall(r"```dockerfile\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(examples) >= 2
    for example in examples:
        assert parse(example.encode())["stages"]
