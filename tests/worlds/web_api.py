"""Worlds of health endpoints and APIs: they answer as they should, or they do not."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.probes.partners_http import (
    Answering,
    Asked,
    answering,
    json_reply,
    partner,
    reply,
)
from tests.worlds.harness import Setting, World
from tests.worlds.web_sites import COOKIE, HTML, Setup, both, instances, site

TOKEN = "Bearer t0ken-of-a-test-account"


# Health and presence

APP = reply('<title>Shop</title><div id="app">', headers=HTML)
"""What a front end's server gives for every path."""


def health(
    text: str = '{"status": "ok", "checks": {"db": "up"}}', status: int = 200
) -> dict[str, bytes]:
    return {"/health": json_reply(text, status)}


def now_and_then(every: int, do: Callable[[], bytes]) -> Answering:
    """An application that does this with every so-manieth request."""
    count = itertools.count(1)
    return lambda asked: do() if next(count) % every == 0 else reply("")


def limping() -> Answering:
    """One of three instances is broken."""
    return now_and_then(3, lambda: reply("", 502))


def elsewhere() -> Setup:
    """A page that leads to another host, which answers."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with partner(reply("<title>Sign in</title>", headers=HTML)) as login:
            there = f"http://localhost:{login.port}/login"
            with partner(reply("", 302, {"Location": there})) as server:
                yield Setting({"web": {"kind": "web", "url": server.url}})

    return setup


HEALTH = [
    *both(
        "monitoring-logging/health-endpoint",
        site(health()),
        {
            "not ready": site(health(status=503)),
            "no such route": site({"/": reply("welcome")}),
            "a page that answers every path": site(reply("<p>app", headers=HTML)),
            "wants a login": site(reply("", 302, {"Location": "/login"})),
        },
    ),
    *both(
        "before-going-live/health-check",
        instances(health(), health()),
        {
            "one instance is not ready": instances(health(), health(status=503)),
            "one instance says that it is down": instances(health(), health('{"status": "DOWN"}')),
            "the front end's page comes for every path": instances(health(), APP),
            "all is well for every path": instances(json_reply('{"status": "ok"}')),
        },
    ),
    *both(
        "daily-operations/app-health",
        site(health()),
        {
            "not ready": site(health(status=503)),
            "says that it is degraded": site(health('{"status": "degraded"}')),
            "says that its database is down": site(
                health('{"status": "ok", "checks": {"db": "down"}}')
            ),
            "every third request fails": site(limping()),
            "all is well for every path": site(json_reply('{"status": "ok"}')),
        },
    ),
    *both(
        "post-deployment-verification/app-responding",
        site(APP, page_text="Shop"),
        {
            "some requests fail": site(limping()),
            "there is no page": site(reply("", 404)),
            "the page is empty": site(reply("")),
            "maintenance, with status 200": site(
                reply("<title>Scheduled maintenance | Shop</title>", headers=HTML)
            ),
            "a web server with nothing in it": site(
                reply("<title>Welcome to nginx!</title>", headers=HTML)
            ),
            "another page than the application's": site(APP, page_text="Order now"),
            "a login at another host": elsewhere(),
        },
    ),
]


# The API

ROUTES = {"/api/plans": json_reply("[]"), "/api/me": json_reply("{}")}
PATHS = list(ROUTES)
PLAN = [{"path": "/api/plans/1", "has": {"id": 1, "prices": [{"currency": "EUR"}]}}]


def plan(text: str, status: int = 200) -> Setup:
    """An API that says this of a known record."""
    return site({"/api/plans/1": json_reply(text, status)}, api_data=PLAN)


def guarded(
    *, token: str = TOKEN, open_to_all: bool = False, any_token: bool = False, refusal: int = 401
) -> Answering:
    """An application with a private path."""

    def answer(asked: Asked) -> bytes:
        given = asked.headers.get("authorization", "")
        good = open_to_all or given == token or (any_token and given != "")
        return json_reply("{}", 200 if good else refusal)

    return answer


def sessions(known: bool = True, *, private: bool = True) -> Answering:
    """An instance that knows the session, or does not."""

    def answer(asked: Asked) -> bytes:
        good = asked.headers.get("cookie") == COOKIE and known
        return json_reply("{}", 200 if good or not private else 401)

    return answer


def listing(text: str) -> Setup:
    """A health document that lists what the application depends on."""
    return site(
        {"/ready": json_reply(text)}, dependencies_path="/ready", integrations=["stripe", "mail"]
    )


def slow() -> bytes:
    """An answer that takes its time."""
    time.sleep(0.55)
    return reply("")


def performing(answer: Answering | bytes) -> Setup:
    """An application of which this route's speed matters; it knows no other."""
    route = answering(answer)
    return site(
        lambda asked: route(asked) if asked.target == "/api/plans" else reply("", 404),
        performance_path="/api/plans",
    )


