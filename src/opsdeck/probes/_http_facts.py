"""What an answer says, as fields that expectations can be about."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from opsdeck.probes._http_body import valid

MOST_HEADERS = 200
MOST_COOKIES = 50
LARGEST_HEADERS = 16_384
LONGEST_VALUE = 8_192
LEAST_SECRET = 8
"""Shorter cookie values (`1`, `de`, `dark`) are no secrets and stand in ordinary text."""

_NETWORKS = (
    ("cf-ray", "", "Cloudflare"),
    ("x-amz-cf-id", "", "CloudFront"),
    ("x-azure-ref", "", "Azure Front Door"),
    ("x-served-by", "cache-", "Fastly"),
    ("x-fastly-request-id", "", "Fastly"),
    ("x-akamai-request-id", "", "Akamai"),
    ("x-vercel-id", "", "Vercel"),
    ("x-nf-request-id", "", "Netlify"),
    ("cdn-pullzone", "", "Bunny"),
    ("via", "cloudfront", "CloudFront"),
    ("via", "varnish", "Varnish"),
    ("server", "akamai", "Akamai"),
    ("server", "keycdn", "KeyCDN"),
    ("via", "google", "Google Cloud CDN"),
)
_CACHE_STATES = ("x-cache", "cf-cache-status", "cdn-cache", "x-vercel-cache", "x-cache-status")
_CSRF_NAME = re.compile(r"csrf|xsrf|authenticity_token|requestverificationtoken", re.IGNORECASE)
_CSRF_WORDS = re.compile(
    r"csrf|xsrf|cross-site request|authenticity.?token|anti.?forgery|forgery", re.IGNORECASE
)
_CSRF_FIELD = re.compile(
    r"name=[\"']?[\w.-]{0,40}(csrf|xsrf|authenticity_token|requestverificationtoken)",
    re.IGNORECASE,
)


_ANYWHERE = re.compile(r"(https?:|data:|blob:|filesystem:)|((https?|\*)://)?\*(:\*|:\d+)?")
"""Sources that let in scripts from any host, or that the page's own text can make up."""


def joined(headers: Sequence[tuple[str, str]]) -> tuple[dict[str, str], int]:
    """Headers by lower-case name without cookies, repeated ones joined; how many were left out."""
    values: dict[str, list[str]] = {}
    room, left_out = LARGEST_HEADERS, 0
    for name, value in headers:
        if name == "set-cookie":
            continue
        clipped = valid(value[:LONGEST_VALUE])
        room -= len(name) + len(clipped.encode())
        if room < 0 or (name not in values and len(values) >= MOST_HEADERS):
            left_out += 1
        else:
            values.setdefault(name, []).append(clipped)
    return {name: ", ".join(found) for name, found in values.items()}, left_out


def cookies_of(headers: Sequence[tuple[str, str]]) -> tuple[list[dict[str, Any]], list[str], int]:
    """The cookies that are set, without values; their values; how many were left out."""
    lines = [value for name, value in headers if name == "set-cookie"]
    found, values = [], []
    for line in lines[:MOST_COOKIES]:
        pair, *attributes = line[:LONGEST_VALUE].split(";")
        name, _, value = pair.partition("=")
        named = {
            key.strip().lower(): text.strip()
            for key, _, text in (attribute.partition("=") for attribute in attributes)
        }
        value = value.strip().strip('"')
        values.append(value)
        found.append(
            {
                "name": valid(name.strip()[:200]),
                "length": len(value),
                "secure": "secure" in named,
                "httponly": "httponly" in named,
                "samesite": _capital(named.get("samesite")),
                "path": _short(named.get("path")),
                "domain": _short(named.get("domain")),
                "expires": _short(named.get("expires")),
                "max_age_s": _seconds(named.get("max-age")),
            }
        )
    return found, [v for v in values if len(v) >= LEAST_SECRET], max(0, len(lines) - MOST_COOKIES)


