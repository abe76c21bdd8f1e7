"""What an http probe may say, what must be agreed to, and what its fields are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opsdeck.probes._http_facts import (
    cache_of,
    cors_of,
    csp_of,
    joined,
    retry_after_s,
    shows_csrf_token,
)
from opsdeck.probes._http_health import dependencies_of
from opsdeck.probes.base import Consent
from opsdeck.probes.registry import consent_of, problems

PROBLEMS: list[tuple[dict[str, Any], str]] = [
    ({"method": "POST"}, "needs changes = true: it may change the target"),
    ({"method": "DELETE", "changes": False}, "needs changes = true"),
    ({"method": "{verb}"}, "allowed are GET"),
    ({"method": "get"}, "allowed are GET"),
    ({"changes": True}, "is for other methods than GET"),
    ({"url": "https://a.example", "path": "/x"}, "url and path cannot both be given"),
    ({"url": "file:///etc/passwd"}, "it is a file: address"),
    ({"url": "https:///x"}, "it names no host"),
    ({"headers": {"Content-Length": "1"}}, "Content-Length cannot be set"),
    ({"headers": {"Host": "x"}}, "use the parameter `host`"),
    ({"headers": {"X A": "1"}}, "is no header name"),
    ({"headers": {"X-A": "1\r\nX-B: 2"}}, "control characters"),
    ({"headers": {"X-A": True}}, "X-A must be a string"),
    ({"host": "a\nb"}, "host: has control characters"),
    ({"redirects": 11}, "redirects is 11; it must be 0 to 10"),
    ({"samples": 21}, "samples is 21; it must be 1 to 20"),
    ({"burst": 1}, "burst is 1; it must be 2 to 200"),
    ({"burst": 2, "samples": 2}, "samples and burst cannot be combined"),
    ({"burst": 2, "method": "POST", "changes": True}, "POST is sent once only"),
    ({"paths": []}, "paths has 0 entries"),
    ({"paths": [1]}, "each must be a path or a table"),
    ({"paths": [{"path": "/", "hsa": {}}]}, "/ has hsa; known are path, has"),
    ({"paths": ["/"], "path": "/"}, "paths cannot be combined with url or path"),
    (
        {"every_instance": True, "burst": 3},
        "every_instance goes with path, paths, samples or also only",
    ),
    ({"every_instance": True, "method": "PUT", "changes": True}, "every_instance is for GET"),
    ({"auth": True, "anonymous": True}, "auth and anonymous cannot both be true"),
    ({"also": {}}, "also has 0 requests"),
    ({"also": {"x": 1}}, "also: x must be a table"),
    ({"also": {"x": {"body": "y"}}}, "also: x has body; known are"),
    ({"also": {"x": {"method": "POST"}}}, "also: x may be GET, HEAD, OPTIONS only"),
    ({"also": {"x": {"redirects": -1}}}, "also: x: redirects is -1"),
    ({"verify": False}, 'no parameter "verify"'),
]


@pytest.mark.parametrize(("parameters", "says"), PROBLEMS)
def test_problems(parameters: dict[str, Any], says: str) -> None:
    """GIVEN a probe that cannot be right THEN that is said before anything is sent."""
    found = list(problems({"kind": "http", "target": "web", **parameters}))
    assert any(says in problem for problem in found), found


SOUND: list[dict[str, Any]] = [
    {},
    {"path": "{health_path|/health}"},
    {"url": "{maintenance_url}"},
    {"method": "POST", "changes": True, "body": {"a": 1}},
    {"paths": "{api_paths}"},
    {"burst": "{burst|60}"},
    {"samples": 20, "redirects": 0},
    {"auth": True, "also": {"x": {"anonymous": True}}},
]


@pytest.mark.parametrize("parameters", SOUND)
def test_sound_probes(parameters: dict[str, Any]) -> None:
    """GIVEN a sound probe THEN nothing is said."""
    assert list(problems({"kind": "http", "target": "web", **parameters})) == []


CONSENTS: list[tuple[dict[str, Any], Consent | None]] = [
    ({"path": "/health"}, None),
    ({"method": "HEAD"}, None),
    (
        {"method": "POST", "url": "https://a.example/x", "changes": True},
        Consent("change", "POST https://a.example/x"),
    ),
    (
        {"method": "PUT", "path": "/x", "body": {"a": "ä"}, "changes": True},
        Consent("change", 'PUT /x\n{"a": "ä"}'),
    ),
    ({"burst": 30, "path": "/login"}, Consent("burst", "30 requests at once: GET /login")),
]


@pytest.mark.parametrize(("parameters", "consent"), CONSENTS)
def test_consent(parameters: dict[str, Any], consent: Consent | None) -> None:
    """GIVEN a request that does more than look THEN it must be agreed to."""
    assert consent_of({"kind": "http", "target": "web", **parameters}) == consent


POLICIES: list[tuple[list[str], tuple[bool, bool] | None]] = [
    ([], None),
    ([" "], None),
    (["script-src 'self'"], (False, False)),
    (["default-src 'self'"], (False, False)),
    (["img-src *"], (True, True)),
    (["default-src 'self'; script-src *"], (False, True)),
    (["script-src 'self' 'unsafe-inline'"], (True, False)),
    (["script-src 'nonce-abc' 'unsafe-inline'"], (False, False)),
    (["script-src 'strict-dynamic' 'nonce-a' https: 'unsafe-inline'"], (False, False)),
    (["script-src https:"], (False, True)),
    (["script-src 'unsafe-inline'", "script-src 'self'"], (False, False)),
    (["SCRIPT-SRC 'UNSAFE-INLINE'; script-src 'self'"], (True, False)),
    (["script-src 'unsafe-inline', default-src 'none'"], (False, False)),
]


@pytest.mark.parametrize(("policies", "expected"), POLICIES)
def test_content_security_policies(policies: list[str], expected: tuple[bool, bool] | None) -> None:
    """GIVEN policies THEN what they let scripts do is what a browser would allow."""
    found = csp_of([("content-security-policy", policy) for policy in policies])
    assert (found and (found["inline_scripts"], found["scripts_from_anywhere"])) == expected


CACHES: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {"network": None, "hit": False, "age_s": None, "max_age_s": None}),
    (
        {"x-amz-cf-id": "abc", "x-cache": "Hit from cloudfront", "age": "12"},
        {"network": "CloudFront", "hit": True, "age_s": 12},
    ),
    ({"x-amz-cf-id": "abc", "x-cache": "Miss from cloudfront"}, {"hit": False}),
    ({"cf-ray": "1-FRA", "cf-cache-status": "HIT"}, {"network": "Cloudflare", "hit": True}),
    ({"x-served-by": "cache-fra-1", "x-cache": "MISS, HIT"}, {"network": "Fastly", "hit": True}),
    ({"via": "1.1 varnish", "age": "3"}, {"network": "Varnish", "hit": True}),
    ({"via": "1.1 proxy.example"}, {"network": None}),
    (
        {"cache-control": 'public, max-age="31536000", Immutable'},
        {"max_age_s": 31_536_000, "immutable": True, "no_store": False},
    ),
    ({"cache-control": "no-store, private"}, {"no_store": True, "private": True}),
]


@pytest.mark.parametrize(("headers", "expected"), CACHES)
def test_caches(headers: dict[str, str], expected: dict[str, Any]) -> None:
    """GIVEN headers of caches THEN the fields say who answered and for how long it keeps."""
    assert cache_of(headers).items() >= expected.items()


CROSS_ORIGIN: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {"allowed": False, "any": False, "credentials": False}),
    ({"access-control-allow-origin": "*"}, {"allowed": True, "any": True}),
    (
        {
            "access-control-allow-origin": "https://a.example",
            "access-control-allow-credentials": "true",
            "vary": "Accept, Origin",
        },
        {"allowed": True, "any": False, "credentials": True, "varies": True},
    ),
    ({"access-control-allow-origin": "https://b.example"}, {"allowed": False}),
]


@pytest.mark.parametrize(("headers", "expected"), CROSS_ORIGIN)
def test_cross_origin(headers: dict[str, str], expected: dict[str, Any]) -> None:
    """GIVEN an Origin and an answer THEN the fields say whether that page may read it."""
    assert cors_of("https://a.example", "https://b.example", headers).items() >= expected.items()


BODIES: list[tuple[Any, list[tuple[str, bool]]]] = [
    (None, []),
    ("ok", []),
    ({"status": "ok"}, []),
    ({"checks": {"db": "ok", "mail": "down"}}, [("db", True), ("mail", False)]),
    ({"details": {"db": {"status": "up"}}}, [("db", True)]),
    ({"components": {"db": {"status": "DOWN"}}}, [("db", False)]),
    ({"checks": {"db:time": [{"status": "pass"}, {"status": "fail"}]}}, [("db:time", False)]),
    ({"checks": {"db": []}}, [("db", False)]),
    ({"services": [{"name": "s3", "healthy": True}, 5]}, [("s3", True)]),
    ({"integrations": {"stripe": True, "mail": None}}, [("stripe", True), ("mail", False)]),
]


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_dependencies(body: Any, expected: list[tuple[str, bool]]) -> None:
    """GIVEN a health document in one of the usual forms THEN its dependencies are listed."""
    assert [(found["name"], found["ok"]) for found in dependencies_of(body)] == expected


TOKENS: list[tuple[dict[str, str], list[str], Any, bool]] = [
    ({}, [], "", False),
    ({}, ["sid"], "<p>about csrf</p>", False),
    ({}, ["XSRF-TOKEN"], "", True),
    ({"x-csrf-token": "a"}, [], "", True),
    ({}, [], {"csrfToken": "a"}, True),
    ({}, [], {"csrfToken": None}, False),
    ({}, [], '<input type="hidden" name="_csrf" value="a">', True),
    ({}, [], '<meta name="csrf-token" content="a">', True),
    ({}, [], "<input name=__RequestVerificationToken>", True),
]


@pytest.mark.parametrize(("headers", "cookies", "body", "shown"), TOKENS)
def test_csrf_tokens(headers: dict[str, str], cookies: list[str], body: Any, shown: bool) -> None:
    """GIVEN an answer THEN it is known whether it gives out a token against forged requests."""
    assert shows_csrf_token(headers, [{"name": name} for name in cookies], body) is shown


RETRIES = [("7", 7), ("", None), ("soon", None), ("Mon, 23 Nov 2026 10:00:30 GMT", 30)]


@pytest.mark.parametrize(("value", "seconds"), RETRIES)
def test_retry_after(value: str, seconds: int | None) -> None:
    """GIVEN Retry-After as seconds or as a date THEN it is seconds."""
    now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert retry_after_s({"retry-after": value}, now) == seconds


def test_headers_are_bounded() -> None:
    """GIVEN 49 KB of headers THEN some 16 KB are kept and the rest is counted."""
    headers, left_out = joined(
        [("x-long", "v" * 9_000), *((f"x-{n}", "v" * 4_000) for n in range(10))]
    )
    assert (len(headers), left_out) == (3, 8)
    assert len(headers["x-long"]) == 8_192
