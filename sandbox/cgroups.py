"""Reads a container's cpu time, peak memory and memory kills from the host's cgroup tree, v1 or v2; knows no engine."""

from __future__ import annotations

from collections.abc import Iterator
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
