"""What can be wrong with a journal, placed by file and line."""

from __future__ import annotations

from typing import Literal

import msgspec

FaultKind = Literal[
    "torn", "garbage", "chain", "sequence", "clock", "data", "truncated", "missing", "unreadable"
]


class JournalFault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: its kind, the file (name in `journal/`), the line where one can be named."""

    kind: FaultKind
    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        return f"{place}: {self.kind}: {self.message}"
