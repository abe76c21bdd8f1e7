"""The whole shipped catalog at once, against the partners of the bench: nothing is unknown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bench.partners import partners

from opsdeck.checks.result import Result
from opsdeck.deck import open_deck
from opsdeck.looking import Looks


@pytest.mark.slow
async def test_every_sensed_item_has_a_verdict(tmp_path: Path) -> None:
    # GIVEN a deck that uses every feature, with partners for all targets
    with partners(tmp_path) as found:
        (tmp_path / "opsdeck.toml").write_text(found.configuration(), encoding="utf-8")
        home = {"OPSDECK_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
        environ = {**os.environ, **found.environ, **home}
        deck = open_deck(environ=environ, cwd=tmp_path, operator="alice")
        deck.load()
        looks = Looks(deck, environ)
        subjects = [s for s in looks.subjects() if s.item.sensed]
        results: dict[str, Result] = {}
        # WHEN every sensed item is checked, also what acts or sends many requests
        looks.agree(looks.asks(subjects))
        try:
            await looks.check(subjects, lambda s, r: results.update({s.address: r}))
        finally:
            await looks.aclose()
    # THEN each has a verdict
    assert len(results) == sum(i.sensed for c in deck.catalog.checklists for i in c.items) >= 95
    unknown = {a: (r.cause, r.reason) for a, r in results.items() if r.verdict == "unknown"}
    assert unknown == {}
    # AND nearly all pass: the partners are well, this machine may be busy or without swap
    failed = {a: r.reason for a, r in results.items() if r.verdict == "failed"}
    assert len(failed) <= 10, failed
