"""`opsdeck list`, and how text is laid out in columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.commands.table import columns
from opsdeck.text import cells, cut
from tests.cli.conftest import CommandLine

ITEM_KEYS = {
    "id", "checklist", "section", "text", "guide", "sensed", "uses", "run", "state", "by", "at",
    "why", "until", "skipped", "valid_for_s", "group", "note",
}  # fmt: skip
CHECKLIST_KEYS = {
    "id", "title", "section", "cadence", "items", "run", "done", "state", "counts", "due",
}  # fmt: skip
RUN_KEYS = {
    "run", "checklist", "cadence", "title", "done", "items", "state", "counts", "due",
}  # fmt: skip


def test_all_items_as_json(opsdeck: CommandLine) -> None:
    items = opsdeck.json("list", "items")

    assert len(items) == 153
    assert all(set(item) == ITEM_KEYS for item in items)
    first = items[0]
    assert first["id"] == "env-documented"
    assert first["checklist"] == "environment-configuration"
    assert (first["state"], first["run"], first["by"], first["at"]) == ("open", None, None, None)
    assert (first["sensed"], first["valid_for_s"], first["group"]) == (True, 30 * 86_400, [])
    unused = next(item for item in items if item["uses"] == "cdn")
    assert (unused["state"], unused["why"]) == ("inactive", "cdn is not in [deck] uses")


def test_all_checklists_as_json(released: CommandLine) -> None:
    lists = released.json("list", "checklists")

    assert len(lists) == 20
    assert all(set(one) == CHECKLIST_KEYS for one in lists)
    by_id = {one["id"]: one for one in lists}
    assert by_id["infrastructure"]["run"] == "release/v1/infrastructure"
    assert by_id["infrastructure"]["due"] is None
    assert by_id["infrastructure"]["counts"] == {"inactive": 4, "open": 4}
    daily = by_id["daily-operations"]
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert daily["due"] == f"{tomorrow}T00:00:00.000Z"


def test_all_runs_as_json(released: CommandLine) -> None:
    released("attest", "daily-operations/2026-01-05/app-health")

    runs = {run["run"]: run for run in released.json("list", "runs")}
    assert all(set(run) == RUN_KEYS for run in runs.values())
    missed = runs["daily-operations/2026-01-05"]
    assert (missed["state"], missed["done"], missed["items"]) == ("missed", 1, 8)
    assert runs["standing/backup-strategy"]["state"] == "not started"
    assert "ended 2026-01-06 00:00 UTC" in released("list", "runs").out


def test_items_by_checklist_state_and_run(released: CommandLine) -> None:
    released("attest", "infrastructure/tls-certificate", "--note", "expires in March")
    released("release", "start", "v2")

    found = released.json("list", "items", "infrastructure", "--run", "v1", "--state", "attested")
    assert [(i["id"], i["run"], i["by"]) for i in found] == [
        ("tls-certificate", "release/v1/infrastructure", "alice")
    ]
    assert found[0]["why"] == "expires in March"
    assert found[0]["until"] > found[0]["at"]
    assert released.json("list", "items", "infrastructure", "--state", "attested") == []
    assert "no item is attested" in released("list", "items", "--state", "attested").out
    several = released.json("list", "items", "backup-strategy", "infrastructure", "backup-strategy")
    assert [i["checklist"] for i in several] == ["backup-strategy"] * 9 + ["infrastructure"] * 8
    assert len(released.json("list", "items", "--run", "release/v1/infrastructure")) == 8
    assert len(released.json("list", "items", "--run", "v1")) == 80


def test_every_unknown_word_is_named(released: CommandLine) -> None:
    result = released("list", "items", "infrastrcture", "infrastructure", "nonsense/2026-01-01")
    assert (result.code, result.out) == (64, "")
    assert "'infrastrcture'; did you mean 'infrastructure'?" in result.err
    assert "there is no checklist 'nonsense'" in result.err
    assert released("list", "items", "--run", "v9").code == 64


@pytest.mark.parametrize("width", [40, 80, 200])
def test_text_fits_the_width_that_columns_says(released: CommandLine, width: int) -> None:
    released("attest", "infrastructure/tls-certificate")
    released.environ["COLUMNS"] = str(width)
    for kind in ("items", "checklists", "runs"):
        lines = released("list", kind).lines
        assert max(map(cells, lines)) <= width
        assert len(lines) >= 20


def test_nothing_is_cut_where_nobody_says_how_wide_it_is(opsdeck: CommandLine) -> None:
    text = opsdeck("list", "items").out
    assert "…" not in text
    assert "SSL/TLS certificate installed and valid (>30 days)" in text
    assert "\x1b" not in text


def test_text_shows_state_and_who(released: CommandLine) -> None:
    released("attest", "infrastructure/tls-certificate")
    lines = released("list", "items", "infrastructure").lines
    assert lines[0] == "Infrastructure  release/v1/infrastructure  5/8 open"
    assert lines[1].split()[:3] == ["attested", "tls-certificate", "alice"]
    assert lines[2].split()[:2] == ["open", "cert-renewal"]


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=6), st.integers(40, 90))
def test_columns_always_fit(rows: list[tuple[str, str, str]], limit: int) -> None:
    lines = columns(rows, limit)
    assert len(lines) == len(rows)
    assert all(cells(line) <= limit for line in lines)
    assert all(line.isprintable() or not line.isascii() for line in lines)


@given(TEXT, st.integers(1, 40))
def test_cut_text_has_at_most_its_limit(text: str, limit: int) -> None:
    found = cut(text, limit)
    assert cells(found) <= limit
    assert found == text or found.endswith("…")
