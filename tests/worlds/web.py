"""Worlds of web applications: headers, forms, limits and caches as they should be, or not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.probes.partners_http import Answering, Asked, Partner, json_reply, partner, reply
from tests.worlds.harness import Setting, World
from tests.worlds.web_sites import COOKIE, HTML, Setup, both, site

OWN = "https://www.example.com"


# Cross-origin requests and host names


def cors(allows: Callable[[str], str | None]) -> Answering:
    """An API that answers an Origin with this Access-Control-Allow-Origin."""

    def answer(asked: Asked) -> bytes:
        allowed = allows(asked.headers.get("origin", ""))
        headers = {"Access-Control-Allow-Origin": allowed} if allowed else {}
        return reply("{}", headers={**headers, "Vary": "Origin"})

    return answer


CORS = both(
    "environment-configuration/cors-origins",
    site(cors(lambda origin: origin if origin == OWN else None), origin=OWN),
    {
        "reflects every origin": site(cors(lambda origin: origin), origin=OWN),
        "is open to all": site(cors(lambda origin: "*"), origin=OWN),
        "compares beginnings only": site(
            cors(lambda origin: origin if origin.startswith(OWN) else None), origin=OWN
        ),
        "compares endings only": site(
            cors(lambda origin: origin if origin.endswith("example.com") else None), origin=OWN
        ),
        "lets pages of no origin in": site(
            cors(lambda origin: origin if origin in (OWN, "null") else None), origin=OWN
        ),
        "forgot the front end": site(cors(lambda origin: None), origin=OWN),
    },
)


def hosts(stranger: Callable[[str], bytes | Iterator[bytes]]) -> Answering:
    """A server that knows its own name, and does this with others."""

    def answer(asked: Asked) -> bytes | Iterator[bytes]:
        host = asked.headers["host"]
        return reply("welcome") if host.startswith("127.0.0.1") else stranger(host)

    return answer


def led_home() -> Setup:
    """A server that sends who asks for another name to its own address in full."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with partner(reply("")) as server:
            home = reply("", 301, {"Location": f"{server.url}/"})
            server.answer = hosts(lambda host: home)
            yield Setting({"web": {"kind": "web", "url": server.url}})

    return setup


HOSTS = [
    *both(
        "environment-configuration/allowed-hosts",
        site(hosts(lambda host: reply("", 421))),
        {
            "serves any name": site(reply("welcome")),
            "redirects to any name": site(
                hosts(lambda host: reply("", 301, {"Location": f"https://{host}/"}))
            ),
            "is broken for all": site(reply("", 404)),
        },
    ),
    World(
        "environment-configuration/allowed-hosts",
        "passed",
        "strangers are cut off",
        site(hosts(lambda host: iter((b"",)))),
    ),
    World(
        "environment-configuration/allowed-hosts", "passed", "strangers are led home", led_home()
    ),
]


# Security of pages and forms


def page(policy: str | None, *, sniff: str | None = "nosniff", status: int = 200) -> bytes:
    """A page with this Content-Security-Policy."""
    headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": sniff}
    return reply(
        "<p>hello", status, {**HTML, **{n: value for n, value in headers.items() if value}}
    )


STRICT = "default-src 'self'; script-src 'self' 'nonce-4AEemGb0'; object-src 'none'"


def nonces() -> Answering:
    """A page whose nonce is new each time."""
    count = itertools.count(1)
    return lambda asked: page(STRICT.replace("4AEemGb0", f"4AEemGb0{next(count)}"))


XSS = both(
    "code-quality-security/xss-protection",
    site(nonces()),
    {
        "the nonce is always the same": site(page(STRICT)),
        "scripts from any host": site(page("default-src 'self'; script-src 'self' https://*")),
        "no policy": site(page(None)),
        "inline scripts": site(page("default-src 'self' 'unsafe-inline'")),
        "scripts from anywhere": site(page("default-src 'self'; script-src https:")),
        "a policy for pictures only": site(page("img-src 'self'")),
        "types may be guessed": site(page(STRICT, sniff=None)),
        "only the error page has it": site(page(STRICT, status=500)),
    },
)


def forms(
    *,
    checks: bool = True,
    gives_token: bool = True,
    session_is_good: bool = True,
    refusal: bytes = reply("", 403),
) -> Answering:
    """An application with cookie sessions and a form."""

    def answer(asked: Asked) -> bytes:
        known = asked.headers.get("cookie") == COOKIE and session_is_good
        if asked.method == "POST":
            refused = not known or (checks and "x-csrf-token" not in asked.headers)
            return refusal if refused else reply("", 204)
        if asked.target == "/api/me":
            return json_reply("{}", 200 if known else 401)
        field = '<input type="hidden" name="_csrf" value="r4nd0m">' if gives_token else ""
        return reply(f"<form>{field}</form>", headers=HTML)

    return answer


