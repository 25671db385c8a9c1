"""Judges an engine by its own answers, `version()` and `info()`: whether boxes could keep their promises there.

Pure, so that it is tried on recorded answers of engines this machine does not have; it speaks to none itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from sandbox.selftest import Finding, ok, refusal, warning

Answer = Mapping[str, Any]
Number = tuple[int, ...]

API: Number = (1, 41)
RUNC: Number = (1, 1, 5)
LIMITS = {
    "MemoryLimit": "memory",
    "SwapLimit": "swap (the kernel needs swapaccount=1)",
    "PidsLimit": "processes",
    "CpuCfsQuota": "cpu time",
    "CPUSet": "the cores of a box",
}
"""What an engine's info must affirm. One that denies it discards the limit with a warning, and runs the box."""


@dataclass(frozen=True)
class Fix:
    """Holes of runc, the first number of each series without them, and packages of a distribution that mended an
    older number: how their versions begin."""

    holes: str
    numbers: tuple[Number, ...]
    packages: tuple[str, ...] = ()

    def is_in(self, number: Number, package: str) -> bool:
        """Whether a runc of this number, out of a package of this version, has it."""
        series = [one[:2] for one in self.numbers]
        return (
            number[:2] > max(series)
            or any(number[:2] == one[:2] and number >= one for one in self.numbers)
            or package.startswith(self.packages or ("\0",))
        )


FIXES = (
    Fix("CVE-2024-21626", ((1, 1, 12),), ("1.1.5+ds1-1+deb12u",)),
    Fix("CVE-2025-31133, CVE-2025-52565, CVE-2025-52881", ((1, 2, 8), (1, 3, 3))),
)


def judge(version: Answer, info: Answer, oci_runtime: str, *, services: bool = False) -> list[Finding]:
    """What speaks for and against judging on this engine with this OCI runtime. `services`: images are served, too."""
    return [
        _api("Docker Engine", version, info),
        _limits("limits of the engine", info),
        _seccomp("seccomp of the engine", info),
        _runtime("OCI runtime", info, oci_runtime, services),
        _runc("runc", version),
    ]


def has_own_kernel(info: Answer, oci_runtime: str) -> bool:
    """Whether boxes of this runtime have a kernel of their own, as gVisor gives them."""
    found = (info.get("Runtimes") or {}).get(oci_runtime) or {}
    return PurePath(found.get("path") or "").name == "runsc" or "runsc" in (found.get("type") or "")


def _api(name: str, version: Answer, info: Answer) -> Finding:
    speaks = str(version.get("ApiVersion", ""))
    said = f"{version.get('Version')}, API {speaks}, cgroup driver {info.get('CgroupDriver')}"
    if _number(speaks) < API:
        return refusal(name, f"{said}: the engine is too old, its API must be {'.'.join(map(str, API))} or later")
    return ok(name, said)


def _limits(name: str, info: Answer) -> Finding:
    lacking = [what for field, what in LIMITS.items() if not info.get(field)]
    if lacking:
        return refusal(name, f"the engine cannot limit {', '.join(lacking)}")
    warned = [one for one in info.get("Warnings") or () if "limit" in one.lower() or "cpuset" in one.lower()]
    if warned:
        return refusal(name, f"the engine says that it would not keep every limit: {'; '.join(warned)}")
    return ok(name, "it has all that boxes need")


def _seccomp(name: str, info: Answer) -> Finding:
    if any("name=seccomp" in one.split(",") for one in info.get("SecurityOptions") or ()):
        return ok(name, "the engine has seccomp")
    return refusal(name, "the engine was built or started without seccomp, so a box would reach every system call")


def _runtime(name: str, info: Answer, oci_runtime: str, services: bool) -> Finding:
    known = sorted(info.get("Runtimes") or ())
    if oci_runtime not in known:
        has = f"it has {', '.join(known)}" if known else "it names none"
        return refusal(name, f"the engine does not know the runtime {oci_runtime} of ASSAY_RUNTIME; {has}")
    if has_own_kernel(info, oci_runtime):
        if services:
            why = "gives each container a loopback of its own, so no service can be asked"
            return refusal(name, f"{oci_runtime} {why}; set ASSAY_BUILDS=off, or ASSAY_RUNTIME=runc")
        return ok(name, f"{oci_runtime}: boxes have a kernel of their own")
    return ok(name, oci_runtime)


def _runc(name: str, version: Answer) -> Finding:
    """Of every engine, because it runs at least what is built there."""
    said = next((one for one in version.get("Components") or () if one.get("Name") == "runc"), None)
    number = _number(said["Version"]) if said else ()
    if said is None or not number:
        return warning(name, "the engine does not say which runc it has; holes of old ones let programs out of a box")
    package = str((said.get("Details") or {}).get("GitCommit") or "")
    shown = package if package[:1].isdigit() else str(said["Version"])
    if number < RUNC:
        return refusal(name, f"{shown} is too old: holes of it let programs out of a box; update to 1.1.5 or later")
    lacking = [fix for fix in FIXES if not fix.is_in(number, package)]
    if not lacking:
        return ok(name, shown)
    each = "; ".join(f"{one.holes} (fixed in {_and(one.numbers)})" for one in lacking)
    return warning(name, f"{shown} may have holes that let programs out of a box: {each}; update it")


def _and(numbers: tuple[Number, ...]) -> str:
    return " and ".join(".".join(map(str, one)) for one in numbers)


def _number(version: str) -> Number:
    """1.1.5+ds1 is (1, 1, 5); empty where it does not begin with a number."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()
