"""Reads a container's cpu time, peak memory and memory kills from the host's cgroup tree, v1 or v2; knows no engine.

Also makes the group that bounds the processes of a build, which the engine's builder cannot do itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Usage:
    """What a container has used so far."""

    cpu_seconds: float
    peak_memory_mb: float
    oom_kills: int


def _places(container: str) -> Iterator[str]:
    yield f"docker/{container}"
    yield f"system.slice/docker-{container}.scope"


class Cgroup:
    """The files of one running container. They are gone as soon as it is dead, so read while it lives."""

    def __init__(self, container: str, root: Path = ROOT) -> None:
        """Find the container's groups. Raises FileNotFoundError naming where it looked."""
        self._v2 = (root / "cgroup.controllers").exists()
        if self._v2:
            self._cpu = self._memory = self._find(root, container)
        else:
            cpu = root / "cpuacct"
            self._cpu = self._find(cpu if cpu.exists() else root / "cpu,cpuacct", container)
            self._memory = self._find(root / "memory", container)

    @staticmethod
    def _find(base: Path, container: str) -> Path:
        for place in _places(container):
            if (base / place).is_dir():
                return base / place
        # an engine with a --cgroup-parent of its own
        for name in (container, f"docker-{container}.scope"):
            for found in base.glob(f"*/**/{name}"):
                return found
        raise FileNotFoundError(f"no cgroup of container {container[:12]} under {base}")

    def cpu_seconds(self) -> float:
        """Cpu time of all its processes. Raises OSError once it is dead."""
        if self._v2:
            return int(_field(self._cpu / "cpu.stat", "usage_usec")) / 1e6
        return int((self._cpu / "cpuacct.usage").read_text()) / 1e9

    def usage(self) -> Usage:
        """Everything at once. Raises OSError once it is dead."""
        if self._v2:
            peak = self._memory / "memory.peak"  # from Linux 5.19 on
            memory = int((peak if peak.exists() else self._memory / "memory.current").read_text())
            kills = int(_field(self._memory / "memory.events", "oom_kill"))
        else:
            memory = int((self._memory / "memory.max_usage_in_bytes").read_text())
            kills = int(_field(self._memory / "memory.oom_control", "oom_kill"))
        return Usage(self.cpu_seconds(), memory / 2**20, kills)


def _field(path: Path, name: str) -> str:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return value
    raise OSError(f"{path} has no field {name}")


class BuildGroup:
    """The parent group of whatever one build runs: a bound on its processes, together."""

    PROCESSES = 64

    def __init__(self, instance: str, build: str, root: Path = ROOT) -> None:
        self._root = root
        self._path = f"assay-{instance}/{build}"
        self.parent = f"/{self._path}"

    def make(self) -> bool:
        """Make it; False where this process may not."""
        v2 = (self._root / "cgroup.controllers").exists()
        base = self._root if v2 else self._root / "pids"
        try:
            for _ in range(3):  # the end of another build may remove the empty folder between
                with suppress(FileNotFoundError):
                    (base / self._path).mkdir(parents=True, exist_ok=True)
                    break
            if v2:
                for above in (base, (base / self._path).parent):
                    (above / "cgroup.subtree_control").write_text("+pids")
            (base / self._path / "pids.max").write_text(str(self.PROCESSES))
        except OSError:
            return False
        return True

    def remove(self) -> None:
        """Remove it from every hierarchy, as far as it is empty."""
        for base in _hierarchies(self._root):
            with suppress(OSError):
                (base / self._path).rmdir()
                (base / self._path).parent.rmdir()

    @classmethod
    def all(cls, instance: str, root: Path = ROOT) -> set[str]:
        """The builds of an installation that have a group."""
        return {
            path.name for base in _hierarchies(root) for path in (base / f"assay-{instance}").glob("*") if path.is_dir()
        }


def _hierarchies(root: Path) -> list[Path]:
    return [root] if (root / "cgroup.controllers").exists() else [path for path in root.glob("*") if path.is_dir()]
