"""What a health document says: whether it is well, and of what it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_WELL = frozenset(
    {
        *("ok", "okay", "good", "normal", "green", "true", "pass", "passed", "passing"),
        *("up", "alive", "running", "active", "online", "ready", "serving", "operational"),
        *("healthy", "available", "connected", "reachable", "success", "successful", "pong"),
    }
)
_ILL = (
    *("unhealthy", "degraded", "down", "unavailable", "not ok", "not ready"),
    *("fail", "error", "critical", "maintenance"),
)
_CHECKS = ("dependencies", "checks", "components", "services", "integrations", "details", "info")
_MIXED = ("details", "info")
"""Keys under which versions and figures stand as well: only what is a state counts there."""
_STATES = ("status", "state", "healthy", "ok", "up")
_OVERALL = ("status", "state", "health", "healthy", "ok", "success", "up", "ready", "alive")
_ERRORS = ("error", "errors", "err")
MOST_DEPENDENCIES = 200
_LONGEST_TEXT = 40


def dependencies_of(body: Any) -> list[dict[str, Any]]:
    """The dependencies that a health document lists: `{name, ok, state}` each.

    Understood are tables of names (to a state, a boolean, or a table or list with a `status`) and
    lists of tables with a `name`, under one of the usual keys. Figures are no states.
    """
    if not isinstance(body, dict):
        return []
    key = next((key for key in _CHECKS if isinstance(body.get(key), dict | list)), "")
    under = body.get(key)
    if isinstance(under, dict):
        pairs = [(str(name), value) for name, value in under.items()]
    elif isinstance(under, list):
        pairs = [(str(e.get("name", "")), e) for e in under if isinstance(e, dict)]
    else:
        pairs = []
    stated = [(name, value) for name, value in pairs if _is_state(value, mixed=key in _MIXED)]
    return [{"name": n[:200], **_condition(v)} for n, v in stated[:MOST_DEPENDENCIES]]


def healthy_of(body: Any, dependencies: list[dict[str, Any]]) -> bool | None:
    """Whether a health document says that all is well: its own state, and that of each dependency.

    None where it says nothing that could be understood. A short text is a state as well.
    """
    if any(not dependency["ok"] for dependency in dependencies):
        return False
    told = list(_overall(body))
    if not told:
        return True if dependencies else None
    return all(told)


def _overall(body: Any) -> Iterator[bool]:
    if isinstance(body, dict):
        for key in _OVERALL:
            value = body.get(key)
            if isinstance(value, bool):
                yield value
            elif isinstance(value, int) and key in _STATES[:2]:  # an HTTP status, or 1 for up
                yield value == 1 or 200 <= value < 300
            elif isinstance(value, str):
                yield value.strip().lower() in _WELL
        if any(body.get(key) for key in _ERRORS):
            yield False
    elif isinstance(body, bool):
        yield body
    elif isinstance(body, str) and 0 < len(body.strip()) <= _LONGEST_TEXT and "<" not in body:
        words = body.strip().lower().rstrip(".!")
        yield not any(bad in words for bad in _ILL)


def _is_state(value: Any, *, mixed: bool) -> bool:
    """Whether a value says how something is; a figure or a version does not."""
    if isinstance(value, dict):
        return any(key in value for key in (*_STATES, *_ERRORS))
    if isinstance(value, list) and value and not mixed:
        return any(_is_state(inner, mixed=False) for inner in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return False
    return not mixed or isinstance(value, bool) or str(value).lower() in (*_WELL, *_ILL)


def _condition(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        parts = [_condition(inner) for inner in value]
        bad = next((part for part in parts if not part["ok"]), None)
        return bad or (parts[0] if parts else {"ok": False, "state": None})
    if isinstance(value, dict):
        value = next((value[key] for key in _STATES if key in value), None)
    state = str(value).lower()[:100] if isinstance(value, str | bool) else None
    return {"ok": state in _WELL, "state": state}
