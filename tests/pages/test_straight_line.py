"""The straight line, nothing scripted: REST, database, a real worker, two boxes, hidden tests, and a row in a browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.installation import wait_for
from tests.pages.conftest import Open
from tests.pages.site import Site
from tests.pages.test_live import marked, never_left, standing


def test_a_submission_becomes_a_row_of_an_open_board(site: Site, open_page: Open) -> None:
    board = marked(open_page("/leaderboards/toys"))
    assert standing(board) == ["– ada –"]
    with site.worker():
        id = site.post("ada")
        mine = open_page(f"/submissions/{id}", person="ada")
        wait_for(lambda: standing(board) == ["1 ada 100"], "the row")
        expect(mine.get_by_text("accepted", exact=True).first).to_be_visible(timeout=20_000)
    assert never_left(board)
