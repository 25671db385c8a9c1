"""`assay doctor`: what `sandbox.fitness` finds on this machine, for somebody who looks on."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sandbox.fitness import examine as examine_machine
from sandbox.images.build import Pinned
from sandbox.selftest import Finding


def examine(on_finding: Callable[[Finding], None], oci_runtime: str = "runc") -> list[Finding]:
    """All findings, each told as it is found; the boxes belong to an installation that is made up for them."""
    return examine_machine(
        instance=f"doctor-{secrets.token_hex(4)}", image_of=Pinned(), on_finding=on_finding, oci_runtime=oci_runtime
    )
