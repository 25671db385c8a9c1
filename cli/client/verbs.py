"""The verbs of people who take part: submit, status, leaderboard, cancel, login and those about challenges."""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from cli.client import config, season, show, starter
from cli.client.api import FINAL, Api, ApiError
from cli.client.folder import read as read_folder
from cli.client.folder import zipped
from cli.errors import NOT_ACCEPTED, WRONG_USE, CliError

Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The judge's address (else ASSAY_URL, else `assay login`).")
]
Token = Annotated[
    str | None, typer.Option("--token", metavar="TOKEN", help="Your token (else ASSAY_TOKEN, else `assay login`).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Challenge = Annotated[str, typer.Argument(help="The challenge's short name, as in `assay challenge list`.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="A submission's id, as `assay submit` prints it.")]

MAX_FILE_BYTES = 64 * 1024 * 1024
ARCHIVES = (".zip", ".tar.gz", ".tgz")
"""What a judge unpacks where a challenge takes several files."""


def register(app: typer.Typer, challenge: typer.Typer, competition: typer.Typer) -> None:
    """Hang these verbs into the command and its groups."""
    app.command()(submit)
    app.command()(status)
    app.command()(leaderboard)
    app.command()(cancel)
    app.command()(login)
    challenge.command("list")(list_challenges)
    challenge.command("show")(show_challenge)
    challenge.command("get")(get_challenge)
    competition.command("apply")(apply_competition)
    competition.command("links")(password_links)


def submit(
    challenge: Challenge,
    path: Annotated[
        Path,
        typer.Argument(
            help="The file to hand in, sent under the name the challenge asks for. For a challenge of several files: "
            "their folder, or an archive of them (.zip, .tar.gz, .tgz)."
        ),
    ],
    competition: Annotated[
        str | None, typer.Option(help="The competition it is for; needed when you are in several with this challenge.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Judge it on the public samples: it costs no attempt, and shows its output."),
    ] = False,
    practice: Annotated[
        bool, typer.Option("--practice", help="After the end: judged like any other, and on no board.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the verdict and show the progress.")] = True,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Hand in a solution and see its verdict.

    Ends with exit code 0 when it is accepted, 3 when it is not, 1 when something failed.
    """
    if dry_run and practice:
        raise CliError("A dry run or practice, not both.", WRONG_USE)
    kind = "dry" if dry_run else "practice" if practice else "scored"
    files = _files(path)
    with _api(url, token) as api:
        name, content = _named(api, challenge, path, files)
        try:
            receipt = api.submit(challenge, competition, name, content, kind)
        except ApiError as error:
            raise _with_competitions(error) from None
        if not wait:
            _print_receipt(receipt, as_json)
            return
        _end_with_verdict(api, str(receipt.get("id")), as_json)


def apply_competition(
    file: Annotated[Path, typer.Argument(help="What it is to be, in TOML; docs/seasons.md says how.")],
    yes: Annotated[bool, typer.Option("--yes", help="Change it without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Make a competition what a file says: its weeks, challenges, points and rules. For organisers.

    Shows what would change and asks first. All of it is changed or nothing; a second time there is nothing to change.
    """
    slug, rules = season.read(file)
    with _api(url, token) as api:
        changes = api.apply_competition(slug, rules, dry_run=True)
        if not as_json:
            for one in changes:
                show.out.print(show.safe(one), soft_wrap=True)
        if changes and not dry_run:
            if not yes and not as_json:
                typer.confirm(f"Change {slug} so?", abort=True)
            changes = api.apply_competition(slug, rules, dry_run=False)
    if as_json:
        show.print_json({"competition": slug, "applied": not dry_run, "changes": changes})
    elif not changes:
        show.out.print(f"{slug} is so already.")
    elif not dry_run:
        show.out.print(f"{slug} is changed.")


def password_links(
    competition: Annotated[str, typer.Argument(help="The competition's short name.")],
    url: Url = None,
    token: Token = None,
) -> None:
    """Make a link to set a password for everybody who cannot sign in yet, as CSV: name,email,link. For organisers.

    A link works once, within a week, and ends the one before. Hand each to its person only.
    """
    with _api(url, token) as api:
        out = csv.writer(sys.stdout)
        out.writerow(("name", "email", "link"))
        for one in api.roster(competition):
            if not one.get("can_sign_in"):
                name = str(one.get("name"))
                shown = f"'{name}" if name.startswith(("=", "+", "-", "@")) else name  # a spreadsheet would run it
                out.writerow((shown, one.get("email") or "", api.password_link(competition, name)))


def status(
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One submission; without it, your latest.")] = None,
    wait: Annotated[bool, typer.Option(help="With an ID: wait for the verdict; exit codes as of `submit`.")] = False,
    challenge: Annotated[str | None, typer.Option(help="Without an ID: only of this challenge.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Without an ID: how many.")] = 20,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show your submissions, or one of them in full."""
    with _api(url, token) as api:
        if id is None:
            lines = api.submissions(limit, challenge)
            show.print_json(lines) if as_json else show.submissions(lines)
        elif wait:
            _end_with_verdict(api, id, as_json)
        else:
            seen = api.submission(id)
            show.print_json(seen) if as_json else show.verdict(seen)


def leaderboard(
    competition: Annotated[
        str | None, typer.Argument(help="Its short name; not needed when there is only one.")
    ] = None,
    challenge: Annotated[
        str | None, typer.Option(help="The board of this challenge instead of the overall one.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many places.")] = 50,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show where everyone stands."""
    with _api(url, token) as api:
        board = api.leaderboard(competition or _only_competition(api), challenge, limit)
    show.print_json(board) if as_json else show.board(board)


def cancel(id: Id, url: Url = None, token: Token = None) -> None:
    """Cancel a submission that has no verdict yet."""
    with _api(url, token) as api:
        api.cancel(id)
    show.out.print(f"{show.safe(id)} is cancelled.")


def login(
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="The judge's address.")] = None,
) -> None:
    """Save the judge's address and your token.

    The token is asked for, or read from standard input. Both are kept in ~/.config/assay/config.toml, which only you
    can read.
    """
    address = config.login_url(url)
    if sys.stdin.isatty():
        secret = typer.prompt(f"Token for {address}", hide_input=True, default="", show_default=False, err=True)
    else:
        secret = sys.stdin.readline()
    chosen = config.Account(address, config.checked_token(secret))
    if not chosen.token:
        raise CliError("A token is needed; an organiser of the judge gives you one.", WRONG_USE)
    with Api(chosen) as api:
        me = api.me()
    path = config.save(chosen)
    show.out.print(f"You are {show.safe(me.get('name', ''))} at {address}; saved in {path}.", soft_wrap=True)


def list_challenges(as_json: Json = False, url: Url = None, token: Token = None) -> None:
    """List the challenges of the judge."""
    with _api(url, token) as api:
        found = api.challenges()
    show.print_json(found) if as_json else show.catalogue(found)


def show_challenge(challenge: Challenge, as_json: Json = False, url: Url = None, token: Token = None) -> None:
    """Show a challenge's statement."""
    with _api(url, token) as api:
        found = api.challenge(challenge)
    show.print_json(found) if as_json else show.statement(found)


def get_challenge(
    challenge: Challenge,
    folder: Annotated[
        Path | None, typer.Argument(help="Where to; a new folder of the challenge's name if not given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Download starter files and public data."""
    with _api(url, token) as api:
        found = api.challenge(challenge)
        files = starter.starter_files(found)
        if found.get("data") != []:
            with tempfile.TemporaryFile() as archive, _spinning("downloading the data"):
                api.data(challenge, archive)
                files.update(starter.data_files(archive))
    written = starter.lay_out(folder or Path(challenge), files, force=force)
    for path in written:
        show.out.print(show.safe(path), soft_wrap=True)


def _api(url: str | None, token: str | None) -> Api:
    return Api(config.account(url, token))


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise CliError(f"{file} is larger than any judge takes.", WRONG_USE)
        return file.read_bytes()
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror}.", WRONG_USE) from error


def upload_of(api: Api, challenge: str, path: Path) -> tuple[str, bytes]:
    """Name and content of what `submit` would hand in. Raises CliError."""
    return _named(api, challenge, path, _files(path))


def _named(api: Api, challenge: str, path: Path, files: dict[str, bytes]) -> tuple[str, bytes]:
    return _sent(str(api.challenge(challenge).get("submit") or ""), challenge, path, files)


def _files(path: Path) -> dict[str, bytes]:
    return read_folder(path) if path.is_dir() else {path.name: _content(path)}


def _sent(wanted: str, challenge: str, path: Path, files: dict[str, bytes]) -> tuple[str, bytes]:
    """Under which name what is sent: a file or archive as it is, a folder's files as one zip.

    A file goes under the name the challenge asks for, so that nobody need rename it; what is plainly another kind is
    refused.
    """
    asked = show.safe(wanted)
    if path.is_dir():
        if wanted and wanted not in files:
            raise CliError(f"{challenge} asks for {asked}, and there is none in {path}.", WRONG_USE)
        return (wanted, files[wanted]) if set(files) == {wanted} else (f"{challenge}.zip", zipped(files))
    ((name, content),) = files.items()
    if wanted and Path(wanted).suffix == path.suffix:
        return wanted, content
    if wanted and not name.lower().endswith(ARCHIVES):
        raise CliError(f"{challenge} asks for {asked}, and {path} is another kind of file.", WRONG_USE)
    return name, content


def _with_competitions(error: ApiError) -> CliError:
    offered = error.extra.get("competitions")
    if error.code != "competition_required" or not isinstance(offered, list):
        return error
    names = ", ".join(show.safe(one) for one in offered)
    return CliError(f"Name the competition with --competition: {names}.", WRONG_USE)


def _only_competition(api: Api) -> str:
    slugs = [show.safe(one.get("slug", "")) for one in api.competitions()]
    if len(slugs) == 1:
        return slugs[0]
    if not slugs:
        raise CliError("The judge has no competition yet.")
    raise CliError(f"Name the competition: {', '.join(slugs)}.", WRONG_USE)


@show.understood
def _print_receipt(receipt: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show.print_json(receipt)
        return
    id, place = show.safe(receipt["id"]), receipt["queue_position"]
    queued = "" if place is None else f", position {int(place)} in the queue"
    if receipt.get("held_reason"):
        queued = f"; {show.safe(receipt['held_reason'])}"
    left = receipt.get("attempts_left")
    today = "" if left is None else f" {int(left)} left for today."
    show.out.print(f"Received {id}{queued}.{today} See it with: assay status {id} --wait", soft_wrap=True)


def _end_with_verdict(api: Api, id: str, as_json: bool) -> None:
    """Show the progress until there is a verdict, then that. Raises typer.Exit unless it is accepted."""
    seen = _followed(api, id)
    show.print_json(seen) if as_json else show.verdict(seen)
    if seen.get("verdict") != "accepted":
        raise typer.Exit(NOT_ACCEPTED)


def _followed(api: Api, id: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    told = ""
    try:
        with _spinning("waiting") as spinner:
            for seen in api.follow(id):
                if seen.get("state") in FINAL:
                    break
                words = show.progress(seen)
                if spinner is not None:
                    spinner.update(text=Text(words))
                elif words != told:
                    show.err.print(words, soft_wrap=True)
                told = words
    except KeyboardInterrupt:
        show.err.print(f"It is judged all the same. See it with: assay status {show.safe(id)} --wait", soft_wrap=True)
        raise
    except ApiError as error:
        raise CliError(f"{error} The submission is safe; see it with: assay status {show.safe(id)} --wait") from error
    return seen


@contextmanager
def _spinning(words: str) -> Iterator[Spinner | None]:
    """A live line on a terminal; None where there is none, so that logs hold one line a change."""
    if not show.err.is_terminal:
        yield None
        return
    spinner = Spinner("dots", Text(words))
    with Live(spinner, console=show.err, transient=True, refresh_per_second=10):
        yield spinner
