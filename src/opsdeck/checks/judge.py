"""Hold expectations against a document, and say what was found there.

An expectation holds only when it gives exactly `true`: a value that is merely there proves nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from opsdeck.checks.brief import brief, names_of, shortened
from opsdeck.checks.result import Judged

LONGEST_FOUND = 200
_LONGEST_EXPRESSION = 160
_TELLING = frozenset({"contains", "starts_with", "ends_with"})
"""Functions that say yes or no: what they looked at says more than their answer."""

Tree = Mapping[str, Any]


def judge(expectations: Iterable[str], document: Any, shown: Any = None) -> tuple[Judged, ...]:
    """Each expectation held against the document, in order; never raises.

    `shown` is the same document as people may see it (redacted): what was found is taken from
    there. Without it the document itself is shown.
    """
    seen = document if shown is None else shown
    return tuple(_judged(str(expression), document, seen) for expression in expectations)


def reason_of(judged: Iterable[Judged]) -> str:
    """Why it failed, e.g. "days_left > `30` failed: 12"; "" where everything holds."""
    for one in judged:
        if not one.holds:
            written = shortened(" ".join(one.expression.split()), _LONGEST_EXPRESSION)
            return f"{written} failed: {one.found}"
    return ""


def _judged(expression: str, document: Any, shown: Any) -> Judged:
    try:
        tree = _tree(expression)
    except Exception:  # whatever a foreign parser trips over
        return Judged(expression, False, "cannot be worked out: the expression is not valid")
    holds = False
    try:
        holds = _value(tree, document) is True
        found = _found(tree, shown)
    except TypeError as error:
        found = _mismatch(tree, shown, error)
    except Exception as error:
        found = _trouble(error)
    return Judged(expression, holds, shortened(found, LONGEST_FOUND))


@lru_cache(maxsize=2048)
def _tree(expression: str) -> Tree:
    """The syntax tree of an expression."""
    # Imported here: who checks nothing must not pay for it.
    import jmespath

    with warnings.catch_warnings():
        # Texts between backticks are pending deprecation, but half the world writes them.
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        tree: Tree = jmespath.compile(expression).parsed
        return tree


@cache
def _interpreter() -> Any:
    from jmespath.visitor import TreeInterpreter

    return TreeInterpreter()


def _value(node: Tree, document: Any) -> Any:
    return _interpreter().visit(node, document)


def value_of(expression: str, document: Any) -> tuple[Any, str]:
    """What an expression gives, and "", or None and why it cannot be worked out."""
    try:
        return _value(_tree(expression), document), ""
    except Exception as error:  # whatever an expression trips over in a foreign document
        return None, _trouble(error)


def _mismatch(tree: Tree, document: Any, error: TypeError) -> str:
    """What was compared that cannot be: a number with a text, for example."""
    if tree["type"] == "comparator":
        try:
            return f"{_sides(tree, document)}: values of different kinds cannot be compared"
        except Exception:  # then the trouble lies in one of the sides
            return _trouble(error)
    return _trouble(error)


def _trouble(error: Exception) -> str:
    """Why an expression has no value, without any of the document in it."""
    return f"cannot be worked out: {_cause(error)}"


def _cause(error: Exception) -> str:
    name = getattr(error, "function_name", None)
    kind = getattr(error, "actual_type", None)
    if name and kind:
        from jmespath.functions import TYPES_MAP

        return f"{name}() got {TYPES_MAP.get(kind, kind)}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, TypeError):
        return "values of different kinds cannot be compared"
    if type(error).__name__ in ("UnknownFunctionError", "ArityError", "VariadictArityError"):
        return str(error)
    return type(error).__name__


def _found(tree: Tree, document: Any) -> str:
    """What an operator wants to see beside an expectation."""
    value = _value(tree, document)
    if value is not None and not isinstance(value, bool):
        return f"gives {brief(value, 60)}, not true or false: write a comparison"
    return _told(tree, document, value is True)


def _told(node: Tree, document: Any, holds: bool) -> str:
    """The values that decided what a node gives."""
    kind = node["type"]
    if kind == "comparator":
        return _sides(node, document)
    if kind == "not_expression":
        return _told(node["children"][0], document, not holds)
    if kind in ("and_expression", "or_expression"):
        return _parts(node, document, holds)
    if kind == "pipe":
        left, right = node["children"]
        return _told(right, _value(left, document), holds)
    if kind == "function_expression" and node["value"] in _TELLING:
        return _subjects(node, document)
    return brief(_value(node, document))


def _sides(node: Tree, document: Any) -> str:
    """The sides of a comparison that are not written in it."""
    left, right = node["children"]
    told = [
        (side, _side(part, document))
        for side, part in (("left", left), ("right", right))
        if part["type"] != "literal"
    ]
    if len(told) == 1:
        return told[0][1]
    if not told:
        return brief(_value(node, document))
    return ", ".join(f"{side} {shortened(text, 90)}" for side, text in told)


def _side(node: Tree, document: Any) -> str:
    """The value of one side; of a length also what was counted."""
    if node["type"] == "pipe":
        left, right = node["children"]
        return _side(right, _value(left, document))
    text = brief(_value(node, document))
    if node["type"] == "function_expression":
        if node["value"] == "length":
            names = names_of(_value(node["children"][0], document))
            return f"{text} ({names})" if names else text
        if node["value"] in _TELLING:
            return f"{text} for {_subjects(node, document)}"
    return text


def _subjects(node: Tree, document: Any) -> str:
    """What a function that says yes or no was given, without what is written in it."""
    given = [part for part in node["children"] if part["type"] != "literal"]
    return ", ".join(brief(_value(part, document), 90) for part in given) or "only literals"


def _parts(node: Tree, document: Any, holds: bool) -> str:
    """Of `&&` the first part that fails, of `||` the first that holds, else every part."""
    conjunction = node["type"] == "and_expression"
    parts = [(part, _true(_value(part, document))) for part in _flat(node, node["type"])]
    if holds is not conjunction:
        parts = [(part, true) for part, true in parts if true is holds][:1]
    told = []
    for part, true in parts[:5]:
        name, inner = _name(part), _told(part, document, true)
        told.append(f"{name} is {inner}" if name else inner)
    return ", ".join(told)


def _true(value: Any) -> bool:
    """Whether `&&`, `||` and `!` take a value for true."""
    return value is not None and value is not False and value not in ("", [], {})


def _flat(node: Tree, kind: str) -> list[Tree]:
    """The parts of `a && b && c`, in order."""
    parts: list[Tree] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one["type"] == kind:
            waiting.extend(reversed(one["children"]))
        else:
            parts.append(one)
    return parts


def _name(node: Tree) -> str:
    """How the value that a part is about is written; "" where that is not simple."""
    kind = node["type"]
    children: Sequence[Tree] = node.get("children") or ()
    if kind == "field":
        return str(node["value"])
    if kind == "subexpression":
        names = [_name(child) for child in children]
        return ".".join(names) if all(names) else ""
    if kind == "function_expression" and len(children) == 1:
        return f"{node['value']}({_name(children[0]) or '…'})"
    if kind == "not_expression":
        return _name(children[0])
    if kind == "comparator":
        free = [child for child in children if child["type"] != "literal"]
        return _name(free[0]) if len(free) == 1 else ""
    return ""


__all__ = ["LONGEST_FOUND", "judge", "reason_of"]
