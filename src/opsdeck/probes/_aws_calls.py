"""One AWS operation, carried out page by page in a thread, as JSON."""

from __future__ import annotations

import difflib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from opsdeck.probes._aws_access import Access, left, now
from opsdeck.probes._aws_alarms import with_dimensions, with_facts
from opsdeck.probes._aws_errors import not_found, problem, throttled
from opsdeck.probes._aws_metrics import percent, with_series
from opsdeck.probes._aws_names import refusal
from opsdeck.probes._aws_reply import Reply
from opsdeck.probes._aws_times import filled
from opsdeck.probes.base import ProbeError

_PAUSES = (0.15, 0.3, 0.6)
"""Seconds before a throttled request is sent again."""

_METHODS = frozenset({"GET", "HEAD", "POST"})
_KEYS = frozenset({"secretaccesskey", "sessiontoken", "secretstring", "dbpassword"})
_TOKENS = ("NextToken", "nextToken", "NextPageToken", "nextPageToken", "Marker", "NextMarker")


class Call(NamedTuple):
    """One operation as the catalog names it."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    pages: int
    ratio: Mapping[str, Any] | None = None
    """`{ of, in }`: the ids of two series of metrics, for `percent`."""

    @property
    def name(self) -> str:
        """`service operation`, for messages."""
        return f"{self.service} {self.operation}"


class Answer(NamedTuple):
    """What AWS answered: plain JSON; `missing` where it said that there is no such thing."""

    reply: dict[str, Any]
    pages: int
    complete: bool
    latency_ms: float
    missing: dict[str, str] | None = None


def perform(access: Access, client: Any, call: Call, value: Any = None) -> Answer:
    """Carry the call out; blocks; raises ProbeError."""
    region = str(client.meta.region_name)
    model = _checked(access, client, call)
    moment, begun = now(), time.perf_counter()
    required = set(getattr(model.input_shape, "required_members", ()))
    parameters = {
        key: given
        for key, given in filled(dict(call.parameters), moment, value).items()
        if given not in ("", []) or key in required
    }
    try:
        access.hide()  # they may have been renewed since
        raw, pages, complete = _read(access, client, call, parameters)
    except Exception as error:
        if (missing := not_found(error)) is not None:
            return Answer({}, 0, True, _since(begun), missing)
        raise problem(error, call.service, call.operation, region) from None
    latency_ms = _since(begun)
    try:
        if call.service == "cloudwatch":
            raw = _with_facts(call.operation, raw, moment)
        reply = Reply(moment, call.service).plain(raw, model.output_shape)
    except (RecursionError, TypeError, ValueError, OverflowError):
        raise ProbeError(
            "protocol", f"AWS {call.name} in {region} gave an answer that makes no sense"
        ) from None
    if call.ratio:
        of, within = str(call.ratio.get("of", "")), str(call.ratio.get("in", ""))
        reply["percent"] = percent(reply.get("series", {}), of, within)
    return Answer(reply, pages, complete, latency_ms)


def _with_facts(operation: str, raw: dict[str, Any], moment: datetime) -> dict[str, Any]:
    """A reply of CloudWatch with what people ask of it."""
    if operation in ("GetMetricData", "GetMetricStatistics"):
        return with_series(raw, moment)
    if operation == "DescribeAlarms":
        return with_facts(raw)
    return with_dimensions(raw) if operation == "ListMetrics" else raw


def _since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)


def _checked(access: Access, client: Any, call: Call) -> Any:
    """The operation's model, after the service itself was asked whether it only reads."""
    if (reason := refusal(call.service, call.operation, call.parameters)) is not None:
        raise ProbeError("missing", reason)
    service = client.meta.service_model
    if call.operation not in service.operation_names:
        near = difflib.get_close_matches(call.operation, service.operation_names, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ProbeError("missing", f"AWS {call.service} has no operation {call.operation}{hint}")
    model = service.operation_model(call.operation)
    if model.http.get("method") not in _METHODS:
        raise ProbeError("missing", f"AWS {call.name} is refused: it is a {model.http['method']}")
    if model.has_streaming_output or model.has_event_stream_output:
        raise ProbeError("missing", f"AWS {call.name} is refused: its answer is a stream")
    if _KEYS.intersection(_members(model.output_shape, set())):
        raise ProbeError("missing", f"AWS {call.name} is refused: its answer holds credentials")
    return model


def _members(shape: Any, seen: set[str]) -> Iterator[str]:
    """The names of a shape's members at any depth, in lower case."""
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    for name, member in (getattr(shape, "members", None) or {}).items():
        yield name.lower()
        yield from _members(member, seen)
    for inner in ("member", "value"):
        yield from _members(getattr(shape, inner, None), seen)


def _read(
    access: Access, client: Any, call: Call, parameters: dict[str, Any]
) -> tuple[dict[str, Any], int, bool]:
    """All pages as one reply, how many they were, and whether that is all."""
    method = next(
        python
        for python, name in client.meta.method_to_api_mapping.items()
        if name == call.operation
    )
    send = getattr(client, method)
    paging = _paging(access, client, call)
    whole: dict[str, Any] = {}
    told: list[Any] = []
    for number in range(1, call.pages + 1):
        if left() <= 0:
            raise TimeoutError
        page = patiently(send, parameters)
        if not isinstance(page, dict):
            raise ValueError
        page.pop("ResponseMetadata", None)
        whole = _joined(whole, page, paging) if whole else page
        following = paging.following(page) if paging else None
        if not following:
            return _without_tokens(whole, paging), number, True
        if following in told:
            raise ProbeError("protocol", f"AWS {call.name} gives the same page again and again")
        told.append(following)
        parameters = {**parameters, **following}
    return _without_tokens(whole, paging), call.pages, False


def patiently(send: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    """What AWS answers, asked again after a short pause where it says that it was too much at
    once: many instances are asked after one by one. Whoever asks at the same time waits
    differently long."""
    for pause in (*_PAUSES, None):
        try:
            return send(**parameters)
        except Exception as error:
            wait = None if pause is None else pause * random.uniform(0.5, 1.5)
            if wait is None or wait > left() or not throttled(error):
                raise
            time.sleep(wait)
    return None


class _Paging(NamedTuple):
    """How an operation is paged: JMESPath expressions, as botocore's data gives them."""

    inputs: list[str]
    outputs: list[str]
    more: str | None
    results: list[str]

    def following(self, page: dict[str, Any]) -> dict[str, Any] | None:
        """The parameters of the next page; None after the last."""
        import jmespath

        if self.more is not None and not jmespath.search(self.more, page):
            return None
        tokens = [jmespath.search(output, page) for output in self.outputs]
        found = {key: token for key, token in zip(self.inputs, tokens, strict=False) if token}
        return found or None


def _paging(access: Access, client: Any, call: Call) -> _Paging | None:
    try:
        given = access.pages(call.service).get_paginator(call.operation)
    except Exception:  # no pages, or a service without a file about pages
        return _guessed(client.meta.service_model.operation_model(call.operation))
    return _Paging(
        _many(given["input_token"]),
        _many(given["output_token"]),
        given.get("more_results"),
        _many(given.get("result_key", [])),
    )


def _guessed(model: Any) -> _Paging | None:
    """Pages that botocore's data forgot: the same token goes in and comes out."""
    ins = getattr(model.input_shape, "members", {})
    outs = getattr(model.output_shape, "members", {})
    for token in _TOKENS:
        if token in ins and token in outs:
            results = [name for name, shape in outs.items() if shape.type_name == "list"]
            return _Paging([token], [token], None, results)
    return None


def _many(value: Any) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


def _joined(whole: dict[str, Any], page: dict[str, Any], paging: _Paging | None) -> dict[str, Any]:
    """What was read so far with the lists of one more page behind its own."""
    for path in paging.results if paging else ():
        *parents, last = path.split(".")
        into, source = _below(whole, parents), _below(page, parents)
        if into is None or source is None:
            continue
        old, new = into.get(last), source.get(last)
        if isinstance(old, list) and isinstance(new, list):
            old.extend(new)
        elif old is None and new is not None:
            into[last] = new
    return whole


def _below(table: Any, parents: list[str]) -> dict[str, Any] | None:
    for name in parents:
        table = table.get(name) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None


def _without_tokens(whole: dict[str, Any], paging: _Paging | None) -> dict[str, Any]:
    for output in paging.outputs if paging else ():
        whole.pop(output, None)
    return whole
