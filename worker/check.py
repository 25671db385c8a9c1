"""The quality gate: judges a challenge by its own solutions, in real boxes; knows no server and no participant.

Its checks are G1 to G15 of docs/quality-gate.md. The quick level runs every solution once on one fresh seed; the full
level runs them on several, and faults put into reference and grader besides.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import statistics
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from challenges import kit, mutants
from challenges.kit.parcel import files_of, reply_with
from challenges.kit.score import Group
from challenges.loader import Challenge, Solution, solutions
from challenges.mutants import Mutant
from challenges.report import Report, Verdict
from challenges.solutions import UNIVERSAL
from sandbox.inside import frames
from sandbox.inside.frames import Frame
from sandbox.types import Job, Limits, Sandbox
from worker.graders import Graders, Prepared
from worker.grading import Grading, attempt_key
from worker.judge import Facts, GraderFailed, Outcome, judge
from worker.submission import SubmissionOver

SLOTS = 2
MUTANTS = 60
"""At most so many faults are put into one program; spread evenly where there are more."""
KILLED = 0.95
FEW = 20
"""Of fewer faults than these every one must be found."""
WAIVED = 0.1
FUZZED = {"quick": 60, "full": 500}
REPEATS = 5
CPU_SHARE = 1 / 3
MEMORY_SHARE = 0.6
"""Imports are in it, which differ little from machine to machine."""
STOPPED_KINDS = ("time_limit", "memory_limit", "output_limit")
DEMO = b"the seed that everybody may know"

Tell = Callable[[str], None]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Item:
    """What became of one check; `ok` None: it does not apply here, and `said` says why."""

    id: str
    title: str
    ok: bool | None
    said: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """All checks of one challenge."""

    slug: str
    version: str
    solutions: str
    """Digest of the solutions and of waived faults, which are not part of the version."""
    level: str
    seeds: int
    items: tuple[Item, ...]

    @property
    def green(self) -> bool:
        """Whether nothing failed."""
        return all(item.ok is not False for item in self.items)

    def document(self) -> dict[str, Any]:
        """As it stands in gate.json: without what differs from run to run."""
        items = [{"id": one.id, "title": one.title, "ok": one.ok, "said": one.said} for one in self.items]
        about = {"challenge": self.slug, "version": self.version, "solutions": self.solutions}
        return {
            **about,
            "kit": kit.VERSION,
            "level": self.level,
            "seeds": self.seeds,
            "green": self.green,
            "checks": items,
        }


def solutions_digest(folder: Path) -> str:
    """SHA-256 over solutions/ and mutants.toml, by name and content."""
    digest = hashlib.sha256()
    listed = [*(folder / "solutions").rglob("*"), folder / "mutants.toml"]
    for path in sorted(one for one in listed if one.is_file() and one.suffix != ".pyc"):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def stale(challenge: Challenge) -> str:
    """Why the challenge's gate.json is no proof for it as it stands; empty if it is one."""
    path = challenge.folder / "gate.json"
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return "there is no gate.json"
    except ValueError:
        return "gate.json cannot be read"
    if found.get("version") != challenge.version:
        return "the challenge has changed since"
    if found.get("solutions") != solutions_digest(challenge.folder):
        return "its solutions have changed since"
    if found.get("level") != "full" or found.get("green") is not True:
        return "gate.json is not of a green full gate"
    return ""


@dataclass(frozen=True)
class Result:
    """What came of one judging."""

    report: Report
    outcome: Outcome
    facts: Facts

    @property
    def points(self) -> float:
        return self.report.score.points if self.report.score else 0.0

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.report.checks if not one.passed)

    @property
    def essence(self) -> tuple[object, ...]:
        """What a participant, or the gate itself, would see differ."""
        score = self.report.score
        natural = (score.metric, score.standard_error) if score else ()
        return self.report.verdict, round(self.points, 6), self.failed, *natural

    def __str__(self) -> str:
        failed = f", failed {', '.join(self.failed)}" if self.failed else ""
        detail = f": {self.outcome.detail[-300:]}" if isinstance(self.outcome, GraderFailed) else ""
        return f"{self.report.verdict} with {self.points:.4g} points{failed}{detail}"


