"""Looks at AWS: any operation that only reads, of any service, narrowed by JMESPath.

Further calls may go along: `also` adds the reply of another operation, `each` asks an operation
once for every value of a list in the reply. What is refused, and why: `opsdeck.probes._aws_names`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from opsdeck.probes import _aws_calls as calls
from opsdeck.probes._aws_access import READ_S, Access, access, resolvable, within
from opsdeck.probes._aws_functions import options
from opsdeck.probes._aws_names import refusal
from opsdeck.probes._aws_policy import operations
from opsdeck.probes._aws_reply import bounded
from opsdeck.probes._aws_times import unknown_marks
from opsdeck.probes.base import Document, Parameter, ProbeError, Target
from opsdeck.probes.blocking import in_thread

ABOUT = "asks AWS, with any operation of any service that only reads"
TARGETS = ("aws",)
PARAMETERS = {
    "service": Parameter((str,), "the service as boto3 names it, e.g. elbv2", required=True),
    "operation": Parameter((str,), "the operation, e.g. DescribeTargetHealth", required=True),
    "parameters": Parameter((dict,), "what the operation is given", {}),
    "query": Parameter((str,), "JMESPath that narrows the reply"),
    "pages": Parameter((int,), "how many pages of the reply are read at most, 1 to 50", 10),
    "region": Parameter((str,), "another region than the target's"),
    "also": Parameter((dict, list), "further operations, each with `into`"),
    "each": Parameter((dict, list), "operations asked once for every one of `values`"),
    "percent": Parameter((dict,), "`{ of, in }`: ids of two series, for GetMetricData"),
    "needs": Parameter((dict,), "`{ query, message }`: without what there is nothing to judge"),
}

MOST_VALUES = 100

_PLACE = re.compile(r"\{[a-z][a-z0-9_]*(?:\|[^{}]*)?\}")
"""What the target fills in later: no part of JMESPath looks like this."""

_ALSO = {"service", "operation", "parameters", "query", "into", "pages", "percent", "region"}
_EACH = {*_ALSO, "values", "parameter"}


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right: operations that do more than read, queries that do not compile."""
    for service, operation, given in operations(parameters):
        if (reason := refusal(service, operation, given)) is not None:
            yield reason
    yield from _own_problems("", parameters, value=False)
    yield from _needs_problems(parameters.get("needs"))
    for name, known in (("also", _ALSO), ("each", _EACH)):
        for entry in _entries(parameters.get(name)):
            if not isinstance(entry, Mapping):
                yield f"{name} must be a table, or a list of tables"
                continue
            for key in sorted(set(entry) - known):
                yield f'{name} has no parameter "{key}"; known are {", ".join(sorted(known))}'
            for key in ("operation", "into", *(("values",) if name == "each" else ())):
                if not isinstance(entry.get(key), str):
                    yield f"{name} needs {key}, a string"
            yield from _own_problems(f"{name}: ", entry, value=name == "each")


def _own_problems(where: str, entry: Mapping[str, Any], *, value: bool) -> Iterator[str]:
    for key in ("query", "values"):
        if isinstance(entry.get(key), str) and (reason := _unreadable(entry[key])):
            yield f"{where}{key} {reason}"
    given = entry.get("parameters", {})
    if not isinstance(given, Mapping):
        yield f"{where}parameters must be a table"
    for mark in unknown_marks(given, value=value):
        yield f"{where}parameters: {mark} means nothing here"
    pages = entry.get("pages", 1)
    if isinstance(pages, bool) or not isinstance(pages, int) or not 1 <= pages <= 50:
        yield f"{where}pages is {pages}; it must be 1 to 50"
    ratio = entry.get("percent")
    if ratio is not None and not (isinstance(ratio, Mapping) and set(ratio) == {"of", "in"}):
        yield f"{where}percent must be {{ of = ID, in = ID }}"


def _needs_problems(needs: Any) -> Iterator[str]:
    if needs is None:
        return
    texts = needs.values() if isinstance(needs, Mapping) else [None]
    if not isinstance(needs, Mapping) or set(needs) != {"query", "message"}:
        yield "needs must be { query = JMESPATH, message = TEXT }"
    elif not all(isinstance(text, str) and text for text in texts):
        yield "needs: query and message must be texts"
    elif reason := _unreadable(needs["query"]):
        yield f"needs: query {reason}"


def _unreadable(query: str) -> str | None:
    import jmespath

    try:
        jmespath.compile(_PLACE.sub("0", query))
    except Exception as error:  # whatever the parser stumbles over
        return f"is no JMESPath: {' '.join(str(error).split())[:200]}"
    return None


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """Ask AWS; raises ProbeError when it does not answer, refuses, or may not be asked so."""
    for service, operation, given in operations(parameters):
        if (reason := refusal(service, operation, given)) is not None:
            raise ProbeError("missing", reason)
    try:
        async with asyncio.timeout(timeout_s):
            return await _Look(target, parameters, timeout_s).document()
    except TimeoutError:
        name = f"{parameters.get('service')} {parameters.get('operation')}"
        raise ProbeError(
            "timeout",
            f"AWS {name} did not answer within {timeout_s:g} s: check the network and the proxy, "
            "or give the probe a longer timeout",
        ) from None


