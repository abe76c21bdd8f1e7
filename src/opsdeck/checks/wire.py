"""What the app and its worker say to each other: one JSON line a message, through pipes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from opsdeck.catalog.model import Checklist
from opsdeck.checks.reading import Reading, Wanted
from opsdeck.checks.result import Result


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker must know of the deck; it has the same environment and folder."""

    targets: dict[str, dict[str, Any]]
    anchors: list[str]
    folder: str | None
    zone: str
    jobs: int
    timeout_s: float | None


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """One item to check: `checklist` holds nothing but it; `refusal` is why nothing may be done."""

    checklist: Checklist
    run: str
    refusal: str | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """To the worker: check these in one pass, or stop that pass."""

    number: int
    setting: Setting | None = None
    """With the first order, and whenever it changed."""
    items: list[Ordered] = []
    wanted: list[Wanted] = []
    """Or looks from which numbers are read, instead of items."""
    stop: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """From the worker: what came of one item or look of an order, or that the order is done."""

    number: int
    index: int | None = None
    result: Result | None = None
    readings: list[Reading] | None = None
    done: bool = False
    offline_since: datetime | None = None


ORDERS = msgspec.json.Decoder(Order)
REPORTS = msgspec.json.Decoder(Report)
ENCODER = msgspec.json.Encoder()
LONGEST_LINE = 64_000_000
"""Bytes: far more than a catalog of thousands of items."""
