"""How somebody who may write the deck's files, and has no key, changes what is in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from opsdeck.journal.events import GENESIS, Event, decode_event, encode_event, line_hash
from opsdeck.signoff.statement import parse_statement, statement_text
from opsdeck.signoff.verdict import Verdict
from tests.signoff.signed import V1

Change = Callable[[str, Event], Event | None]


def said(verdict: Verdict) -> str:
    """All that was found, one a line."""
    return "\n".join(map(str, verdict.problems))


def file_of(home: Path, writer: str) -> Path:
    """The journal file of a writer."""
    return home / "journal" / f"{writer}.jsonl"


def rewrite(home: Path, change: Change) -> None:
    """Change or drop events, and mend the chain behind them: what somebody can do who may write
    the files, and has no key."""
    for path in sorted((home / "journal").glob("*.jsonl")):
        head = GENESIS
        lines: list[bytes] = []
        for line in path.read_bytes().splitlines():
            event = change(path.stem, decode_event(line))
            if event is None:
                continue
            event = msgspec.structs.replace(event, prev=head, seq=len(lines) + 1)
            lines.append(encode_event(event))
            head = line_hash(lines[-1])
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        path.with_suffix(".lock").unlink(missing_ok=True)
    shutil.rmtree(home / "cache", ignore_errors=True)


def changing(type_: str, new: Callable[[dict[str, Any]], Any], **where: Any) -> Change:
    """Change the data of the events of this type of V1 (`new` does it in place), and let be all
    others."""

    def change(_writer: str, event: Event) -> Event:
        data = dict(event.data)
        fits = data.get("release") == V1 or str(data.get("run", "")).split("/")[1:2] == [V1]
        if event.type == type_ and fits and where.items() <= data.items():
            new(data)
            return msgspec.structs.replace(event, data=data)
        return event

    return change


def signed_event(home: Path, role: str, release: str = V1) -> dict[str, Any]:
    """The data of a signature."""
    for path in (home / "journal").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            data = decode_event(line).data
            if data.get("role") == role and data.get("release") == release:
                return data
    raise AssertionError(role)


def edited(text: str, **changed: Any) -> str:
    """A statement with other values, in its proper form."""
    return statement_text(msgspec.structs.replace(parse_statement(text), **changed))


def flipped(path: Path, position: int, bit: int = 1) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[position] ^= bit
    path.write_bytes(bytes(data))