def check(
    challenge: Challenge, sandbox: Sandbox, *, level: str = "quick", seeds: int = 5, tell: Tell = lambda _: None
) -> Gate:
    """Run the gate. `seeds` is how many the full level takes, the demo's among them; `tell` hears how far it is.

    Raises SandboxError, ChallengeError, and GraderFault where `generate` itself fails.
    """
    graders = Graders(sandbox, idle=2 * SLOTS)
    try:
        with ThreadPoolExecutor(SLOTS) as pool:
            count = seeds if level == "full" else 1
            run = _Run(challenge, sandbox, Grading(sandbox, graders), pool, level, count, tell)
            items = tuple(run.items())
    finally:
        graders.close()
    digest = solutions_digest(challenge.folder)
    return Gate(challenge.slug, challenge.version, digest, level, count, items)


@dataclass
class _Run:
    challenge: Challenge
    sandbox: Sandbox
    grading: Grading
    pool: ThreadPoolExecutor
    level: str
    count: int
    tell: Tell
    prepared: list[Prepared] = field(default_factory=list)
    results: dict[tuple[str, int], Result] = field(default_factory=dict)
    """By "kind/name" and number of the seed."""
    tapes: dict[str, _Tape] = field(default_factory=dict)
    """By "kind/name", of the first seed."""

    def items(self) -> Iterator[Item]:
        challenge = self.challenge
        self.all = solutions(challenge)
        self.tell(f"{challenge.slug}: data of {self.count} seeds")
        fresh = [random.SystemRandom().randbytes(32) for _ in range(self.count)]
        seeds = [DEMO, *fresh[1:]] if self.level == "full" else fresh
        for seed in seeds:
            key = f"{challenge.version}|{seed.hex()}"
            self.prepared.append(Prepared(key, seed, *self.grading.generate(challenge, seed)))
        self._judge_all()
        yield self._reference()
        yield self._baseline()
        yield from self._wrong()
        yield self._alternatives()
        if self.level == "full":
            yield from self._mutants()
            yield self._separation()
            yield self._determinism()
        yield self._headroom()
        yield self._unreachable()
        yield self._statement()
        yield self._sources()
        yield self._fuzzed()
        yield self._feedback()

    # -- judging

    def judged(
        self, files: Mapping[str, bytes], seed: int = 0, *, sample: bool = False, challenge: Challenge | None = None
    ) -> Result:
        challenge = challenge or self.challenge
        outcome, facts = self.grading.grade(challenge, self.prepared[seed], files, sample=sample)
        return self._result(challenge, outcome, facts, files)

    def _result(self, challenge: Challenge, outcome: Outcome, facts: Facts, files: Mapping[str, bytes]) -> Result:
        lines = files.get(challenge.submit, b"").count(b"\n") + 1
        report = judge(outcome, facts, challenge.limits, pass_mark=challenge.pass_mark, lines=lines)
        return Result(report, outcome, facts)

    def _judge_all(self) -> None:
        """Every solution on every seed; those that a limit ends, on the first only: the limit is no matter of seeds."""
        wanted = [
            (one, seed) for one in self.all for seed in range(self.count) if seed == 0 or one.kind not in STOPPED_KINDS
        ]

        def work(case: tuple[Solution, int]) -> None:
            one, seed = case
            tape: list[tuple[Frame, Frame | SubmissionOver]] = []
            heard = None if seed else lambda asked, reply: tape.append((asked, reply))
            outcome, facts = self.grading.grade(self.challenge, self.prepared[seed], one.files, heard=heard)
            result = self._result(self.challenge, outcome, facts, one.files)
            self.results[_name(one), seed] = result
            if seed == 0:
                self.tapes[_name(one)] = _Tape(one.files, tape, result)

        self._each(work, wanted, "solutions")

    def _each(self, work: Callable[[T], R], wanted: Sequence[T], what: str) -> list[R]:
        """What `work` gives for each, in order, in all slots, telling how far it is."""
        done = 0

        def told(one: T) -> R:
            nonlocal done
            found = work(one)
            done += 1
            self.tell(f"{self.challenge.slug}: {done} of {len(wanted)} {what}")
            return found

        return list(self.pool.map(told, wanted))

    def _of(self, one: Solution) -> list[Result]:
        return [self.results[_name(one), seed] for seed in range(self.count) if (_name(one), seed) in self.results]

    def _kind(self, *kinds: str) -> list[Solution]:
        return [one for one in self.all if one.kind in kinds]

    def _misses(self, one: Solution) -> list[str]:
        """What is not as the solution's folder and first line say."""
        found = []
        for seed, result in enumerate(self._of(one)):
            wrong = one.expected not in (None, result.report.verdict)
            wrong = wrong or not one.low - 1e-9 <= result.points <= one.high + 1e-9
            wrong = wrong or (one.must_fail is not None and one.must_fail not in result.failed)
            wrong = wrong or (one.only and result.failed != (one.must_fail,))
            if wrong:
                found.append(f"{_name(one)} on seed {seed}: {result}")
        return found

    # -- the checks

    def _reference(self) -> Item:
        misses = [miss for one in self._kind("accepted") for miss in self._misses(one)]
        said = f"100 points on {self.count} seed{'s' * (self.count > 1)}"
        return _item("G1", "reference", misses, said)

    def _baseline(self) -> Item:
        low, high = self.challenge.baseline
        points = [result.points for one in self._kind("baseline") for result in self._of(one)]
        misses = [miss for one in self._kind("baseline") for miss in self._misses(one)]
        return _item(
            "G2", "baseline", misses, f"{min(points):.4g} to {max(points):.4g} points, band {low:g} to {high:g}"
        )

    def _wrong(self) -> Iterator[Item]:
        verdicts = [verdict.value for verdict in Verdict if verdict is not Verdict.accepted]
        authored, cheats = self._kind(*verdicts), self._kind("cheats")
        misses = [miss for one in (*authored, *cheats) for miss in self._misses(one)]
        plain = [one for one in authored if one.kind == Verdict.wrong_answer]
        if len(plain) < 4:
            misses.append(f"{len(plain)} wrong solutions where 4 are needed")
        failed = {name for one in plain for result in self._of(one) for name in result.failed}
        needed = min(4, len(self.challenge.groups))
        if len(failed) < needed:
            misses.append(f"they fail in {len(failed)} different checks ({', '.join(sorted(failed))}), not {needed}")
        missing = [name for name in UNIVERSAL if not any(one.name.startswith(name) for one in cheats)]
        if missing:
            misses.append(f"the universal cheats {', '.join(missing)} are missing")
        alone = {result.failed[0] for one in authored for result in self._of(one) if len(result.failed) == 1}
        exact = [group.name for group in self.challenge.groups if group.lo is None and group.name not in alone]
        said = f"{len(authored)} authored, {len(cheats)} cheats, failing in {len(failed)} checks"
        if exact and len(self.challenge.groups) > 1:
            said += f"; no wrong solution fails only in {', '.join(exact)}"
        yield _item("G3", "wrong solutions", misses, said)
        passing: list[str] = []
        for one in plain:
            if len(passing) == 2:
                break
            if self.judged(one.files, sample=True).report.verdict == Verdict.accepted:
                passing.append(one.name)
        # a metric tells on the samples too, so only exact groups can be passed there and failed here
        exact_ones = any(group.lo is None and group.weight for group in self.challenge.groups)
        short = ["fewer than 2 wrong solutions pass the public samples"] if exact_ones and len(passing) < 2 else []
        good = [
            f"{_name(one)} on the samples: {result}"
            for one in self._kind("accepted")
            if (result := self.judged(one.files, sample=True)).report.verdict != Verdict.accepted
        ]
        yield _item("G3s", "samples", short + good, f"{' and '.join(passing)} pass them")

    def _alternatives(self) -> Item:
        found = self._kind("alternatives")
        misses = [miss for one in found for miss in self._misses(one)]
        if not found:
            misses.append("there is no right solution by another method")
        return _item("G4", "alternatives", misses, ", ".join(one.name for one in found))

    def _mutants(self) -> Iterator[Item]:
        reference = self._kind("accepted")[0]
        exact = [group for group in self.challenge.groups if group.lo is None and group.weight]
        source = reference.files[self.challenge.submit]
        if self.challenge.submit.endswith(".py") and exact and len(reference.files) == 1:
            yield from self._mutants_of_reference(reference, source.decode())
        else:
            yield self._mutants_of_grader()

    def _mutants_of_reference(self, reference: Solution, source: str) -> Iterator[Item]:
        made = mutants.chosen(mutants.mutants(source), MUTANTS)
        waived, problems = _waivers(self.challenge.folder, made)
        hard = self._shorter()

        def survives(one: Mutant, seeds: Sequence[int], sample: bool = False) -> bool:
            files = {self.challenge.submit: one.source.encode()}
            found = [self.judged(files, seed, sample=sample, challenge=hard) for seed in seeds]
            return all(one.report.verdict == Verdict.accepted and one.points > 100 - 1e-9 for one in found)

        def work(one: Mutant) -> tuple[bool, bool]:
            seeds = range(self.count) if one.key in waived else [0]
            return survives(one, seeds), survives(one, [0], sample=True)

        survived = self._each(work, made, "faults in the reference")
        alive = [one for one, (hidden, _) in zip(made, survived, strict=True) if hidden]
        refuted = waived.keys() - {one.key for one in alive}
        problems += [f"{key} is waived as equivalent, but a seed tells it apart" for key in sorted(refuted)]
        if len(made) < FEW:
            problems.append(f"{len(made)} faults could be made where {FEW} are needed")
        yield _faults("faults in the reference", made, alive, waived, problems)
        by_samples = sum(not samples for _, samples in survived) / max(1, len(made))
        weak = by_samples >= KILLED and not any(one.key not in waived for one in alive) and len(made) >= FEW
        note = "; hidden tests add little" if weak else ""
        yield Item("G6", "what samples alone find", True, f"{100 * by_samples:.0f} % of the faults{note}")

    def _mutants_of_grader(self) -> Item:
        """Faults in what `grade` alone uses: some solution's outcome must change, on its recorded answers."""
        path = self.challenge.folder / "grader.py"
        source = path.read_text("utf-8")
        within = mutants.only_of(source, "grade", ["generate", "sample"])
        made = mutants.chosen(mutants.mutants(source, within), MUTANTS)
        waived, problems = _waivers(self.challenge.folder, made)
        tapes = [self.tapes[_name(one)] for one in self.all if one.kind not in STOPPED_KINDS]

        def work(one: Mutant) -> bool:
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place) / self.challenge.slug
                shutil.copytree(self.challenge.folder, folder, ignore=shutil.ignore_patterns("solutions", "starter"))
                (folder / "grader.py").write_text(one.source, "utf-8")
                changed = replace(self.challenge, folder=folder, version=one.key)
                prepared = replace(self.prepared[0], key=f"{one.key}|{self.prepared[0].key}")
                return all(self._same_again(changed, prepared, tape) for tape in tapes)

        survived = self._each(work, made, "faults in the grader")
        alive = [one for one, same in zip(made, survived, strict=True) if same]
        return _faults("faults in the grader", made, alive, waived, problems)

    def _same_again(self, challenge: Challenge, prepared: Prepared, tape: _Tape) -> bool:
        """Whether a changed grader asks the same on a recorded submission, and comes to the same."""
        left = iter(tape.frames)

        def answer(asked: Frame) -> Frame:
            recorded, reply = next(left, (None, None))
            if recorded is None or (recorded.kind, recorded.json, recorded.raw) != (asked.kind, asked.json, asked.raw):
                raise SubmissionOver("the grader asks something else")
            if isinstance(reply, SubmissionOver):
                raise reply
            assert reply is not None
            return reply

        return self._replayed(challenge, prepared, tape, answer).essence == tape.result.essence

    def _replayed(
        self, challenge: Challenge, prepared: Prepared, tape: _Tape, answer: Callable[[Frame], Frame]
    ) -> Result:
        """What comes of a grading in which `answer` stands for the submission of the tape."""
        outcome = self.grading.converse(challenge, prepared, attempt_key(prepared.seed, tape.files), answer)
        return self._result(challenge, outcome, tape.result.facts, tape.files)

    def _shorter(self) -> Challenge:
        """The same challenge with no more cpu time than three times what the reference needs: faults often loop."""
        used = max(result.facts.cpu_seconds for one in self._kind("accepted") for result in self._of(one))
        limits = self.challenge.limits
        cpu = min(limits.cpu_seconds, 3 * used + 1)
        return replace(self.challenge, limits=replace(limits, cpu_seconds=cpu, wall_seconds=2 * cpu + 10))

    def _separation(self) -> Item:
        metric = [group for group in self.challenge.groups if group.lo is not None]
        if not metric:
            return Item("G7", "separation", None, "no group is a metric")
        misses: list[str] = []
        said: list[str] = []
        for group in metric:
            misses += self._apart(group, said, natural=len(metric) == 1)
        return _item("G7", "separation", misses, "; ".join(said))

    def _apart(self, group: Group, said: list[str], *, natural: bool) -> list[str]:
        """What stands too close for one metric: by its natural values where the score tells them, else by shares."""
        assert group.lo is not None and group.hi is not None and group.threshold is not None
        sign = 1 if group.hi > group.lo else -1

        def values(one: Solution) -> list[tuple[float, float]]:
            scores = [result.report.score for result in self._of(one) if result.report.score is not None]
            if natural and scores and all(score.metric is not None for score in scores):
                return [(sign * float(score.metric or 0), score.standard_error or 0.0) for score in scores]
            return []

        misses = []
        for one in self._kind("accepted"):
            found = [value for value, _ in values(one)]
            if len(found) > 1:
                low = statistics.fmean(found) - 2 * statistics.stdev(found)
                said.append(f"{group.name}: reference {sign * statistics.fmean(found):.4g}, hi {group.hi:g}")
                if low < sign * group.hi:
                    misses.append(
                        f"{group.name}: the reference less two deviations is {sign * low:.4g}, hi {group.hi:g}"
                    )
        for one in self._kind("baseline"):
            found = [value for value, _ in values(one)]
            if len(found) > 1:
                high = statistics.fmean(found) + 2 * statistics.stdev(found)
                most = sign * group.lo + 0.05 * abs(group.hi - group.lo)
                said.append(f"baseline {sign * statistics.fmean(found):.4g}, lo {group.lo:g}")
                if high > most:
                    misses.append(
                        f"{group.name}: the baseline and two deviations are {sign * high:.4g}, lo {group.lo:g}"
                    )
        for one in self._kind(Verdict.wrong_answer):
            for value, error in values(one):
                gated = one.must_fail is not None and one.must_fail != group.name
                if not gated and value + 3 * error > sign * group.threshold:
                    misses.append(f"{group.name}: {one.name} has {sign * value:.4g} ({error:.2g}), too near to pass")
                    break
        return misses

    def _determinism(self) -> Item:
        misses = []
        for one in self._kind("accepted"):
            again = list(self.pool.map(lambda _, one=one: self.judged(one.files), range(REPEATS - 1)))
            first = self.results[_name(one), 0]
            differing = [result for result in again if not _same(first.report, result.report)]
            misses += [f"{_name(one)}: {first}, then {result}" for result in differing]
        data = self.prepared[0]
        if self.grading.generate(self.challenge, data.seed) != (data.public, data.hidden):
            misses.append("generate makes other data of the same seed")
        return _item("G8", "the same again", misses, f"{REPEATS} runs of the reference agree, as do data of one seed")

    def _headroom(self) -> Item:
        limits, misses = self.challenge.limits, []
        results = [result for one in self._kind("accepted") for result in self._of(one)]
        cpu = max(result.facts.cpu_seconds for result in results) / limits.cpu_seconds
        memory = max(result.facts.peak_memory_mb for result in results) / limits.memory_mb
        if cpu > CPU_SHARE:
            misses.append(f"the reference needs {100 * cpu:.0f} % of its cpu time, more than a third")
        if memory > MEMORY_SHARE:
            misses.append(f"the reference needs {100 * memory:.0f} % of its memory")
        if self.level == "full":
            doubled = replace(
                self.challenge,
                limits=replace(limits, cpu_seconds=2 * limits.cpu_seconds, wall_seconds=2 * limits.wall_seconds),
            )
            for one in self._kind("time_limit"):
                slow = self.judged(one.files, challenge=doubled).report.verdict == Verdict.time_limit
                misses += [] if slow else [f"{_name(one)} is through within twice the time"]
        return _item(
            "G9", "headroom", misses, f"the reference needs {100 * cpu:.0f} % cpu, {100 * memory:.0f} % memory"
        )

    def _unreachable(self) -> Item:
        """That cheats find nothing is G3; here, that nothing anybody is told holds a piece of what is hidden."""
        pieces = _pieces(self.prepared[0])
        misses = []
        for (name, seed), result in self.results.items():
            if seed == 0:
                told = json.dumps(result.report.as_json())
                misses += [f"{name}: its report holds {piece!r}" for piece in pieces if piece in told]
        return _item(
            "G10", "hidden data unreachable", misses, f"none of {len(pieces)} hidden pieces is told to anybody"
        )

    def _statement(self) -> Item:
        text, misses = self.challenge.statement, []
        if self.challenge.submit not in text:
            misses.append(f"the statement does not name {self.challenge.submit}")
        start = self.challenge.starter.get(self.challenge.submit, b"").decode("utf-8", "replace")
        if self.challenge.submit.endswith(".py"):
            names = re.findall(r"^(?:def|class) ([A-Za-z]\w*)", start, re.MULTILINE)
            misses += [f"the statement does not name {name}" for name in names if name not in text]
        examples = text.count(">>>")
        if examples:
            reference = self._kind("accepted")[0]
            files = {**reference.files, "statement.txt": text.encode(), "examples.py": EXAMPLES.encode()}
            argv = ("python3", "examples.py", self.challenge.submit.removesuffix(".py"))
            limits = Limits.of(cpu_seconds=30, memory_mb=self.challenge.limits.memory_mb)
            done = self.sandbox.run(Job(self.challenge.runtime, limits, files=files, argv=argv))
            if not done.clean:
                misses.append(f"its examples are not what the reference answers: {done.stdout.decode()[-600:]}")
        return _item("G11", "statement", misses, f"{examples} examples are as the reference answers")

    def _sources(self) -> Item:
        listed = " ".join(self.challenge.sources)
        files = [
            path.name
            for path in self.challenge.folder.iterdir()
            if path.is_file() and path.suffix not in (".py", ".toml", ".md", ".json")
        ]
        misses = [f"{name} has no entry in [sources]" for name in files if name not in listed]
        return _item("G12", "sources", misses, ", ".join(self.challenge.sources))

    def _fuzzed(self) -> Item:
        tape = self.tapes[_name(self._kind("accepted")[0])]
        rng = random.Random(self.challenge.version)
        own = {asked.kind: reply for asked, reply in tape.frames if isinstance(reply, Frame)}
        misses: list[str] = []
        count = FUZZED[self.level]

        def work(number: int) -> None:
            spoilt = _spoilt(tape, random.Random(rng.random() + number), whole=number % 2 == 0)

            def answer(asked: Frame) -> Frame:
                reply = own.get(asked.kind) if asked.kind in READS_ITS_OWN else next(spoilt, None)
                if reply is None:
                    raise SubmissionOver
                return reply

            result = self._replayed(self.challenge, self.prepared[0], tape, answer)
            if isinstance(result.outcome, GraderFailed):
                misses.append(f"a spoilt answer makes the grader fail: {result.outcome.detail[-300:]}")
            elif number % 2 == 0 and result.report.verdict == Verdict.accepted:
                misses.append("nothing but garbage is accepted")

        self.tell(f"{self.challenge.slug}: {count} malformed answers")
        list(self.pool.map(work, range(count)))
        return _item("G13", "malformed answers", misses[:5], f"{count} stood")

    def _feedback(self) -> Item:
        hidden = _numbers(b"\n".join(self.prepared[0].hidden.values()))
        hidden -= _numbers(b"\n".join(self.prepared[0].public.values())) | _numbers(self.challenge.statement.encode())
        misses = []
        for (name, seed), result in self.results.items():
            if seed == 0:
                told = f"{result.report.message} {' '.join(f'{one.name} {one.hint}' for one in result.report.checks)}"
                misses += [f"{name} is told {one}" for one in _numbers(told.encode()) & hidden]
        return _item("G14", "feedback", misses, "no hidden number of four digits or more is in it")


