"""What of a configuration is secret, or stands there in plain text although it is, and which
variables it asks for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from opsdeck.probes._secret_names import is_cookie_name, is_secret_name
from opsdeck.probes.redact import Redactor

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PLACE = re.compile(r"\{[a-z][a-z0-9_]*(?:\|[^{}]*)?\}")
_SCHEME = re.compile(r"(?:basic|bearer|token|apikey|api-key)\b", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^\s/:@]*:\S+@")
_FIELD = re.compile(r"[\w.-]+\s*=")


def written_secrets(values: Mapping[str, Any], harmless: Collection[str] = ()) -> Iterator[str]:
    """The dotted names of values that hold a secret literally instead of as `${VARIABLE}`.

    `harmless` are keys whose names only sound secret: what they hold is still looked at.
    """
    redactor = Redactor()
    for name, key, text in _strings(values, ""):
        bare = _PLACE.sub("", _VARIABLE.sub("", text))
        if _is_secret(redactor, "" if key in harmless else key, bare):
            yield name


def secrets_written_in(values: Mapping[str, Any]) -> Iterator[str]:
    """The values of a target that are secret by their names, and URIs with a password in them,
    whether they stand there literally or came from variables."""
    for _, key, text in _strings(values, ""):
        if is_cookie_name(key):
            yield from (crumb.partition("=")[2].strip() for crumb in text.split(";"))
        elif is_secret_name(key) or _PASSWORD.search(text):
            yield text


def variables(value: Any) -> Iterator[str]:
    """The names of the `${VARIABLES}` in a value, at any depth."""
    for _, _, text in _strings({"": value}, ""):
        for match in _VARIABLE.finditer(text):
            yield match[1]


def _is_secret(redactor: Redactor, key: str, bare: str) -> bool:
    """Whether a value, variables and placeholders taken out, still has something secret in it."""
    if is_cookie_name(key):
        bare = _FIELD.sub("", bare)
        return bool(bare.strip(" ;\"'"))
    if is_secret_name(key):
        return bool(_SCHEME.sub("", bare).strip(" :\"'"))
    return redactor.text(bare) != bare


def _strings(value: Any, path: str, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Every string in a value: its dotted path, the key it stands under, and itself."""
    if isinstance(value, str):
        yield path, key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _strings(inner, f"{path}.{name}" if path else str(name), str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value, 1):
            yield from _strings(inner, f"{path}[{number}]", key)
