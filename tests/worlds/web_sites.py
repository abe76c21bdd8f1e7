"""Web applications as worlds: a server on loopback, and what its target says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.probes.partners_http import Answering, partner
from tests.worlds.harness import Setting, World

Setup = Callable[[Path], AbstractContextManager[Setting]]
COOKIE = "sid=s3ssion-of-a-test-account"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def site(answer: Answering | bytes | Mapping[str, bytes], **keys: Any) -> Setup:
    """A web application that answers like this, and what its target says besides."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with partner(answer) as server:
            yield Setting({"web": {"kind": "web", "url": server.url, **keys}})

    return setup


def instances(*answers: Answering | bytes | Mapping[str, bytes], **keys: Any) -> Setup:
    """An application of several instances; the first is at the front door as well."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with ExitStack() as stack:
            urls = [stack.enter_context(partner(answer)).url for answer in answers]
            yield Setting({"web": {"kind": "web", "url": urls[0], "instances": urls, **keys}})

    return setup


def both(item: str, passed: Setup, failed: Mapping[str, Setup]) -> list[World]:
    """A world in which the item passes, and those in which it fails and why."""
    good = World(item, "passed", "as it should be", passed)
    return [good, *(World(item, "failed", about, setup) for about, setup in failed.items())]