@dataclass(frozen=True)
class _Tape:
    """A grading as it went: what was asked and what came back."""

    files: Mapping[str, bytes]
    frames: Sequence[tuple[Frame, Frame | SubmissionOver]]
    result: Result


EXAMPLES = """
import doctest, importlib, sys
module = importlib.import_module(sys.argv[1])
names = {**vars(module), sys.argv[1]: module}
test = doctest.DocTestParser().get_doctest(open("statement.txt").read(), names, "statement", None, 0)
flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
sys.exit(doctest.DocTestRunner(optionflags=flags).run(test).failed)
"""
GARBAGE = (
    b"",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'"x"',
    b"-1",
    b"1e999",
    b"NaN",
    b"[" * 100_000,
    b"9" * 5_000,
    b"[[1],[2,3]]",
    b'{"$":"array","dtype":"f8","shape":[3],"at":0,"size":24}',
    b'{"$":"array","dtype":"f8","shape":[-1],"at":0,"size":8}',
    b'{"$":"array","dtype":"O","shape":[1],"at":0,"size":8}',
    b'{"$":"text","at":0,"size":99999999999}',
    b'{"$":"bytes","at":-8,"size":8}',
    b"\xff\xfe\x00",
)
READS_ITS_OWN = (frames.GROUP, frames.ASK_READY, frames.ASK_STOP, frames.ASK_CLOCK, frames.ASK_SERVE)
"""What the worker itself says, so that no submission can spoil it; told as often as a grader asks."""


