"""What people type is kept for years: secrets in it are blotted out before it is put on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft

_TYPED = ("note", "text", "reason", "approver")
_NOT_TYPED = frozenset(
    {
        *(ev.CHECKED, ev.LOOKED, ev.INCIDENT_LOOKED, ev.COMMAND_BEGAN, ev.COMMAND_ENDED),
        *(ev.SIGNOFF_CONTENT, ev.SIGNOFF_SIGNED),
    }
)
"""Events whose texts were blotted where they came from; what is signed must stay as it is."""
_MORE = {
    **dict.fromkeys((ev.INCIDENT_STARTED, ev.INCIDENT_CHANGED), ("title",)),
    **dict.fromkeys(
        (ev.RELEASE_STARTED, ev.RELEASE_CHANGED), ("date", "window", "stakeholders", "notes")
    ),
}
"""Type of event -> what else of it is typed."""


def without_secrets(drafts: list[Draft], secrets: Callable[[], Iterable[str]]) -> list[Draft]:
    """The same events, with `[redacted]` for known secrets and for what looks like one in the texts
    that somebody typed. `secrets` is asked only where there is such a text."""
    if not any(_is_typed(draft) for draft in drafts):
        return drafts
    from opsdeck.probes.redact import Redactor

    blot = Redactor(secrets()).text
    return [_blotted(draft, blot) if _is_typed(draft) else draft for draft in drafts]


def _keys(draft: Draft) -> tuple[str, ...]:
    if draft.type in _NOT_TYPED:
        return ()
    return (*_TYPED, *_MORE.get(draft.type, ()))


def _is_typed(draft: Draft) -> bool:
    return "handover" in draft.data or any(draft.data.get(key) for key in _keys(draft))


def _blotted(draft: Draft, blot: Callable[[str], str]) -> Draft:
    data: dict[str, Any] = dict(draft.data)
    for key in _keys(draft):
        if isinstance(data.get(key), str):
            data[key] = blot(data[key])
    if isinstance(data.get("handover"), dict):
        data["handover"] = {
            key: blot(text) if isinstance(text, str) else text
            for key, text in data["handover"].items()
        }
    return draft._replace(data=data)
