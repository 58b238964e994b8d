"""Every figure that the documents quote, by one command: `python -m bench NAME [--json -] [options]`.

A bench is a module of this package with `main(argv) -> dict`. With `--json -` exactly one JSON
object goes to standard output; with `--json FILE` to the file; otherwise a table is shown.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

BENCHES: Final = {
    "asr": "bench.asr",
    "avatar": "bench.avatar",
    "call": "bench.call",
    "called": "bench.called",
    "face": "bench.face",
    "gallery": "bench.gallery",
    "hearing": "bench.hearing",
    "fleet": "bench.fleet",
    "hub": "bench.hub",
    "dialogue": "bench.dialogue",
    "dispatch": "bench.dispatch",
    "documents": "bench.documents",
    "echo": "bench.echo",
    "image": "bench.image",
    "intent": "bench.intent",
    "knowledge": "bench.knowledge",
    "latency": "bench.latency",
    "liveness": "bench.liveness",
    "models": "bench.models",
    "names": "bench.names",
    "opinions": "bench.opinions",
    "pages": "bench.pages",
    "presence": "bench.presence",
    "queue": "bench.queue",
    "risk": "bench.risk",
    "rollout": "bench.rollout",
    "routing": "bench.routing",
    "soak": "bench.soak",
    "sync": "bench.sync",
    "tts": "bench.tts",
    "visit": "bench.visit",
    "waiting": "bench.waiting",
}
"""Name on the command line → module."""


def split_json_option(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Where the JSON goes (None: nowhere) and the arguments without that option. Raises `ValueError`."""
    rest = list(argv)
    if "--json" not in rest:
        return None, rest
    place = rest.index("--json")
    if place + 1 >= len(rest):
        raise ValueError("--json wants a file name, or - for standard output")
    target = rest[place + 1]
    del rest[place : place + 2]
    return target, rest


def show(name: str, result: dict[str, Any], console: Console) -> None:
    """A table of the figures; inner objects become indented rows, lists one line each."""
    table = Table("figure", "value", title=name)

    def rows(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                rows(f"{prefix}.{key}" if prefix else str(key), inner)
        elif isinstance(value, list):
            for inner in value[:12]:
                table.add_row(prefix, json.dumps(inner, ensure_ascii=False))
        else:
            table.add_row(prefix, f"{value:.4g}" if isinstance(value, float) else str(value))

    rows("", result)
    console.print(table)


def main(argv: Sequence[str]) -> int:
    """Run one bench; 0 when it ran, 2 when it was called wrongly."""
    console = Console(stderr=True)
    if not argv or argv[0] not in BENCHES:
        console.print(f"usage: python -m bench NAME [--json -|FILE] [options]; NAME is one of: {', '.join(BENCHES)}")
        return 2
    try:
        target, rest = split_json_option(argv[1:])
        result = importlib.import_module(BENCHES[argv[0]]).main(rest)
    except (ValueError, OSError) as err:
        console.print(f"bench {argv[0]}: {err}")
        return 2
    text = json.dumps(result, ensure_ascii=False)
    if target == "-":
        sys.stdout.write(text + "\n")
    elif target:
        Path(target).write_text(text + "\n", encoding="utf-8")
    else:
        show(argv[0], result, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