def _spoilt(tape: _Tape, rng: random.Random, *, whole: bool) -> Iterator[Frame | None]:
    """A submission's own replies of a grading, all of them garbage or one of them damaged."""
    replies = [(asked, reply) for asked, reply in tape.frames if asked.kind not in READS_ITS_OWN]
    one = rng.randrange(max(1, len(replies)))
    for n, (asked, reply) in enumerate(replies):
        if not isinstance(reply, Frame):
            yield None
        elif not whole and n != one:
            yield reply
        elif asked.kind in (frames.ASK_RUN, frames.ASK_FILES):
            files = {name: _damaged(data, rng, whole=whole) for name, data in files_of(reply).items()}
            if rng.random() < 0.1:
                files = dict(list(files.items())[1:])
            yield reply_with(files)
        elif whole:
            yield Frame(reply.kind, reply.id, rng.choice(GARBAGE), rng.randbytes(rng.choice((0, 8, 24))))
        elif rng.random() < 0.5:
            yield Frame(reply.kind, reply.id, _damaged(reply.json, rng, whole=False), reply.raw)
        else:
            yield Frame(reply.kind, reply.id, reply.json, _damaged(reply.raw, rng, whole=False))


def _damaged(data: bytes, rng: random.Random, *, whole: bool) -> bytes:
    if whole or not data:
        return rng.choice((*GARBAGE, rng.randbytes(64)))
    at = rng.randrange(len(data))
    kind = rng.randrange(6)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data + data
    if kind == 2:
        return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
    if kind == 3:
        return data[:at] + rng.choice((b"nan", b"-1", b"1e999", b'"', b"\n", b",", b"\0")) + data[at:]
    if kind == 4:
        lines = data.splitlines(keepends=True)
        rng.shuffle(lines)
        return b"".join(lines)
    return data.replace(data[at : at + 1], b"")


