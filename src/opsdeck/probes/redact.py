"""Blot secrets out of what a probe found, before anything of it is kept or shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from opsdeck.probes._secret_forms import SHORTEST, base64_cores, written_forms
from opsdeck.probes._secret_names import is_cookie_name, is_harmless_name, is_secret_name
from opsdeck.probes._secret_patterns import MARK, RULES, Rule, cookies

_DEEPEST = 100
"""Deeper than any document; what lies below is blotted out whole."""
_PASSES = 4
_LONGEST_KNOWN = 200
_SHORTEST_CUT = 50
"""Texts are nowhere cut to fewer characters before they come here."""
_SHORTEST_HEAD = 6
"""So much of a secret at the end of a text is a part of it, and no accident."""
_INERT = re.compile(r"[A-Za-z0-9_.~+/=:@%\-\[\]]+")
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_")
_NAMING = ("name", "key", "parametername")
"""Fields that name the `value` beside them, as in a container's environment."""


class Redactor:
    """Replaces secrets by `[redacted]`: those it is given, in every usual writing, and what looks
    like one. Given ones with fewer than 4 characters are left alone.

    It takes linear time, doing it twice changes nothing more, and it never raises.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms, self._cores = _forms_of(frozenset(secrets))
        self._cuts = _cuts_of(tuple(self._forms))

    def text(self, text: str) -> str:
        """The text without secrets."""
        return self._plan([text]).text(text)

    def value(self, value: Any) -> Any:
        """The JSON-like value without secrets in strings and keys; numbers and booleans stay."""
        strings: list[str] = []
        _collect(value, strings, 0)
        return self._plan(strings).value(value, 0)

    def exact(self, value: Any) -> Any:
        """The JSON-like value without the given secrets, for what an operator has to agree to.

        What merely looks like a secret is blotted only where it cannot be a command: a hostile
        catalog could else hide what it would run behind `password=`.
        """
        if isinstance(value, str):
            known = self._plan([value]).known(value)
            return _INERT.sub(lambda match: self.text(match[0]), known)
        if isinstance(value, Mapping):
            return {key: self.exact(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.exact(inner) for inner in value]
        return value

    def _plan(self, strings: Sequence[str]) -> _Plan:
        """What there is to do at all: a document is searched once, not once for each string."""
        whole = "\n".join(strings)
        low = whole.lower()
        return _Plan(
            tuple(form for form in self._forms if form in whole),
            [core for core in self._cores if core in whole],
            [rule for rule in RULES if any(hint in low for hint in rule.hints)],
            self._cuts,
        )


class _Plan:
    """The forms and rules that matter for one document."""

    def __init__(
        self,
        forms: tuple[str, ...],
        cores: list[str],
        rules: list[Rule],
        cuts: _Cuts | None,
    ) -> None:
        self._forms = _any_of(forms) if forms else None
        self._cores = cores
        self._rules = rules
        self._cuts = cuts
        self._known: dict[str, str] = {}

    def text(self, text: str) -> str:
        """The text without secrets; short ones, such as keys, come again and again."""
        if len(text) < SHORTEST:
            return text
        if len(text) > _LONGEST_KNOWN:
            return self._redacted(text)
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._redacted(text)
        return found

    def known(self, text: str) -> str:
        """The text without the secrets that were given, whole or cut off at its end."""
        if self._forms is not None:
            text = self._forms.sub(MARK, text)
        for core in self._cores:
            text = _without_run(text, core)
        return text if self._cuts is None else self._cuts.text(text)

    def _redacted(self, text: str) -> str:
        text = self.known(text)
        # What one rule leaves may look like a secret to another: again, until nothing does.
        for _ in range(_PASSES):
            before = text
            for rule in self._rules:
                text = rule.pattern.sub(rule.put, text)
            if text == before:
                break
        return text

    def value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth >= _DEEPEST:
            return MARK
        if isinstance(value, Mapping):
            return self._table(value, depth)
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner, depth + 1) for inner in value]
        return self.text(_as_text(value))

    def _table(self, table: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        named = _names_a_secret(table)
        for key, value in table.items():
            name = key if isinstance(key, str) else ""
            if named and name.lower() == "value":
                kept = self._blotted(value, depth + 1)
            elif is_cookie_name(name):
                kept = self._cookies(value, depth + 1)
            elif is_secret_name(name):
                kept = self._blotted(value, depth + 1)
            else:
                kept = self.value(value, depth + 1)
            found[self._key(key, found)] = kept
        return found

    def _blotted(self, value: Any, depth: int) -> Any:
        """What stands under a secret name: no string of it stays, except in tables of a list,
        which tell about secrets one by one."""
        if value is None or isinstance(value, bool | int | float) or value == "":
            return value
        if depth < _DEEPEST and isinstance(value, Mapping):
            return self._blotted_table(value, depth)
        if depth < _DEEPEST and isinstance(value, list | tuple):
            return [
                self.value(inner, depth + 1)
                if isinstance(inner, Mapping)
                else self._blotted(inner, depth + 1)
                for inner in value
            ]
        return MARK

    def _blotted_table(self, table: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in table.items():
            keep = is_harmless_name(key) if isinstance(key, str) else False
            kept = (self.value if keep else self._blotted)(value, depth + 1)
            found[self._key(key, found)] = kept
        return found

    def _cookies(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(cookies(value))
        if depth < _DEEPEST and isinstance(value, list | tuple):
            return [self._cookies(inner, depth + 1) for inner in value]
        return self._blotted(value, depth)

    def _key(self, key: Any, taken: Mapping[Any, Any]) -> Any:
        """The key without secrets, with a number where two became the same."""
        key = self.text(key) if isinstance(key, str) else key
        if key not in taken:
            return key
        return next(f"{key} ({n})" for n in range(2, len(taken) + 3) if f"{key} ({n})" not in taken)


class _Cuts:
    """Secrets of which a text holds only the beginning, because it was cut within them."""

    def __init__(self, forms: tuple[str, ...]) -> None:
        self._forms = [form for form in forms if len(form) > _SHORTEST_HEAD]
        heads = sorted({re.escape(form[:_SHORTEST_HEAD]) for form in self._forms})
        # Looked ahead at, so that one match hides no other.
        self._heads = re.compile(f"(?={'|'.join(heads)})") if heads else None
        self._longest = max(map(len, self._forms), default=0)

    def text(self, text: str) -> str:
        """The text without a part of a secret at its end, or before an ellipsis."""
        if self._heads is None or len(text) < _SHORTEST_CUT:
            return text
        return "…".join(map(self._ended, text.split("…")))

    def _ended(self, text: str) -> str:
        assert self._heads is not None
        for match in self._heads.finditer(text, max(0, len(text) - self._longest)):
            rest = text[match.start() :]
            if any(form.startswith(rest) for form in self._forms):
                return text[: match.start()] + MARK
        return text


def _names_a_secret(table: Mapping[Any, Any]) -> bool:
    """Whether it is like `{"name": "DB_PASSWORD", "value": "..."}`."""
    if len(table) > 20:
        return False
    return any(
        isinstance(key, str)
        and isinstance(said, str)
        and (
            (key.lower() in _NAMING and is_secret_name(said))
            or (key.lower() == "type" and said == "SecureString")
        )
        for key, said in table.items()
    )


def _collect(value: Any, strings: list[str], depth: int) -> None:
    """Every string in a value, keys too."""
    if isinstance(value, str):
        strings.append(value)
    elif value is None or isinstance(value, bool | int | float) or depth >= _DEEPEST:
        return
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(key, str):
                strings.append(key)
            _collect(inner, strings, depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            _collect(inner, strings, depth + 1)
    else:
        strings.append(_as_text(value))


def _as_text(value: Any) -> str:
    """What is no JSON, as a text."""
    try:
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    except Exception:  # whatever a foreign object does when asked
        return MARK


@lru_cache(maxsize=64)
def _forms_of(secrets: frozenset[str]) -> tuple[list[str], list[str]]:
    """The written forms and the base64 cores; every look makes a Redactor, with few changes."""
    return written_forms(secrets), base64_cores(secrets)


@lru_cache(maxsize=64)
def _cuts_of(forms: tuple[str, ...]) -> _Cuts | None:
    return _Cuts(forms) if forms else None


@lru_cache(maxsize=64)
def _any_of(forms: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the forms; a mark that is there already stays whole."""
    written = sorted({*forms, MARK}, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(re.escape, written)))


def _without_run(text: str, core: str) -> str:
    """The text with every run of base64 characters that holds `core` blotted out."""
    parts, start = [], 0
    while (at := text.find(core, start)) >= 0:
        begin, end = at, at + len(core)
        while begin > start and text[begin - 1] in _BASE64:
            begin -= 1
        while end < len(text) and text[end] in _BASE64:
            end += 1
        parts += [text[start:begin], MARK]
        start = end
    return "".join([*parts, text[start:]]) if parts else text


__all__ = ["MARK", "Redactor"]
