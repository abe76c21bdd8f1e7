"""`python -m bench [--quick] [--json] [NAME ...]`: run the benches and print their figures."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import sys
import time

from bench.figures import Figure, table

BENCHES = (
    "first_paint",
    "list_items",
    "longest_list",
    "mount",
    "million",
    "append",
    "tick",
    "check_http",
    "live",
    "blackhole",
    "gauges",
    "gauges_start",
    "walk",
    "signoff",
)


def main() -> int:
    """Run what was named, else everything; 1 when a limit is not kept, 2 when a bench fails."""
    parser = _parser()
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; {', '.join(BENCHES)} are")
    found: list[Figure] = []
    broken = 0
    cpus, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{cpus} CPUs, load {load:.2f}, Python {sys.version.split()[0]}", file=sys.stderr)
    for name in options.names or BENCHES:
        began = time.perf_counter()
        try:
            figures: list[Figure] = importlib.import_module(f"bench.{name}").run(options.quick)
        except Exception as error:
            print(f"\n{name}: could not be measured: {type(error).__name__}: {error}", flush=True)
            broken += 1
            continue
        found += figures
        if not options.json:
            print(f"\n{name} ({time.perf_counter() - began:.0f} s)\n{table(figures)}", flush=True)
    if options.json:
        print(json.dumps([{**dataclasses.asdict(f), "verdict": f.verdict} for f in found]))
    over = sum(f.verdict in ("over", "missing") for f in found)
    print(f"\n{len(found)} figures, {over} over their limits", file=sys.stderr)
    return 2 if broken else 1 if over else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true", help="fewer runs and smaller journals")
    parser.add_argument("--json", action="store_true", help="one JSON array instead of tables")
    return parser


if __name__ == "__main__":
    sys.exit(main())