def _faults(
    title: str, made: Sequence[Mutant], alive: Sequence[Mutant], waived: Mapping[str, str], problems: Sequence[str]
) -> Item:
    """G5, of the faults that were made and those that survived."""
    left = [one for one in alive if one.key not in waived]
    counted = len(made) - len(waived)
    killed = counted - len(left)
    enough = killed >= (KILLED * counted if counted >= FEW else counted)
    problems = [*problems, *([] if enough else [f"{killed} of {counted} faults were found"])]
    said = f"{killed} of {counted} faults found ({100 * killed / max(1, counted):.0f} %), {len(waived)} waived"
    details = (*problems, *(f"{one.key} survived:\n{one.diff}" for one in left))
    return Item("G5", title, not problems, said, details)


def _waivers(folder: Path, made: Sequence[Mutant]) -> tuple[dict[str, str], list[str]]:
    """(reason by key, problems) of mutants.toml: faults that change nothing anybody could see."""
    path = folder / "mutants.toml"
    if not path.exists():
        return {}, []
    listed = tomllib.loads(path.read_text("utf-8")).get("equivalent", [])
    waived, problems = {}, []
    known = {one.key for one in made}
    for one in listed:
        key, reason = one.get("fault", ""), one.get("reason", "")
        if key not in known:
            problems.append(f"mutants.toml waives {key}, which is no fault that was made")
        elif len(reason) < 10:
            problems.append(f"mutants.toml waives {key} without a reason")
        else:
            waived[key] = reason
    if len(waived) > WAIVED * len(made):
        problems.append(f"{len(waived)} of {len(made)} faults are waived, more than a tenth")
    return waived, problems


