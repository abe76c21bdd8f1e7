"""What page an answer is, whether two are the same, and whether a health document is well."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opsdeck.probes._http_health import dependencies_of, healthy_of
from opsdeck.probes._http_pages import Page, alike, stand_in_of, title_of
from opsdeck.probes._http_request import lookalike_of
from opsdeck.probes._http_url import beside, parse_address, same_site

TITLES: list[tuple[str, str | None]] = [
    ("Welcome to nginx!", "the default page of a web server"),
    ("Apache2 Debian Default Page: It works", "the default page of a web server"),
    ("IIS Windows Server", "the default page of a web server"),
    ("Index of /", "a list of files"),
    ("Shop | Scheduled maintenance", "a maintenance page"),
    ("Down for maintenance", "a maintenance page"),
    ("We'll be back soon", "a maintenance page"),
    ("Guest login - Hotel", "a network's login"),
    ("Access Denied", "a refusal on the way"),
    # Pages of applications that speak of such things
    ("Shop: garden, kitchen, maintenance", None),
    ("Maintenance contracts for heating systems", None),
    ("Sign in | Shop", None),
    ("Nginx consulting", None),
]


@pytest.mark.parametrize(("title", "what"), TITLES)
def test_what_stands_in_is_known_by_its_title(title: str, what: str | None) -> None:
    """GIVEN a page with this title THEN it stands in for the application, or is the application."""
    body = f"<html><head><title>\n  {title}</title>"
    assert title_of(body) == title
    assert stand_in_of(title_of(body)) == what


def test_a_page_without_a_title_is_taken_for_what_it_is() -> None:
    assert title_of("<p>hello") is None
    assert title_of({"title": "Welcome to nginx!"}) is None
    assert stand_in_of(None) is None


def page(body: Any, path: str = "/a", status: int = 200, kind: str = "application/json") -> Page:
    return Page(status, kind, path, body)


SAME: list[tuple[Page, Page, bool]] = [
    (page({"status": "ok"}), page({"status": "ok"}, "/b"), True),
    # The time, an id, or the path itself differ
    (
        page({"status": "ok", "at": "2026-11-23T02:38:07Z"}),
        page({"status": "ok", "at": "2026-11-23T02:38:09Z"}, "/b"),
        True,
    ),
    (page("you asked for /health", "/health"), page("you asked for /nowhere", "/nowhere"), True),
    (page({"status": "ok"}), page({"error": "not found"}, "/b"), False),
    (page({"status": "ok"}), page({"status": "ok"}, "/b", 404), False),
    (
        page("<title>Shop</title>a", kind="text/html"),
        page("<title>Shop</title>b", "/b", kind="text/html"),
        True,
    ),
    (
        page("<title>Plans</title>", kind="text/html"),
        page("<title>Shop</title>", "/b", kind="text/html"),
        False,
    ),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_pages_are_the_same_but_for_what_changes(one: Page, other: Page, same: bool) -> None:
    """GIVEN two answers THEN they are the same page, or not, whichever comes first."""
    assert alike(one, other) is same
    assert alike(other, one) is same


HEALTH: list[tuple[Any, bool | None]] = [
    ({"status": "ok"}, True),
    ({"status": "UP", "components": {"db": {"status": "UP"}}}, True),
    ({"status": "pass", "checks": {"db:time": [{"status": "pass"}]}}, True),
    ({"ok": True, "uptime": 4711}, True),
    ("OK", True),
    ("pong", True),
    ({"status": 200}, True),
    ({"checks": {"db": "up"}}, True),
    # Figures and versions beside the state are none
    ({"status": "ok", "info": {"version": "1.4.2", "uptime": 3}}, True),
    ({"status": "degraded"}, False),
    ({"status": "ok", "checks": {"db": "down"}}, False),
    ({"status": "ok", "checks": {"db": {"healthy": False}}}, False),
    ({"ok": False}, False),
    ({"status": 503}, False),
    ({"status": "ok", "errors": ["no disk"]}, False),
    ("Service Unavailable", False),
    ({"version": "1.4.2"}, None),
    ({}, None),
    ("", None),
    ("<p>hello", None),
]


@pytest.mark.parametrize(("body", "healthy"), HEALTH, ids=json.dumps)
def test_a_health_document_says_how_it_is(body: Any, healthy: bool | None) -> None:
    """GIVEN a health document THEN all is well, or not, or nothing is said that is understood."""
    assert healthy_of(body, dependencies_of(body)) is healthy


@pytest.mark.parametrize(
    ("url", "nowhere"),
    [
        ("https://a.example/health", "/opsdeck-no-such-page"),
        ("https://a.example/api/v1/plans?x=1", "/api/v1/opsdeck-no-such-page"),
        ("https://a.example/", "/opsdeck-no-such-page"),
        ("https://a.example/app/", "/opsdeck-no-such-page"),
    ],
)
def test_the_page_that_cannot_exist_lies_beside(url: str, nowhere: str) -> None:
    assert beside(parse_address(url)).target == nowhere


def test_a_site_is_its_host_with_or_without_www() -> None:
    base = parse_address("https://www.a.example/x")
    assert same_site(base, "/login")
    assert same_site(base, "http://a.example/")
    assert not same_site(base, "https://login.a.example/")
    assert not same_site(base, "javascript:alert(1)")


def test_a_lookalike_ends_like_the_origin_and_is_another() -> None:
    assert lookalike_of("https://www.example.com") == "https://strangerexample.com"
    assert lookalike_of("http://localhost:3000") == "http://strangerlocalhost:3000"