class _Look:
    """One look: the main call, what goes along with it, and the document they make."""

    def __init__(self, target: Target, parameters: Mapping[str, Any], timeout_s: float) -> None:
        self._target = target
        self._parameters = parameters
        self._deadline = time.monotonic() + timeout_s
        self._read_s = max(READ_S, round(0.4 * timeout_s, 1))
        self._access: Access
        self._complete = True
        self._left_out = 0

    async def document(self) -> Document:
        """The document, with every call's reply in its place."""
        self._access = await access(self._target)
        answer, region = await self._ask(self._parameters)
        meta: Document = {"found": answer.missing is None, "region": region, "pages": answer.pages}
        reply: Any = answer.missing
        if answer.missing is None:
            reply = answer.reply
            await self._along("also", lambda entry: self._also(entry, reply))
            await self._along("each", lambda entry: self._each(entry, reply))
        query = self._parameters.get("query") if answer.missing is None else None
        reply, cut = await in_thread(lambda: bounded(_narrowed(reply, query)))
        meta["latency_ms"] = answer.latency_ms
        meta["left_out"] = self._left_out + cut
        meta["complete"] = self._complete and not meta["left_out"]
        document = {**(reply if isinstance(reply, dict) else {"result": reply}), **meta}
        if answer.missing is None:
            self._there(document)
        return document

    def _there(self, document: Document) -> None:
        """Raise ProbeError where that is missing without which there is nothing to judge."""
        needs = self._parameters.get("needs")
        if needs is not None and _narrowed(document, needs["query"]) is not True:
            raise ProbeError("missing", f"{needs['message']} (looked in {document['region']})")

    async def _ask(self, entry: Mapping[str, Any], value: Any = None) -> tuple[calls.Answer, str]:
        """What one call answers, and the region that did."""
        service = str(entry.get("service") or self._parameters["service"])
        region = entry.get("region") or self._parameters.get("region")
        where = str(region or self._access.default_region or "")
        call = calls.Call(
            service,
            str(entry.get("operation", "")),
            _given(entry),
            int(entry.get("pages", 10)),
            entry.get("percent"),
        )
        async with self._access.slots:
            client = await self._access.client(service, where, self._read_s)
            await resolvable(str(client.meta.endpoint_url))
            answer = await in_thread(
                lambda: within(
                    self._deadline, lambda: calls.perform(self._access, client, call, value)
                ),
            )
        self._complete = self._complete and answer.complete
        return answer, str(client.meta.region_name)

    async def _along(
        self, name: str, one: Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
    ) -> None:
        await _together([one(entry) for entry in _entries(self._parameters.get(name))])

    async def _also(self, entry: Mapping[str, Any], reply: dict[str, Any]) -> dict[str, Any]:
        answer, _ = await self._ask(entry)
        reply[str(entry["into"])] = _result(answer, entry)
        return reply

    async def _each(self, entry: Mapping[str, Any], reply: dict[str, Any]) -> dict[str, Any]:
        values = _unique(_narrowed(reply, str(entry["values"])))
        self._left_out += max(0, len(values) - MOST_VALUES)

        async def one(value: Any) -> dict[str, Any]:
            answer, _ = await self._ask(entry, value)
            result = _result(answer, entry)
            inner = result if isinstance(result, dict) else {"result": result}
            return {"value": value, "found": answer.missing is None, **inner}

        found = await _together([one(value) for value in values[:MOST_VALUES]])
        reply[str(entry["into"])] = found
        return reply


async def _together(waits: list[Awaitable[Any]]) -> list[Any]:
    """What all of these give; the first that fails ends the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


def _result(answer: calls.Answer, entry: Mapping[str, Any]) -> Any:
    if answer.missing is not None:
        return {"found": False, **answer.missing}
    return _narrowed(answer.reply, entry.get("query"))


def _narrowed(reply: dict[str, Any], query: Any) -> Any:
    if not query:
        return reply
    import jmespath

    try:
        return jmespath.search(str(query), reply, options=options())
    except Exception as error:  # wrong types in the reply, as the query sees it
        told = " ".join(str(error).split())[:200]
        raise ProbeError("protocol", f"the query does not fit AWS's reply: {told}") from None


def _given(entry: Mapping[str, Any]) -> dict[str, Any]:
    given = entry.get("parameters")
    table = dict(given) if isinstance(given, Mapping) else {}
    if isinstance(entry.get("parameter"), str):
        table[entry["parameter"]] = "<value>"
    return table


def _unique(values: Any) -> list[Any]:
    """The texts and numbers in a list, each once, in order."""
    entries = values if isinstance(values, list) else [values]
    return list(dict.fromkeys(v for v in entries if isinstance(v, str | int | float)))


def _entries(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