def _same(one: Report, other: Report) -> bool:
    if one.verdict != other.verdict or (one.score is None) != (other.score is None):
        return False
    if one.score is None or other.score is None:
        return True
    close = abs(one.score.points - other.score.points) <= 1e-7
    pairs = zip(one.checks, other.checks, strict=True)
    return close and all(a.passed == b.passed and abs(a.value - b.value) <= 1e-9 for a, b in pairs)


def _pieces(prepared: Prepared) -> list[str]:
    """Stretches of the hidden files that no public file holds: long enough that nobody says them by chance."""
    public = b"\n".join(prepared.public.values())
    rng = random.Random(1)
    found = [prepared.seed.hex()]
    for data in prepared.hidden.values():
        for _ in range(20):
            at = rng.randrange(max(1, len(data) - 24))
            piece = data[at : at + 24]
            if len(piece) == 24 and piece not in public and len(set(piece)) > 6:
                found.append(piece.decode("latin-1"))
    return found


def _numbers(data: bytes) -> set[str]:
    """Numbers of four significant digits or more, as they are written."""
    found = re.findall(rb"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", data)
    return {one.decode() for one in found if len(one.replace(b".", b"").strip(b"0")) >= 4}


def _item(id: str, title: str, misses: Sequence[str], said: str) -> Item:
    return Item(id, title, not misses, misses[0][:200] if misses else said, tuple(misses))


def _name(one: Solution) -> str:
    return f"{one.kind}/{one.name}"


def as_json(gate: Gate) -> dict[str, Any]:
    """Everything, with the details of what failed."""
    return {**gate.document(), "checks": [asdict(item) for item in gate.items]}
