"""The kinds of probe there are, found by the names of their modules, imported when needed."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, cast

from opsdeck.durations import parse_duration
from opsdeck.probes import kinds
from opsdeck.probes.base import Consent, Kind, Parameter

SHARED: dict[str, Parameter] = {
    "kind": Parameter((str,), "the kind of probe", required=True),
    "target": Parameter((str,), "the name of a [targets.NAME] table"),
    "timeout": Parameter((str, int, float), "seconds, or a duration such as 5s", 5),
    "retries": Parameter((int,), "how often a look that got no answer is repeated", 0),
    "pause": Parameter((str, int, float), "between retries: seconds, or a duration", 1),
    "must_answer": Parameter(
        (bool,), "whether a refused connection or a failed TLS handshake counts as failed", False
    ),
}
"""What every probe may have."""

_WORDS: dict[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


@cache
def names() -> tuple[str, ...]:
    """Every kind, in alphabetical order."""
    found = (m.name for m in pkgutil.iter_modules(kinds.__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))


@cache
def kind_of(name: str) -> Kind | None:
    """The kind of this name, or None; only asking for it imports its module."""
    if not name.isidentifier() or name.startswith("_"):
        return None
    full = f"{kinds.__name__}.{name}"
    if importlib.util.find_spec(full) is None:
        return None
    return cast("Kind", importlib.import_module(full))


def parameters_of(probe: Mapping[str, Any]) -> dict[str, Any]:
    """The kind's own parameters in a probe, with defaults where it says nothing."""
    kind = kind_of(str(probe.get("kind", "")))
    if kind is None:
        return {}
    given = {key: value for key, value in probe.items() if key not in SHARED}
    defaults = {name: p.default for name, p in kind.PARAMETERS.items() if p.default is not None}
    return {**defaults, **given}


def problems(probe: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a probe's table, whatever its target is like."""
    name = probe.get("kind")
    kind = kind_of(name) if isinstance(name, str) else None
    if kind is None:
        yield f'there is no kind of probe "{name}"{_near(str(name), names())}'
        return
    known = {**SHARED, **kind.PARAMETERS}
    sound = True
    for key, value in probe.items():
        parameter = known.get(key)
        if parameter is None:
            sound = False
            yield f'a {name} probe has no parameter "{key}"{_near(key, known)}'
        elif (reason := _unfit(value, parameter, fixed=key in SHARED)) is not None:
            sound = False
            yield f"{key} {reason}"
    for key, parameter in kind.PARAMETERS.items():
        if parameter.required and key not in probe:
            sound = False
            yield f"a {name} probe needs {key}: {parameter.about}"
    for key in ("timeout", "pause"):
        if key in probe and (reason := _no_duration(key, probe[key])):
            sound = False
            yield reason
    retries = probe.get("retries", 0)
    if isinstance(retries, int) and not 0 <= retries <= 10:
        yield f"retries is {retries}; it must be 0 to 10"
    own = getattr(kind, "problems", None)
    if sound and own is not None:
        yield from own(parameters_of(probe))


def consent_of(probe: Mapping[str, Any]) -> Consent | None:
    """What the operator must agree to before this is done; None where it only looks."""
    kind = kind_of(str(probe.get("kind", "")))
    own = getattr(kind, "consent", None)
    found: Consent | None = own(parameters_of(probe)) if own is not None else None
    return found


def seconds(value: Any) -> float:
    """A parameter in seconds, or a duration such as `5s`, in seconds; raises ValueError."""
    if isinstance(value, str):
        return parse_duration(value)
    return float(value)


def _no_duration(key: str, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None  # its type was a fault already
    try:
        found = seconds(value)
    except ValueError as error:
        return f"{key}: {error}"
    if not 0 < found <= 600:
        return f"{key} is {value}; it must be more than nothing and at most 10 minutes"
    return None


def _unfit(value: Any, parameter: Parameter, *, fixed: bool) -> str | None:
    """Why a value does not suit its parameter; unless that is `fixed`, a `{placeholder}` may
    stand for any value."""
    written = isinstance(value, str) and value.startswith("{") and value.endswith("}")
    if written and not fixed:
        return None
    if isinstance(value, bool) and bool not in parameter.types:
        fits = False
    else:
        types = (*parameter.types, int) if float in parameter.types else parameter.types
        fits = isinstance(value, types)
    if not fits:
        allowed = " or ".join(_WORDS[kind] for kind in parameter.types)
        return f"is {value!r}; it must be {allowed}: {parameter.about}"
    if parameter.choices and isinstance(value, str) and value not in parameter.choices:
        return f"is {value!r}; allowed are {', '.join(parameter.choices)}"
    return None


def _near(word: str, known: Iterable[str]) -> str:
    choices = list(known)
    near = difflib.get_close_matches(word, choices, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(choices)}"


__all__ = [
    "SHARED",
    "consent_of",
    "kind_of",
    "names",
    "parameters_of",
    "problems",
    "seconds",
]
