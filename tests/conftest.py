"""What all tests share: the garbage collector leaves alone what stays anyway."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


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
