"""A deck with targets and items of a test's own, and what `opsdeck doctor` finds about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from opsdeck.catalog.load import load_catalog, shipped_checklists_path
from tests.cli.conftest import CommandLine
from tests.probes.partners_aws import NO_FILES

SECRET = "hunter22-planted"

Finding = dict[str, Any]


def toml(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return msgspec.json.encode(value).decode()


class Doctored:
    """A deck with targets and items of the test's own, and the doctor's findings about it."""

    def __init__(self, opsdeck: CommandLine) -> None:
        self.opsdeck = opsdeck
        self.code = -1
        opsdeck.environ |= NO_FILES
        opsdeck.environ["AWS_EC2_METADATA_DISABLED"] = "true"

    def deck(self, targets: dict[str, dict[str, Any]], more: str = "") -> None:
        """Write `opsdeck.toml`."""
        lines = ["[deck]", 'name = "acme-prod"', more]
        for name, values in targets.items():
            lines.append(f"[targets.{name}]")
            lines += [f"{json.dumps(key)} = {toml(value)}" for key, value in values.items()]
        (self.opsdeck.folder / "opsdeck.toml").write_text("\n".join(lines), encoding="utf-8")

    def items(self, probes: Sequence[dict[str, Any]]) -> None:
        """Write `checklists.toml`: one list `own` with an item for each probe, and no other."""
        shipped = [c.id for c in load_catalog(shipped_checklists_path()).checklists]
        text = f"omit = {toml(shipped)}\n[[checklist]]\n"
        text += 'id = "own"\ntitle = "Own"\nsection = "S"\ncadence = "daily"\n'
        for number, probe in enumerate(probes, 1):
            text += f'[[checklist.item]]\nid = "i{number}"\ntext = "T{number}"\n'
            text += f'probe = {toml(probe)}\nexpect = ["latency_ms > `0`"]\n'
        (self.opsdeck.folder / "checklists.toml").write_text(text, encoding="utf-8")

    def findings(self, *options: str) -> list[Finding]:
        """What the doctor finds; the exit status goes with it."""
        result = self.opsdeck("doctor", "--json", *options)
        assert result.err == ""
        assert SECRET not in result.out
        found = json.loads(result.out)
        assert found.keys() == {"status", "config", "counts", "findings"}
        self.code = result.code
        assert self.code == {"ok": 0, "warn": 1, "bad": 2, "unknown": 3}[found["status"]]
        assert sum(found["counts"].values()) == len(found["findings"])
        return list(found["findings"])

    def told(self, part: str, *options: str) -> list[tuple[str, str, str]]:
        """(level, where, what and what to do) of one part."""
        return [
            (f["level"], f["where"], f["what"] + (f": {f['todo']}" if f["todo"] else ""))
            for f in self.findings(*options)
            if f["part"] == part
        ]


@pytest.fixture
def doctored(opsdeck: CommandLine) -> Doctored:
    """A deck to be examined."""
    return Doctored(opsdeck)
