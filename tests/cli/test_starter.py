"""Files from a judge on a person's disk: only below the folder, only plain names, and nothing overwritten by chance."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from cli.client import starter
from cli.errors import CliError


def archive(*members: tuple[str, bytes]) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in members:
            file.writestr(name, content)
    packed.seek(0)
    return packed


def test_files_are_laid_out(tmp_path: Path) -> None:
    files = {"solution.py": b"x", **starter.data_files(archive(("train.csv", b"1,2\n"), ("deep/er.csv", b"3")))}
    written = starter.lay_out(tmp_path / "new", files, force=False)
    assert {path.relative_to(tmp_path / "new").as_posix(): path.read_bytes() for path in written} == {
        "solution.py": b"x",
        "data/train.csv": b"1,2\n",
        "data/deep/er.csv": b"3",
    }


@pytest.mark.parametrize(
    "name",
    ["../up", "/abs", "a/../../up", "a//b", "", ".hidden", "a/.b", "a\\b", "C:evil", "a/b/c/d/e", "-rf", "é", "a b", "x" * 101,
     "a\nb", "a\x1b[2J"],
)  # fmt: skip
def test_no_name_leads_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(CliError) as caught:
        starter.lay_out(tmp_path / "new", {"good.py": b"", name: b"x"}, force=True)
    assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == [], "nothing was written, not even what was good"


@pytest.mark.parametrize("names", [("a.py", "A.py"), ("a", "a/b")])
def test_names_that_a_disk_takes_for_one_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(CliError, match="same name"):
        starter.lay_out(tmp_path, dict.fromkeys(names, b""), force=True)


def test_what_is_there_stays_unless_it_is_forced(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("mine")
    files = {"a.py": b"new", "b.py": b"new"}
    with pytest.raises(CliError, match="--force"):
        starter.lay_out(tmp_path, files, force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["b.py"]
    assert (tmp_path / "b.py").read_text() == "mine"
    starter.lay_out(tmp_path, files, force=True)
    assert (tmp_path / "b.py").read_text() == "new"


def test_links_are_neither_followed_nor_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "outside").mkdir()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.py").symlink_to(tmp_path / "victim")
    (folder / "data").symlink_to(tmp_path / "outside")
    with pytest.raises(CliError, match="exists already"):
        starter.lay_out(folder, {"a.py": b"x"}, force=False)
    starter.lay_out(folder, {"a.py": b"x"}, force=True)
    assert (tmp_path / "victim").read_text() == "precious"
    with pytest.raises(CliError, match="is a link"):
        starter.lay_out(folder, {"data/b.csv": b"x"}, force=True)
    assert list((tmp_path / "outside").iterdir()) == []


def test_an_archive_that_is_none() -> None:
    with pytest.raises(CliError, match="cannot be read"):
        starter.data_files(io.BytesIO(b"PK nonsense"))


def test_an_archive_with_a_lie_about_a_size() -> None:
    honest = archive(("bomb", bytes(1000))).getvalue()
    lying = honest.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(CliError):
        starter.data_files(io.BytesIO(lying))


def test_an_archive_with_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "MAX_BYTES", 10)
    assert starter.data_files(archive(("a", bytes(10))))
    with pytest.raises(CliError, match="more than"):
        starter.data_files(archive(("a", bytes(11))))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_one_name_twice() -> None:
    with pytest.raises(CliError, match="two files of one name"):
        starter.data_files(archive(("a", b"1"), ("a", b"2")))
