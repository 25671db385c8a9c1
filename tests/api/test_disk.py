"""How full a disk is, on real small ones, and what becomes of a receipt when it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from api.disk import used_percent
from api.store.tables import Submission
from tests.installation import Installation


def filled(folder: Path, megabytes: float) -> Path:
    """A file of so many megabytes, or of all that is left."""
    path = folder / "filler"
    try:
        with path.open("wb", buffering=0) as file:
            for _ in range(round(megabytes * 64)):
                file.write(bytes(16384))
    except OSError:
        pass  # that is what it is for
    return path


def test_it_is_what_df_says(small_disk: Path) -> None:
    assert used_percent(small_disk) < 1
    filler = filled(small_disk, 24)
    said = subprocess.run(["df", "--output=pcent", small_disk], capture_output=True, text=True, check=True).stdout
    assert used_percent(small_disk) == pytest.approx(75, abs=1)
    assert f"{used_percent(small_disk):.0f}%" in said
    filler.unlink()
    assert used_percent(small_disk) < 1


def test_files_count_as_space_does(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,nr_inodes=100", small_disk], check=True)
    for number in range(90):
        (small_disk / str(number)).touch()
    assert used_percent(small_disk) > 90


@pytest.mark.fault("F13")
def test_no_receipt_is_given_that_the_database_has_no_room_for(small_disk: Path, tmp_path: Path) -> None:
    at = Installation(tmp_path / "data", database_url=f"sqlite:///{small_disk}/assay.db")
    given = [at.submit()]
    filler = filled(small_disk, 100)
    assert used_percent(small_disk) > 99

    def rush() -> None:
        while len(given) < 1000:  # until the last page is taken
            given.append(at.submit())

    with pytest.raises(OperationalError, match="full"):
        rush()
    filler.unlink()
    at.audit()
    given.append(at.submit())
    assert {at.judging(one).state.value for one in given} == {"queued"}
    with at.store.read() as session:
        assert set(session.exec(select(Submission.id))) == set(given)
    at.store.close()
