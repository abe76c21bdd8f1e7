"""Check expectations (JMESPath expressions) for mistakes that show without any document."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

from opsdeck.catalog.faults import did_you_mean, short

_LEADS = re.compile(
    r"^(?:Invalid jmespath expression|Bad jmespath expression|Invalid token)[:.]?\s*", re.IGNORECASE
)


def expectation_problem(expression: str) -> str | None:
    """Why an expectation cannot work, with jmespath's reason; None when it can.

    Besides the syntax it checks that functions exist and get the right number of arguments,
    which jmespath itself notices only when it meets a document.
    """
    try:
        parsed = _compiled(expression)
        reason = parsed if isinstance(parsed, str) else next(_bad_calls(parsed), None)
    except RecursionError:
        reason = "it is nested too deeply"
    if reason is None:
        return None
    return f"expectation {short(expression, 200)} is not valid: {short(reason, 200)}"


def _compiled(expression: str) -> dict[str, Any] | str:
    """The syntax tree of an expression, or why there is none."""
    # Imported here: a catalog without expectations must not pay for it.
    import jmespath

    try:
        with warnings.catch_warnings():
            # Texts between backticks are pending deprecation, but half the world writes them.
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            tree: dict[str, Any] = jmespath.compile(expression).parsed
            return tree
    except RecursionError:
        raise
    except Exception as error:  # whatever a foreign parser trips over means a bad expression
        return _reason(error)


def _reason(error: Exception) -> str:
    """jmespath's message without its drawing of the expression."""
    first = _LEADS.sub("", str(error)).strip().split("\n", 1)[0].strip().rstrip(":")
    return first.split(", for expression", 1)[0] or type(error).__name__


def _bad_calls(node: Any) -> Iterator[str]:
    """What is wrong with each function call in a parsed expression."""
    from jmespath.functions import Functions

    if not isinstance(node, dict):
        return
    children = node.get("children") or []
    if node.get("type") == "function_expression":
        name, table = node["value"], Functions.FUNCTION_TABLE
        if name not in table:
            yield f"there is no function {name}(){did_you_mean(name, table)}"
        else:
            signature = table[name]["signature"]
            variadic = signature[-1].get("variadic", False)
            least, got = len(signature), len(children)
            if got < least or (got > least and not variadic):
                count = f"at least {least}" if variadic else str(least)
                yield f"{name}() takes {count} argument(s) and got {got}"
    for child in children:
        yield from _bad_calls(child)
