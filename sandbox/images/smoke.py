"""Run inside a new image: imports every distribution named on the command line; knows only the standard library."""

import importlib
import importlib.metadata
import sys

provided: dict[str, list[str]] = {}
for module, distributions in importlib.metadata.packages_distributions().items():
    for distribution in distributions:
        provided.setdefault(distribution.lower(), []).append(module)

for wanted in sys.argv[1:]:
    modules = [name for name in provided.get(wanted.lower(), []) if not name.startswith("_") and name.isidentifier()]
    if not modules:
        sys.exit(f"{wanted} is not installed")
    for module in modules:
        importlib.import_module(module)
