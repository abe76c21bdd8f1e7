"""One look of one kind, held to its timeout whatever the kind does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from opsdeck.probes.base import Document, Kind, ProbeError, Target

GRACE_S = 0.25
"""What a kind may take beyond its timeout to say in its own words what happened."""

PARTING_S = 0.25
"""So long a kind that is late may take to end when it is cancelled; then it is left behind."""

TIDYING_S = 0.8
"""So long a kind may take to end when nobody wants its answer any more, e.g. to end processes."""


async def one_look(
    kind: Kind, target: Target, parameters: Mapping[str, Any], timeout_s: float
) -> Document:
    """What the kind found; it ends in time even where the kind does not. Raises ProbeError only."""
    task = asyncio.ensure_future(_asked(kind, target, parameters, timeout_s))
    try:
        done, _ = await asyncio.wait([task], timeout=timeout_s + GRACE_S)
    except asyncio.CancelledError:
        await _end(task, TIDYING_S)
        raise
    if not done:
        await _end(task, PARTING_S)
        where = f" of target {target.name}" if target.name else ""
        raise ProbeError("timeout", f"no answer{where} within {timeout_s:g} s")
    if task.cancelled():
        raise ProbeError("internal", "the probe itself failed: it was cancelled from within")
    error = task.exception()
    if isinstance(error, ProbeError):
        raise error
    if error is not None:
        raise internal(error) from error
    document: Any = task.result()
    if not isinstance(document, dict):
        what = type(document).__name__
        raise ProbeError("internal", f"the probe itself failed: it gave {what}, not a document")
    found: Document = document
    return found


async def _asked(
    kind: Kind, target: Target, parameters: Mapping[str, Any], timeout_s: float
) -> Document:
    try:
        return await kind.look(target, parameters, timeout_s)
    except SystemExit as error:  # it would end the whole program
        raise RuntimeError("SystemExit") from error


async def _end(task: asyncio.Task[Document], wait_s: float) -> None:
    """Cancel a look, twice if need be, and leave one behind that even then goes on."""
    task.add_done_callback(lambda t: t.cancelled() or t.exception())
    for _ in range(2):
        task.cancel()
        done, _pending = await asyncio.wait([task], timeout=wait_s)
        if done:
            return


def internal(error: BaseException) -> ProbeError:
    """Whatever a client trips over is no verdict on the target."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return ProbeError("internal", f"the probe itself failed: {what}")