FORM_KEYS = {"csrf_path": "/api/profile", "session_cookie": COOKIE}
CSRF = [
    *both(
        "code-quality-security/csrf-tokens",
        site(forms(), **FORM_KEYS),
        {
            "posts without a token": site(forms(checks=False), **FORM_KEYS),
            "gives out no token": site(forms(gives_token=False), **FORM_KEYS),
            "refuses for want of a session": site(forms(session_is_good=False), **FORM_KEYS),
            "posts nothing, for want of a field": site(
                forms(refusal=reply("name is missing", 400)), **FORM_KEYS
            ),
            "there is no such route": site(
                lambda asked: reply("", 404) if asked.method == "POST" else forms()(asked),
                **FORM_KEYS,
            ),
        },
    ),
    World(
        "code-quality-security/csrf-tokens",
        "passed",
        "refuses with 400, and says why",
        site(forms(refusal=reply("invalid CSRF token", 400)), **FORM_KEYS),
    ),
]


def limit(status: int, headers: Mapping[str, str], after: int = 10) -> Setup:
    """A server that turns requests away after so many."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        server = Partner(
            lambda asked: reply("") if len(server.asked) <= after else reply("", status, headers)
        )
        try:
            yield Setting({"web": {"kind": "web", "url": server.url, "rate_limit_burst": 40}})
        finally:
            server.close()

    return setup


RATE = both(
    "code-quality-security/rate-limiting",
    limit(429, {"Retry-After": "60"}),
    {
        "no limit": site(reply(""), rate_limit_burst=40),
        "collapses instead": limit(503, {}),
        "lets nobody in": limit(429, {}, after=0),
    },
)


# Assets and networks before the application

SCRIPT = {"Content-Type": "text/javascript", "Content-Encoding": "br"}
LONG = "public, max-age=31536000, immutable"


def network(
    *,
    hits: bool = True,
    name: str = "x-amz-cf-id",
    private: str = "Miss",
    content_type: str = "text/javascript",
) -> Setup:
    """An application behind a network of caches."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        def answer(asked: Asked) -> bytes:
            first = sum(a.target == asked.target for a in server.asked) == 1
            if asked.target == "/api/me":
                state = f"{'Miss' if first else private} from cloudfront"
            else:
                state = "Hit from cloudfront" if hits and not first else "Miss from cloudfront"
            kind = {} if asked.target == "/api/me" else {"Content-Type": content_type}
            return reply("x", headers={name: "abc", "X-Cache": state, **kind})

        server = Partner(answer)
        keys = {"kind": "web", "url": server.url, "asset_path": "/app.4711.js"}
        try:
            yield Setting({"web": keys})
        finally:
            server.close()

    return setup


CDN = both(
    "infrastructure/cdn",
    network(),
    {
        "the second request is a miss again": network(hits=False),
        "no network in between": network(name="x-something"),
        "private answers are cached": network(private="Hit"),
        "the front end's page comes for every path": network(content_type="text/html"),
    },
)


def asset(*left_out: str, cached: str = LONG, status: int = 200, **changed: str) -> Setup:
    """A script, without some of its headers, or with others."""
    headers = {**SCRIPT, "Cache-Control": cached} | {
        name.replace("_", "-"): value for name, value in changed.items()
    }
    kept = {name: value for name, value in headers.items() if name not in left_out}
    return site({"/app.js": reply(b"\x0b\x02", status, kept)}, asset_path="/app.js")


ASSETS = both(
    "horizontal-scaling/static-assets",
    asset(),
    {
        "not compressed": asset("Content-Encoding"),
        "not cached": asset("Cache-Control"),
        "cached for a minute": asset(cached="public, max-age=60"),
        "for one user only": asset(cached="private, max-age=31536000"),
        "gone": asset(status=404),
        "the front end's page comes for every path": asset(Content_Type="text/html"),
    },
)


# Maintenance

CLOSED_FOR_NOW = "<h1>We are back in ten minutes</h1>" + "<p>sorry</p>" * 10


def maintenance(status: int = 503, text: str = CLOSED_FOR_NOW, **headers: str) -> Setup:
    """A maintenance page at a server of its own."""
    usual = {"Retry-After": "600", "Cache-Control": "no-store", **HTML}
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in {**usual, **changed}.items() if value}

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with partner(reply(text, status, sent)) as server:
            keys = {"kind": "web", "url": "https://www.example.com", "maintenance_url": server.url}
            yield Setting({"web": keys})

    return setup


MAINTENANCE = [
    *both(
        "deployment-preparation/maintenance-page",
        maintenance(),
        {
            "says 200": maintenance(200),
            "does not say when to come again": maintenance(Retry_After=""),
            "may be cached": maintenance(Cache_Control="max-age=60"),
            "is bare": maintenance(text="down"),
        },
    ),
    World(
        "deployment-preparation/maintenance-page",
        "passed",
        "caches must ask again",
        maintenance(Cache_Control="no-cache"),
    ),
]

WORLDS: list[World] = [*CORS, *HOSTS, *XSS, *CSRF, *RATE, *CDN, *ASSETS, *MAINTENANCE]
