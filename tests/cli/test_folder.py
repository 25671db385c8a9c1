"""A folder that is handed in: its plain files and nothing else, in bounds; what is left out is said once."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from cli.client import folder
from cli.client.folder import read, zipped
from cli.errors import CliError


def fill(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def test_plain_files_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = fill(
        tmp_path / "work", "Dockerfile", "app/a/b/deep.py", "app/main.py", ".env", "app/.git/x", "__pycache__/a"
    )
    fill(tmp_path / "secret", "key")
    (root / "app/out").symlink_to(tmp_path / "secret")
    (root / "key").symlink_to(tmp_path / "secret" / "key")
    (root / "gone").symlink_to("nowhere")
    (root / "empty").mkdir()
    wanted = ["Dockerfile", "app/a/b/deep.py", "app/main.py"]
    assert read(root) == {name: name.encode() for name in wanted}
    said = capsys.readouterr()
    assert said.err == (
        "Left out, as hidden, a cache or a link: .env, __pycache__, app/.git, app/out, gone and 1 more.\n"
    )
    assert said.out == ""


def test_nothing_is_said_where_nothing_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read(fill(tmp_path, "a", "b/c")) == {"a": b"a", "b/c": b"b/c"}
    assert capsys.readouterr() == ("", "")


def test_a_link_to_the_folder_itself_is_followed(tmp_path: Path) -> None:
    fill(tmp_path / "work", "a")
    (tmp_path / "link").symlink_to("work")
    assert read(tmp_path / "link") == {"a": b"a"}


@pytest.mark.parametrize("name", ["a b", "é", "a\nb", "-rf", "a/b/c/d/e", "x" * 101])
def test_names_that_no_judge_takes(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "fine", name)
    with pytest.raises(CliError, match="cannot be handed in") as error:
        read(tmp_path)
    assert str(error.value).isascii()
    assert str(error.value).isprintable()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(fill(tmp_path, "a") / "pipe")
    with pytest.raises(CliError, match="neither a file nor a folder"):
        read(tmp_path)


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "abc", "d/ef")
    monkeypatch.setattr(folder, "MAX_BYTES", 7)
    assert len(read(tmp_path)) == 2
    monkeypatch.setattr(folder, "MAX_BYTES", 6)
    with pytest.raises(CliError, match="larger than any judge takes"):
        read(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(folder, "MAX_FILES", 1)
    with pytest.raises(CliError, match="more than 1 files"):
        read(tmp_path)


def test_nothing_to_hand_in(tmp_path: Path) -> None:
    fill(tmp_path, ".hidden")
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CliError):
            read(path)


def test_the_same_files_make_the_same_zip(tmp_path: Path) -> None:
    files = read(fill(tmp_path, "b", "a/c"))
    data = zipped(files)
    assert data == zipped(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
