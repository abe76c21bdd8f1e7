"""What all tests share: keys that interrupt, examples that may take their time, and no collecting
of what stays anyway."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more of the machine than of the code.
settings.register_profile(
    "opsdeck", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("opsdeck")

for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        # Started in the background of a shell, which the programs under test would inherit.
        signal.signal(_number, _usual)


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
