"""Kinds of probe made for a test, where no real partner can be had: they misbehave on purpose."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from opsdeck.probes import engine, registry
from opsdeck.probes.base import Parameter, Target

Look = Callable[[Target, Mapping[str, Any], float], Awaitable[Any]]


def make_kind(
    monkeypatch: pytest.MonkeyPatch, name: str, look: Look, *parameters: str, **more: Any
) -> None:
    """Add a kind of this name that looks so; the real ones stay."""
    kind = SimpleNamespace(
        ABOUT="made for a test",
        TARGETS=(),
        PARAMETERS={key: Parameter((str, int, float, bool, list, dict), key) for key in parameters},
        look=look,
        **more,
    )
    before = registry.kind_of

    def kind_of(wanted: str) -> Any:
        return kind if wanted == name else before(wanted)

    monkeypatch.setattr(registry, "kind_of", kind_of)
    monkeypatch.setattr(engine, "kind_of", kind_of)
