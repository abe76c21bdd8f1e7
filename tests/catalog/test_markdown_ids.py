"""Ids: readable, bounded, distinct, the same each time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.catalog.markdown_ids import checklist_ids, item_ids, slug

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SSL/TLS certificate installed and valid (>30 days)",
         "ssl-tls-certificate-installed-and-valid-30-days"),
        ("Größe der Straße", "grosse-der-strasse"),
        ("Don't run `rm -rf`", "dont-run-rm-rf"),
        ("a—b", "a-b"),
        ("1.2.3 Ensure auditing", "ensure-auditing"),
        ("3) Third", "third"),
        ("2023 goals", "2023-goals"),
        ("配置备份", "item-484747"),
        ("Сертификат TLS действителен", "tls-2bafb9"),
        ("!!!", "item-e84c53"),
        ("word " * 30, "word-word-word-word-word-word-word-word-word-word-word-word"),
        ("x" * 100, "x" * 60),
    ],
)  # fmt: skip
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


@given(st.lists(st.tuples(st.text(max_size=80), st.lists(st.text(), max_size=2).map(tuple))))
def test_item_ids_are_distinct_and_well_formed(items: list[tuple[str, tuple[str, ...]]]) -> None:
    ids = item_ids(items)
    assert len(set(ids)) == len(ids) == len(items)
    assert all(ID.fullmatch(i) for i in ids)
    assert ids == item_ids(items)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Steps", "steps!", "web-steps", "配置"]),
            st.lists(st.sampled_from(["Web", "API", ""]), max_size=3).map(tuple),
        )
    )
)
def test_checklist_ids_are_distinct_and_well_formed(
    lists: list[tuple[str, tuple[str, ...]]],
) -> None:
    ids = checklist_ids(lists)
    assert len(set(ids)) == len(ids) == len(lists)
    assert all(ID.fullmatch(i) for i in ids)


def test_equal_texts_get_their_group_then_a_number() -> None:
    equal = [("A b", ()), ("A b", ("Web",)), ("A b", ("Web",)), ("a B", ())]
    assert item_ids(equal) == ["a-b", "a-b-web", "a-b-2", "a-b-3"]


def test_equal_titles_get_the_heading_that_differs() -> None:
    lists = [("Security", ("Web", "Doc")), ("Security", ("API", "Doc")), ("Other", ())]
    assert checklist_ids(lists) == ["web-security", "api-security", "other"]
    assert checklist_ids(lists[1::-1]) == ["api-security", "web-security"]
    deep = [("Steps", ("Run", "Web")), ("Steps", ("Run", "API"))]
    assert checklist_ids(deep) == ["web-steps", "api-steps"]
    assert checklist_ids([("Notes", ("Doc",))] * 3) == ["notes", "notes-2", "notes-3"]
