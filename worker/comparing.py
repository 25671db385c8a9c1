"""Compares programs that were handed in, in a box of its own, when a slot has nothing to judge; blames nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

import structlog

from api.blobs import Blobs, unpack
from api.store import Store, comparisons
from api.store.comparisons import Pair, Source, Task
from challenges.loader import Challenge
from sandbox.images import recipe_folder
from sandbox.inside import values
from sandbox.types import Abandoned, Job, Limits, Sandbox, SandboxError

log = structlog.get_logger(__name__)

RUNTIME = "python-similarity"
PROGRAM = "compare.py"
LIMITS = Limits.of(cpu_seconds=300, memory_mb=1024, output_kb=4096, files_mb=128)
MOST_BYTES = 48 * 2**20
"""Of all sources together."""
MOST_PAIRS, MOST_REGIONS = 200, 50


class Comparer:
    """Safe to use from many threads. `make` makes the image of the runtime if there is none."""

    def __init__(
        self,
        store: Store,
        uploads: Blobs,
        challenges: Mapping[str, Challenge],
        sandbox: Sandbox,
        make: Callable[[str], object],
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._challenges = challenges
        self._sandbox = sandbox
        self._make = make

    def once(self, abandoned: Callable[[], bool]) -> bool:
        """Does the next comparison, if there is one. Raises what the database raises."""
        task = comparisons.claim(self._store, list(self._challenges))
        if task is None:
            return False
        bound = log.bind(comparison=task.id, challenge=task.challenge)
        try:
            pairs = self._compared(task, abandoned)
        except Abandoned:
            comparisons.give_back(self._store, task)
            return False
        except (SandboxError, OSError) as error:
            bound.error("comparison.not_done", error=str(error))
            comparisons.give_back(self._store, task)
            return False
        except Unusable as error:
            bound.error("comparison.failed", error=str(error))
            comparisons.give_back(self._store, task, failed=True)
        else:
            comparisons.finish(self._store, task, pairs)
            bound.info("comparison.done", compared=len(task.sources), pairs=len(pairs))
        return True

    def _compared(self, task: Task, abandoned: Callable[[], bool]) -> list[Pair]:
        """Raises SandboxError, Abandoned, OSError, Unusable."""
        challenge = self._challenges[task.challenge]
        suffix = PurePosixPath(challenge.submit).suffix or ".txt"
        texts, left = [], MOST_BYTES
        for one in task.sources:
            text = _text(unpack(self._uploads.get(one.digest)), suffix)
            left -= len(text)
            if left < 0:
                raise Unusable("the sources are too large to be compared at once")
            texts.append({"group": str(one.entry), "text": text})
        starter = [_text({name: data}, suffix) for name, data in challenge.starter.items()]
        given = {"suffix": suffix, "starter": [one for one in starter if one], "sources": texts}
        self._make(RUNTIME)
        program = (recipe_folder(RUNTIME) / PROGRAM).read_bytes()
        job = Job(
            runtime=RUNTIME,
            limits=LIMITS,
            files={PROGRAM: program, "input.json": json.dumps(given).encode()},
            argv=("python3", PROGRAM),
            outputs=("pairs.json",),
        )
        result = self._sandbox.run(job, abandoned)
        if not result.clean or "pairs.json" not in result.files:
            said = result.stderr[-500:].decode("utf-8", "replace")
            raise Unusable(f"the program ended by {result.ended.value}: {said}")
        return read_pairs(result.files["pairs.json"], task.sources)


class Unusable(Exception):
    """Nothing can be said of these programs; another try would end the same way."""


def _text(files: Mapping[str, bytes], suffix: str) -> str:
    """The program's own files, one after another: those of its language."""
    return "\n".join(data.decode("utf-8", "replace") for name, data in sorted(files.items()) if name.endswith(suffix))


def read_pairs(data: bytes, sources: Sequence[Source]) -> list[Pair]:
    """What the box says, read strictly: it has seen strangers' files. Raises Unusable."""
    try:
        found = values.decode(data)
        if not isinstance(found, list) or len(found) > MOST_PAIRS:
            raise ValueError("not a list of pairs")
        return [_pair(one, sources) for one in found]
    except (values.BadValue, ValueError, TypeError, IndexError) as error:
        raise Unusable(f"the pairs cannot be read: {error!r}") from error


def _pair(one: object, sources: Sequence[Source]) -> Pair:
    if not isinstance(one, list) or len(one) != 5:
        raise ValueError("not a pair")
    a, b, *similarity, regions = one
    for number in (a, b):
        if type(number) is not int or not 0 <= number < len(sources):
            raise ValueError("not a source")
    if a == b or not all(isinstance(part, float | int) and 0 <= part <= 1 for part in similarity):
        raise ValueError("not a similarity")
    if not isinstance(regions, list) or len(regions) > MOST_REGIONS:
        raise ValueError("not a list of regions")
    for region in regions:
        whole = isinstance(region, list) and len(region) == 4 and all(type(line) is int for line in region)
        if not whole or not all(1 <= line <= 10**7 for line in region):
            raise ValueError("not a region")
    return Pair(sources[a].submission, sources[b].submission, float(similarity[0]), float(similarity[1]), regions)
