"""Where a target listens: host and port out of a probe's parameters or the target's own table."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.blocking import import_module

_PORTS = {
    "http": 80,
    "ws": 80,
    "https": 443,
    "wss": 443,
    "mongodb": 27017,
    "redis": 6379,
    "rediss": 6380,
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "amqp": 5672,
    "amqps": 5671,
}
_PLAIN = {80: 443}
"""Ports that a secure look does not mean when a URL says `http://` and no port."""

_AUTHORITY = re.compile(r"^(?:(?P<user>[^/?@]*)@)?(?P<hosts>[^/?@]+)(?P<rest>[/?].*)?$", re.DOTALL)
_HOST_AND_PORT = re.compile(
    r"^(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^\s\x00-\x1f\[\]:/?#@]+))(?::(?P<port>[^:]*))?$"
)


class Address(NamedTuple):
    """A host (a name or an IP address without brackets) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address_of(
    target: Target,
    parameters: Mapping[str, Any],
    *,
    default_port: int | None = None,
    secure: bool = False,
) -> Address:
    """Where to look: the parameters `host` and `port`, else the target's `url`, `uri` or `host`.

    A port is that of the parameter, else the one written in the address, else the scheme's, else
    `default_port`. A `secure` look at `http://HOST` means port 443. Raises ProbeError `missing`.
    """
    given = parameters.get("host")
    if given is not None:
        host, port = _host_and_port(str(given).strip(), "the parameter host")
    else:
        host, port = _of_target(target, secure=secure)
    wanted = parameters.get("port")
    if wanted is not None:
        port = checked_port(wanted)
    elif port is None:
        port = default_port
    if port is None:
        raise ProbeError("missing", f"no port is given for {host}: add port to the probe")
    return Address(host, port)


def host_of(target: Target, parameters: Mapping[str, Any]) -> str:
    """The host alone, as `address_of` finds it; raises ProbeError `missing`."""
    return address_of(target, parameters, default_port=0).host


def checked_port(value: Any) -> int:
    """A port from a number or digits; raises ProbeError `missing` for anything else."""
    port = None
    if isinstance(value, str) and value.strip().isdigit() and len(value.strip()) <= 5:
        port = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        port = value
    if port is None or not 0 < port < 65536:
        raise ProbeError("missing", f"{value!r:.40} is no port: ports are 1 to 65535")
    return port


def parse_address(text: str, default_port: int | None = None) -> Address:
    """`host:port`, `[::1]:port`, a bare host or a URL; raises ProbeError `missing`."""
    host, port = _host_and_port(text.strip(), "this address")
    port = port or default_port
    if port is None:
        raise ProbeError("missing", f"no port is given for {host}: write {host}:PORT")
    return Address(host, port)


def is_ip(host: str) -> bool:
    """Whether this is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def ascii_host(host: str) -> str:
    """A host as the network knows it: lower case, IDNA, no dot at its end.

    Raises ProbeError `missing` for what can be no name.
    """
    host = host.strip().removesuffix(".")
    name = host.lower()
    if not host.isascii():
        idna = await import_module("idna")
        try:
            name = idna.encode(host, uts46=True).decode("ascii")
        except UnicodeError:
            name = ""
    if len(name) > 253 or not all(0 < len(label) <= 63 for label in name.split(".")):
        raise ProbeError("missing", f"{host!r:.80} can be no host's name: check it")
    return name


def _of_target(target: Target, *, secure: bool) -> tuple[str, int | None]:
    values = target.values
    where = f"target {target.name}" if target.name else "the probe"
    for key in ("url", "uri"):
        text = values.get(key)
        if isinstance(text, str) and text.strip():
            return _of_url(target, text.strip(), f"the {key} of {where}", secure=secure)
    host = values.get("host")
    if isinstance(host, str) and host.strip():
        name, port = _host_and_port(host.strip(), f"the host of {where}")
        own = values.get("port")
        return name, checked_port(own) if own is not None else port
    if not target.name:
        raise ProbeError("missing", "the probe has no host and no target: add host = ... to it")
    raise ProbeError(
        "missing",
        f"target {target.name} has no url, uri or host: add one to [targets.{target.name}]",
    )


def _of_url(target: Target, text: str, what: str, *, secure: bool) -> tuple[str, int | None]:
    """Host and port of a URL; of a MongoDB URI with several hosts, the first."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _host_and_port(text, what)
    scheme = scheme.lower()
    match = _AUTHORITY.match(rest)
    # A password with an unescaped slash ends up before the "@" of the path: show none of it.
    if match is None or "@" in (match["rest"] or "").partition("?")[0]:
        raise ProbeError("missing", f"{what} cannot be read: escape special characters in it")
    _hide_password(target, match["user"])
    if scheme == "mongodb+srv":
        raise ProbeError(
            "missing", f"{what} names a DNS service, not a host: give the probe host and port"
        )
    host, port = _host_and_port(unquote(match["hosts"].split(",")[0]), what)
    if port is None:
        port = _PORTS.get(scheme)
        if secure and port is not None:
            port = _PLAIN.get(port, port)
    return host, port


def _hide_password(target: Target, user: str | None) -> None:
    password = (user or "").partition(":")[2]
    target.hide(password)
    target.hide(unquote(password))


def _host_and_port(text: str, what: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `[v6]`, `[v6]:port`, a bare IPv6 address or a URL, taken apart."""
    if "://" in text:
        return _of_url(Target("", {}), text, what, secure=False)
    if is_ip(text):
        return text, None
    match = _HOST_AND_PORT.match(text)
    if match is None or (match["v6"] and not is_ip(match["v6"])):
        raise ProbeError("missing", f"{what} is not HOST or HOST:PORT: correct it")
    port = match["port"]
    try:
        return match["v6"] or match["name"], checked_port(port) if port else None
    except ProbeError:  # what stands there may be a piece of a password: it is not repeated
        raise ProbeError("missing", f"{what} has no valid port: ports are 1 to 65535") from None