API = [
    *both(
        "before-going-live/api-baseline",
        site(ROUTES, api_paths=PATHS),
        {
            "one route is gone": site({"/api/me": json_reply("{}")}, api_paths=PATHS),
            "one route fails": site({**ROUTES, "/api/me": reply("", 500)}, api_paths=PATHS),
            "all lead to the login": site(reply("", 302, {"Location": "/"}), api_paths=PATHS),
            "the front end's page comes for every path": site(APP, api_paths=PATHS),
            "one fails now and then": site(limping(), api_paths=PATHS),
        },
    ),
    *both(
        "post-deployment-verification/api-data-correct",
        plan('{"id": 1, "prices": [{"currency": "EUR", "net": 5}], "new": true}'),
        {
            "a wrong value": plan('{"id": 1, "prices": [{"currency": "USD"}]}'),
            "an empty list": plan('{"id": 1, "prices": []}'),
            "an error page": plan('{"error": "no"}', 500),
        },
    ),
    *both(
        "post-deployment-verification/auth-working",
        site(guarded(), token=TOKEN.removeprefix("Bearer ")),
        {
            "the token is refused": site(guarded(token="another"), token="t0ken-of-mine"),
            "open to all": site(guarded(open_to_all=True), token="t0ken-of-mine"),
            "takes any token": site(guarded(any_token=True), token="t0ken-of-mine"),
            "fails instead of refusing": site(
                guarded(refusal=500), token=TOKEN.removeprefix("Bearer ")
            ),
        },
    ),
    *both(
        "horizontal-scaling/shared-sessions",
        instances(sessions(), sessions(), session_cookie=COOKIE),
        {
            "one instance does not know the session": instances(
                sessions(), sessions(known=False), session_cookie=COOKIE
            ),
            "there is one instance only": instances(sessions(), session_cookie=COOKIE),
            "nobody needs a session": instances(
                sessions(private=False), sessions(private=False), session_cookie=COOKIE
            ),
        },
    ),
    *both(
        "post-deployment-verification/third-party-integrations",
        listing('{"checks": {"stripe": {"status": "up"}, "mail": "ok", "db": true}}'),
        {
            "one is down": listing('{"checks": {"stripe": {"status": "down"}, "mail": "ok"}}'),
            "one is not listed": listing('{"checks": {"stripe": "up"}}'),
            "none is listed": listing('{"status": "ok"}'),
        },
    ),
    *both(
        "post-deployment-verification/performance-acceptable",
        performing(reply("fast")),
        {
            "slow now and then": performing(now_and_then(9, slow)),
            "fast, but an error": performing(reply("", 500)),
            "fast, from a cache": performing(reply("fast", headers={"X-Cache": "Hit"})),
            "fast, but every path gets it": site(reply("fast"), performance_path="/api/plans"),
        },
    ),
]


WORLDS: list[World] = [*HEALTH, *API]
