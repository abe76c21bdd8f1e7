"""What PyMongo's monitors meet at each host, so that a plain no need not be waited for."""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymongo.monitoring import (
        ServerHeartbeatFailedEvent,
        ServerHeartbeatListener,
        ServerHeartbeatStartedEvent,
        ServerHeartbeatSucceededEvent,
    )


class Heartbeats:
    """The last failure of each host; a host that answered has none."""

    def __init__(self) -> None:
        self._failures: dict[Any, tuple[float, Exception]] = {}

    def verdict(self, known: Any, since: float) -> Exception | None:
        """A failure, once every host that the driver knows of has had one since a moment of the
        monotonic clock; else None."""
        failures = dict(self._failures)
        found = [failures.get(host, (0.0, None)) for host in known.server_descriptions()]
        return found[0][1] if found and all(at >= since for at, _ in found) else None

    def listener(self) -> ServerHeartbeatListener:
        """What the driver is to tell of its heartbeats; PyMongo must be imported by now."""
        from pymongo import monitoring

        failures = self._failures

        class Listener(monitoring.ServerHeartbeatListener):
            def started(self, event: ServerHeartbeatStartedEvent) -> None:
                """Nothing is known yet."""

            def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
                failures.pop(event.connection_id, None)

            def failed(self, event: ServerHeartbeatFailedEvent) -> None:
                failures[event.connection_id] = time.monotonic(), event.reply

        return Listener()


@cache
def keep_quiet() -> None:
    """Keep what a monitor of PyMongo's stumbles over, at a server that answers nonsense, off the
    screen: the looks themselves report that there was no sensible answer."""
    before = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if args.thread is None or not args.thread.name.startswith("pymongo_"):
            before(args)

    threading.excepthook = hook
