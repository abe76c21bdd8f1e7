"""What a probe asks of a web target: addresses, headers, credentials, without sending it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from opsdeck.probes._http_url import Address, below, credentials_in, parse_address
from opsdeck.probes.base import ProbeError, Target

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
METHODS = (*SAFE_METHODS, "POST", "PUT", "PATCH", "DELETE")
MOST_REDIRECTS = 10
MOST_INSTANCES = 50
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")
_SECRET_NAME = re.compile(r"auth|cookie|token|secret|api-?key|session|csrf|xsrf", re.IGNORECASE)
_OURS = {
    "host": "use the parameter `host`",
    "content-length": "it is counted",
    "transfer-encoding": "it is chosen by the probe",
    "connection": "it is chosen by the probe",
    "upgrade": "probes speak HTTP/1.1 only",
    "expect": "it is chosen by the probe",
}


class Request(NamedTuple):
    """What is asked. Headers and body go to the origin of the address and nowhere else."""

    method: str
    address: Address
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    host: str = ""
    """What the Host header says instead of the address."""
    redirects: int = 5

    @property
    def origin(self) -> str:
        """The Origin header that is sent; "" for none."""
        return next((v for name, v in self.headers.items() if name.lower() == "origin"), "")


def header_problem(name: str, value: Any) -> str | None:
    """Why a header cannot be sent, or None."""
    if not _NAME.fullmatch(name):
        return f"{name!r} is no header name"
    if name.lower() in _OURS:
        return f"{name} cannot be set: {_OURS[name.lower()]}"
    if isinstance(value, bool) or not isinstance(value, str | int):
        return f"{name} must be a string"
    if not _VALUE.fullmatch(str(value)):
        return f"{name} has control characters in its value"
    return None


def base_of(target: Target) -> Address | None:
    """The target's own address; None where it has no `url`."""
    if not target.name or "url" not in target.values:
        return None
    return _parsed(target, target.text("url"))


def instances_of(target: Target) -> list[Address | None]:
    """The target's `instances`, addresses that are its own as much as its `url` is; where it
    names none, only that (None). One that is named twice is one."""
    found = target.values.get("instances") or [None]
    if not isinstance(found, list):
        raise ProbeError("missing", f"instances of target {target.name} must be a list of urls")
    parsed = [None if url is None else _parsed(target, str(url)) for url in found[:MOST_INSTANCES]]
    return list(dict.fromkeys(parsed))


def request_of(
    target: Target, parameters: Mapping[str, Any], instance: Address | None = None
) -> Request:
    """The request that these parameters mean, at an instance of the target where one is given.

    Raises ProbeError (missing) for what the target lacks. The target's headers and credentials
    are part of it only where it goes to the target's own origin.
    """
    base = instance or base_of(target)
    address = _address(target, parameters, base)
    own = base is not None and address.origin == base.origin
    headers = _headers(target, parameters, own=own)
    body = parameters.get("body")
    if body is not None and not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)
        if "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
    return Request(
        method=str(parameters.get("method", "GET")),
        address=address,
        headers=headers,
        body=body.encode("utf-8", "replace") if body is not None else None,
        host=str(parameters.get("host", "")),
        redirects=int(parameters.get("redirects", 5)),
    )


def _address(target: Target, parameters: Mapping[str, Any], base: Address | None) -> Address:
    url = parameters.get("url")
    path = str(parameters.get("path") or "/")
    if url is None and re.match(r"https?://", path, re.IGNORECASE):
        url = path
    if url is not None:
        return _parsed(target, str(url))
    if base is None:
        target.text("url")  # says that it is missing
        raise ProbeError("missing", "the probe has neither a url nor a target with one")
    return below(base, path)


def _parsed(target: Target, url: str) -> Address:
    userinfo = credentials_in(url)
    if userinfo is not None:
        target.hide(userinfo[1])
    try:
        return parse_address(url)
    except ValueError as error:
        where = f" of target {target.name}" if target.name else ""
        raise ProbeError("missing", f"the url{where} is wrong: {error}") from None


def _headers(target: Target, parameters: Mapping[str, Any], *, own: bool) -> dict[str, str]:
    given = {str(name): str(value) for name, value in dict(parameters.get("headers") or {}).items()}
    names = {name.lower() for name in given}
    headers: dict[str, str] = {}
    if own and not parameters.get("anonymous"):
        headers = {n: v for n, v in _target_headers(target).items() if n.lower() not in names}
    if parameters.get("auth"):
        if not own:
            raise ProbeError(
                "missing",
                f"auth = true sends credentials to the url of target {target.name or 'NAME'} only:"
                " use a path of it",
            )
        headers = {n: v for n, v in headers.items() if n.lower() != "authorization"}
        headers["Authorization"] = _authorization(target)
    headers.update(given)
    if parameters.get("lookalike"):
        headers["Origin"] = lookalike_of(str(parameters["lookalike"]))
    for name, value in headers.items():
        for secret in _secrets_in(name.lower(), value):
            target.hide(secret)
    return headers


def lookalike_of(origin: str) -> str:
    """An origin that ends like this one and belongs to somebody else: that of
    `https://www.example.com` is `https://strangerexample.com`."""
    scheme, _, host = origin.partition("://")
    return f"{scheme}://stranger{'.'.join(host.split('.')[-2:])}"


def _secrets_in(name: str, value: str) -> list[str]:
    """What of a header must not be shown."""
    if name == "cookie":
        return [pair.partition("=")[2].strip() for pair in value.split(";")]
    if name in ("authorization", "proxy-authorization"):
        return [value.partition(" ")[2] or value]
    return [value] if _SECRET_NAME.search(name) else []


def _target_headers(target: Target) -> dict[str, str]:
    found = target.values.get("headers") or {}
    if not isinstance(found, Mapping):
        raise ProbeError("missing", f"headers of target {target.name} must be a table")
    for name, value in found.items():
        if problem := header_problem(str(name), value):
            raise ProbeError("missing", f"headers of target {target.name}: {problem}")
    return {str(name): str(value) for name, value in found.items()}


def _authorization(target: Target) -> str:
    values = target.values
    if values.get("token"):
        target.hide(target.text("token"))
        return f"Bearer {target.text('token')}"
    userinfo = credentials_in(str(values.get("url", "")))
    if values.get("username"):
        userinfo = target.text("username"), str(values.get("password", ""))
    if userinfo is None:
        raise ProbeError(
            "missing",
            f'target {target.name} has no token and no username: add token = "${{VARIABLE}}"'
            f" to [targets.{target.name}]",
        )
    target.hide(userinfo[1])
    pair = base64.b64encode(":".join(userinfo).encode("utf-8", "replace")).decode()
    target.hide(pair)
    return f"Basic {pair}"
