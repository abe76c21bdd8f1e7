"""What all tests share: interrupts that arrive, and no collecting of what stays anyway."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell, which the programs under test would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _settle() -> None:
    """Drivers and their models are hundreds of thousands of objects that no test throws away."""
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    """All test modules are imported."""
    _settle()


@pytest.fixture(autouse=True, scope="module")
def _settled() -> Iterator[None]:
    """What a module of tests has imported later on stays as well."""
    yield
    _settle()
