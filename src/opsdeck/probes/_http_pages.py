"""What page an answer is: its title, whether it stands in for the application, whether two are
the same page."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any, NamedTuple

LONGEST_TITLE = 200
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,500})</title", re.IGNORECASE)
_SERVER, _CLOSED = "the default page of a web server", "a maintenance page"
_STAND_INS = (
    (r"welcome to (nginx|openresty|caddy)\b.*", _SERVER),
    (r"apache2? .{0,40}default page.*|test page for .{0,60}", _SERVER),
    (r"iis( windows)?( server)?|iis\d.*", _SERVER),
    (r"index of /.*|directory listing for .*", "a list of files"),
    (r"((web)?site|app|application|system) maintenance|maintenance mode", _CLOSED),
    (r"(scheduled|planned) maintenance", _CLOSED),
    (r".{0,30}\b(under|down for|undergoing) (\w+ )?maintenance", _CLOSED),
    (r"(we('|’)?(ll| will)? |will )?be (right )?back (soon|shortly)", _CLOSED),
    (r"(this )?domain (is )?(for sale|parked).*", "a parked domain"),
    (r"(wi-?fi|hotspot|network|guest) (login|sign[ -]?in|portal|access)", "a network's login"),
    (r"captive portal.*", "a network's login"),
    (r"(web ?)?site blocked.*|access (denied|blocked).*", "a refusal on the way"),
)
_PART = re.compile(r"\s+[|·–—:»-]\s+|\s*[|·»]\s*")
_CHANGING = re.compile(r"[A-Za-z0-9+/_-]*[0-9][A-Za-z0-9+/_=.:-]*|[A-Za-z0-9+/_-]{24,}={0,2}")
"""Numbers, dates, ids, nonces and tokens: what differs between two answers of the same page."""


class Page(NamedTuple):
    """An answer, as far as it matters for being the same page as another."""

    status: int
    content_type: str
    path: str
    body: Any


def title_of(body: Any) -> str | None:
    """The title of a page of HTML; None where it has none."""
    found = _TITLE.search(body) if isinstance(body, str) else None
    words = " ".join(unescape(found[1]).split()) if found else ""
    return words[:LONGEST_TITLE] or None


def stand_in_of(title: str | None) -> str | None:
    """What stands where the application should be, going by its title; None for all else."""
    if title is None:
        return None
    for part in (title, *_PART.split(title)):
        words = part.strip().lower().rstrip(".!…")
        for pattern, what in _STAND_INS:
            if re.fullmatch(pattern, words):
                return what
    return None


def alike(one: Page, other: Page) -> bool:
    """Whether two answers are the same page, as a server gives it that answers every path.

    Numbers, ids and tokens may differ, and so may the path where it is repeated in them. Pages of
    HTML are the same where their title is.
    """
    if (one.status, one.content_type) != (other.status, other.content_type):
        return False
    titles = title_of(one.body), title_of(other.body)
    if one.content_type == "text/html" and any(titles):
        return titles[0] == titles[1]
    return _plain(one) == _plain(other)


def _plain(page: Page) -> str:
    body = page.body
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    path = page.path.partition("?")[0]
    if len(path) > 1:
        text = text.replace(path, "#")
    return _CHANGING.sub("#", text)
