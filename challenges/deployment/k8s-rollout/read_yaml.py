"""Turns YAML files into one JSON file, null for what is not plain YAML; runs boxed, over files of a stranger."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]


class Plain(yaml.SafeLoader):
    """The safe loader without aliases, whose expansion has no bounds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


def read(name: str) -> str:
    """The documents of a file as JSON text, or null; a date or whatever else JSON does not have is null in it."""
    try:
        with Path(name).open(encoding="utf-8") as file:
            return json.dumps(list(yaml.load_all(file, Plain)), allow_nan=False, default=lambda _: None)
    except (yaml.YAMLError, RecursionError, TypeError, ValueError):
        return "null"


Path("documents.json").write_text(f"[{','.join(read(name) for name in sys.argv[1:])}]", encoding="utf-8")
