"""The `assay` command: hangs every verb in its place and turns foreseeable errors into one sentence.

The rooms are imported inside the verbs that need them, so that `assay submit` starts at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli import server
from cli.client import verbs
from cli.errors import CliError


class _Sentences(TyperGroup):
    """Commands that end with a sentence on stderr and an exit code where they would end with a CliError."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CliError as error:
            from cli.client.show import safe_lines

            typer.echo(f"assay: {safe_lines(error)}", err=True)
            raise typer.Exit(error.exit_code) from error


def _group(help: str) -> typer.Typer:
    return typer.Typer(help=help, no_args_is_help=True, rich_markup_mode=None)


app = typer.Typer(
    cls=_Sentences,
    help="An automated, sandboxed judge for machine-learning engineering.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
challenge = _group("Find challenges, get what you start from, and try a solution on this machine.")
competition = _group("Set up competitions, for those who run a judge.")
images = _group("The images of the runtimes that programs run in.")

verbs.register(app, challenge, competition)
app.add_typer(challenge, name="challenge")
app.add_typer(competition, name="competition")
server.register(app, challenge, images)
app.add_typer(images, name="images")


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the judge.")] = 8000,
    once: Annotated[bool, typer.Option("--once", help="End after the leaderboard.")] = False,
    data: Annotated[Path, typer.Option(help="The demo's own folder, made anew at each start.")] = Path("demo-data"),
) -> None:
    """Show the judge at work: a bootcamp, four people, every kind of verdict, a leaderboard.

    Exit code 0 only if every verdict is the one the solution's folder declares.
    """
    from rich.console import Console

    from cli.demo import demo as show

    raise typer.Exit(show(port=port, once=once, data=data.absolute(), console=Console(soft_wrap=True)))


if __name__ == "__main__":
    app()