def cors_of(origin: str, own: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Whether an answer of the origin `own` lets pages of `origin` read it."""
    allowed = headers.get("access-control-allow-origin", "").strip()
    return {
        "origin": origin,
        "same_origin": origin == own,
        "allowed": allowed in ("*", origin),
        "any": allowed == "*",
        "credentials": headers.get("access-control-allow-credentials", "").lower() == "true",
        "varies": "origin" in headers.get("vary", "").lower(),
    }


def csp_of(headers: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
    """What Content-Security-Policy lets scripts do; None where no policy is enforced.

    A page obeys all its policies at once, so the strictest decides.
    """
    lines = [value for name, value in headers if name == "content-security-policy"]
    policies = [policy for line in lines for policy in line[:LONGEST_VALUE].split(",")]
    read = [_directives(policy) for policy in policies if policy.strip()]
    if not read:
        return None
    ways = [_script_sources(policy) for policy in read]
    scripts = [found for found in ways if found]
    strictest = min(scripts, key=lambda w: (_any(_inline, w), _any(_anywhere, w)), default=None)
    return {
        "scripts": strictest[0] if strictest else None,
        "inline_scripts": all(_any(_inline, way) for way in scripts),
        "scripts_from_anywhere": all(_any(_anywhere, way) for way in scripts),
        "nonces": sorted({s for way in scripts for found in way for s in found if _is_nonce(s)}),
        "frames": next((p["frame-ancestors"] for p in read if "frame-ancestors" in p), None),
    }


def _directives(policy: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for directive in policy.split(";"):
        name, *sources = valid(directive).split()[:50] or [""]
        found.setdefault(name.lower(), [source.lower()[:200] for source in sources])
    return found


def _script_sources(policy: Mapping[str, list[str]]) -> list[list[str]]:
    """The sources of each way that a policy lets scripts in; none where it does not limit them.

    `script-src-elem` and `script-src-attr` take the place of `script-src` for theirs.
    """
    usual = policy.get("script-src", policy.get("default-src"))
    ways = [policy.get("script-src-elem", usual), policy.get("script-src-attr", usual)]
    if any(way is None for way in ways):
        return []
    return [way for way in ways if way is not None]


def _any(what: Callable[[Sequence[str]], bool], way: Sequence[Sequence[str]]) -> bool:
    return any(map(what, way))


def _is_nonce(source: str) -> bool:
    return source.startswith("'nonce-")


def _inline(sources: Sequence[str]) -> bool:
    """Browsers ignore 'unsafe-inline' beside a nonce, a hash or 'strict-dynamic'."""
    strict = any(s.startswith(("'nonce-", "'sha", "'strict-dynamic'")) for s in sources)
    return "'unsafe-inline'" in sources and not strict


def _anywhere(sources: Sequence[str]) -> bool:
    """Browsers ignore host and scheme sources beside 'strict-dynamic'."""
    return "'strict-dynamic'" not in sources and any(map(_ANYWHERE.fullmatch, sources))


def cache_of(headers: Mapping[str, str]) -> dict[str, Any]:
    """What caches are told, and which one answered."""
    control = {
        name.strip().lower(): text.strip().strip('"')
        for name, _, text in (
            part.partition("=") for part in headers.get("cache-control", "").split(",")
        )
    }
    age = _seconds(headers.get("age"))
    states = " ".join(headers.get(name, "") for name in _CACHE_STATES).lower()
    hit = bool(re.search(r"hit\b", states)) if states.strip() else (age or 0) > 0
    return {
        "network": _network(headers),
        "hit": hit,
        "age_s": age,
        "max_age_s": _seconds(control.get("max-age")),
        "immutable": "immutable" in control,
        "no_cache": "no-cache" in control,
        "no_store": "no-store" in control,
        "private": "private" in control,
    }


def _network(headers: Mapping[str, str]) -> str | None:
    for name, mark, network in _NETWORKS:
        if name in headers and mark in headers[name].lower():
            return network
    return None


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> int | None:
    """Seconds of Retry-After, which may also be written as a date."""
    value = headers.get("retry-after", "").strip()
    found = _seconds(value)
    if found is not None or not value:
        return found
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int((moment - (now or datetime.now(UTC))).total_seconds()))


def shows_csrf_token(
    headers: Mapping[str, str], cookies: Sequence[Mapping[str, Any]], body: Any
) -> bool:
    """Whether a token against forged requests is given out: by cookie, header, form or JSON."""
    names = [*headers, *(str(cookie["name"]) for cookie in cookies)]
    if isinstance(body, dict):
        names += [key for key, value in body.items() if isinstance(value, str) and value]
    if any(_CSRF_NAME.search(name) for name in names):
        return True
    return isinstance(body, str) and _CSRF_FIELD.search(body) is not None


def speaks_of_csrf(body: Any) -> bool:
    """Whether an answer gives forged requests as its reason."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return _CSRF_WORDS.search(text[:LONGEST_VALUE]) is not None


def counted(statuses: Sequence[str]) -> dict[str, int]:
    """How often each came, in order: `{"200": 18, "429": 2}`."""
    return dict(sorted(Counter(statuses).items()))


def _seconds(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def _short(text: str | None) -> str | None:
    return None if text is None else valid(text[:200])


def _capital(text: str | None) -> str | None:
    return valid(text[:20]).capitalize() if text else None
