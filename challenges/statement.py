"""The statement a participant reads, completed from the toml so that no number in it can be wrong; judges nothing."""

from challenges.kit.score import GATE_CAP, Group
from challenges.loader import Challenge
from challenges.report import Verdict


def rendered_statement(challenge: Challenge) -> str:
    """The author's statement with the sections "How it is graded" and "Limits", in Markdown."""
    return "\n".join([challenge.statement.rstrip(), "", *_graded(challenge), "", *_limits(challenge), ""])


def _graded(challenge: Challenge) -> list[str]:
    whole = sum(group.weight for group in challenge.groups)
    rule = (
        f"{Verdict.accepted.value} from {challenge.pass_mark} of 100 points if every gate holds. "
        f"A failed gate leaves at most {GATE_CAP:g} points."
    )
    lines = ["## How it is graded", "", rule, "", "| group | points | gate | counts |", "|---|---|---|---|"]
    for group in challenge.groups:
        points, gate = f"{100 * group.weight / whole:g}", "yes" if group.gate else ""
        lines.append(f"| `{group.name}` | {points} | {gate} | {_counts(group)} |")
    return lines


def _counts(group: Group) -> str:
    if group.lo is None or group.hi is None:
        return "all or nothing"
    return f"nothing at {group.lo:g}, in full from {group.hi:g}, linear between; passed from {group.threshold:g}"


def _submitted(challenge: Challenge) -> str:
    if challenge.max_files == 1:
        return f"`{challenge.submit}`, at most {challenge.max_kb} KiB"
    return (
        f"`{challenge.submit}` and what belongs to it: at most {challenge.max_files} files of together "
        f"{challenge.max_kb} KiB, as a folder, a zip or a tar.gz"
    )


def _environment(challenge: Challenge) -> list[tuple[str, str]]:
    if challenge.build is None:
        modules = ", ".join(map("`{}`".format, challenge.modules))
        return [
            ("runtime", f"`{challenge.runtime}`"),
            ("imported before your code starts, at no cost to you", modules),
        ]
    return [
        ("building the image", f"{challenge.build.seconds:g} s"),
        ("size of the image beyond its base", f"{challenge.build.size_mb} MB"),
    ]


def _limits(challenge: Challenge) -> list[str]:
    limits = challenge.limits
    rows = [
        ("you submit", _submitted(challenge)),
        *_environment(challenge),
        ("cpu time", f"{limits.cpu_seconds:g} s"),
        ("wall clock", f"{limits.wall_seconds:g} s"),
        ("memory, everything included", f"{limits.memory_mb} MB"),
        ("processes and threads", f"{limits.processes}"),
        ("output", f"{limits.output_kb} KiB"),
        ("files", f"{limits.files_mb} MB"),
        ("network", "none"),
    ]
    return ["## Limits", "", "| what | how much |", "|---|---|", *(f"| {a} | {b or 'nothing'} |" for a, b in rows)]
