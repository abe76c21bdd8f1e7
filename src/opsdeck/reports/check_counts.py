"""How the results of a check count, and what the command ends with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from opsdeck.checks.result import Result, Verdict
from opsdeck.text import visible

EXIT: dict[Verdict, int] = {"passed": 0, "failed": 2, "unknown": 3}
"""As monitoring plugins use them; 1, a warning, has no use here: an item holds or it does not."""


class Counts(msgspec.Struct, frozen=True):
    """How many results there are of each kind; those that only help a person are not judged."""

    passed: int = 0
    failed: int = 0
    unknown: int = 0
    assist: int = 0

    @property
    def judged(self) -> int:
        """All that have a verdict of their own."""
        return self.passed + self.failed + self.unknown

    @property
    def status(self) -> Verdict:
        """The worst verdict that is certain; `unknown` where nothing was judged at all."""
        if self.failed:
            return "failed"
        return "unknown" if self.unknown or not self.judged else "passed"


def counts(results: Iterable[Result]) -> Counts:
    """How many results there are of each kind."""
    found = {"passed": 0, "failed": 0, "unknown": 0, "assist": 0}
    for result in results:
        found["assist" if result.assist else result.verdict] += 1
    return Counts(**found)


def exit_code(results: Iterable[Result]) -> int:
    """0 when all passed, 2 when any failed, 3 when any is unknown or nothing was judged."""
    return EXIT[counts(results).status]


def grouped(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each run (of each checklist, where no run is open), in order."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.run or result.checklist, []).append(result)
    return found


def line(text: str) -> str:
    """Text as one harmless line that XML and YAML can hold as well."""
    return visible(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def told(result: Result) -> str:
    """What there is to say of a result beside its verdict: its reason, else its item's words."""
    return line(result.reason or result.text)


def offline_line(since: datetime | None) -> str:
    """That OpsDeck itself is cut off; "" when it is not."""
    if since is None:
        return ""
    return f"OpsDeck is offline since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
