"""What a MongoDB connection string says, read without a driver and without the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from opsdeck.probes.base import Document

PORT = 27017

_SCHEMES = {"mongodb://": False, "mongodb+srv://": True}

_FOR_THE_PROBE = frozenset(
    {
        "authsource",
        "authmechanism",
        "authmechanismproperties",
        "tls",
        "ssl",
        "tlsinsecure",
        "tlsallowinvalidcertificates",
        "tlsallowinvalidhostnames",
        "tlscafile",
        "tlscertificatekeyfile",
        "tlscertificatekeyfilepassword",
        "tlscrlfile",
        "tlsdisableocspendpointcheck",
        "replicaset",
        "directconnection",
        "loadbalanced",
        "readpreference",
        "readpreferencetags",
        "maxstalenessseconds",
        "readconcernlevel",
        "srvservicename",
        "srvmaxhosts",
    }
)
"""Options the probe's own client takes over; pool sizes and timeouts are those of the service."""

_SECRET = frozenset({"tlscertificatekeyfilepassword", "authmechanismproperties"})
_FILES = frozenset({"tlscafile", "tlscertificatekeyfile", "tlscrlfile"})

_WHOLE = {
    "maxpoolsize": "max_pool_size",
    "minpoolsize": "min_pool_size",
    "maxconnecting": "max_connecting",
    "maxidletimems": "max_idle_time_ms",
    "waitqueuetimeoutms": "wait_queue_timeout_ms",
    "serverselectiontimeoutms": "server_selection_timeout_ms",
    "connecttimeoutms": "connect_timeout_ms",
    "sockettimeoutms": "socket_timeout_ms",
    "timeoutms": "timeout_ms",
    "maxstalenessseconds": "max_staleness_s",
    "wtimeoutms": "w_timeout_ms",
}
_FLAGS = {
    "tls": None,
    "ssl": None,
    "retrywrites": True,
    "retryreads": True,
    "directconnection": False,
    "loadbalanced": False,
    "journal": None,
    "tlsinsecure": False,
    "tlsallowinvalidcertificates": False,
    "tlsallowinvalidhostnames": False,
}


class Uri(NamedTuple):
    """A connection string taken apart; `options` have lower-case names, in their order."""

    srv: bool
    userinfo: str
    """As written, percent-encoded; "" without credentials."""
    hosts: tuple[str, ...]
    """`host:port` each; for `mongodb+srv` the one name whose SRV records count."""
    database: str
    options: tuple[tuple[str, str], ...]

    def option(self, name: str) -> str | None:
        """The value of an option (lower-case name), percent-decoded; None when it is not there."""
        found = [value for key, value in self.options if key == name]
        return unquote(found[-1]) if found else None

    def flag(self, name: str) -> bool | None:
        """A boolean option, or what drivers assume without it (None: no option of that name)."""
        given = self.option(name)
        return _FLAGS.get(name) if given is None else given == "true"

    @property
    def user(self) -> str:
        """The user's name; "" without one."""
        return unquote(self.userinfo.partition(":")[0])

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted: asked for, or implied by `mongodb+srv`."""
        asked = self.flag("tls") if self.option("tls") is not None else self.flag("ssl")
        return self.srv if asked is None else asked

    @property
    def where(self) -> str:
        """The hosts as a message names them."""
        more = len(self.hosts) - 3
        return ", ".join(self.hosts[:3]) + (f" and {more} more" if more > 0 else "")


def secrets_in(text: str) -> Iterator[str]:
    """What must never be shown of a connection string, however badly it is written."""
    rest = text.partition("://")[2] or text
    userinfo, at, tail = rest.rpartition("@")
    if at:
        password = userinfo.partition(":")[2]
        yield from {password, unquote(password)} - {""}
    for pair in tail.partition("?")[2].replace(";", "&").split("&"):
        key, _, value = pair.partition("=")
        if key.lower() in _SECRET and value:
            yield from {value, unquote(value)}


def parse(text: str) -> Uri:
    """The connection string's parts; raises ValueError that says what is wrong, and no more.

    The message never quotes what stands where a host or a password should: with an unescaped
    character in the password it may be part of it.
    """
    scheme = next((s for s in _SCHEMES if text.startswith(s)), None)
    if scheme is None:
        raise ValueError("it must begin with mongodb:// or mongodb+srv://")
    before, _, query = text[len(scheme) :].partition("?")
    authority, _, database = before.partition("/")
    userinfo, at, names = authority.rpartition("@")
    if "@" in userinfo or userinfo.count(":") > 1 or "@" in database:
        raise ValueError(
            "its user name or password has a special character as it is: write @ : / ? # %"
            " as %40 %3A %2F %3F %23 %25"
        )
    if at and not userinfo.partition(":")[0]:
        raise ValueError("there is an @ but no user name before it")
    srv = _SCHEMES[scheme]
    hosts = tuple(_host(name, srv) for name in names.split(","))
    if srv and len(hosts) != 1:
        raise ValueError("mongodb+srv:// takes exactly one host name")
    if "/" in database or " " in database:
        raise ValueError("its database name has a slash or a blank in it")
    return Uri(srv, userinfo, hosts, unquote(database), tuple(_options(query)))


def _host(name: str, srv: bool) -> str:
    if not name:
        raise ValueError("a host name is missing (nothing before a comma or the slash)")
    if name.lower().endswith(".sock") and not srv:
        return unquote(name)
    address, bracket, rest = name.rpartition("]")
    host, port = (address + bracket, rest[1:]) if bracket else _split(name)
    if bracket and rest and not rest.startswith(":"):
        raise ValueError("something stands between ] and the port of a host")
    if not bracket and ":" in host:
        raise ValueError("an IPv6 address must stand in [brackets]")
    if not host or any(c in host for c in "@/ "):
        raise ValueError("a host has no name, or a blank or a slash in it")
    if srv:
        if port:
            raise ValueError("mongodb+srv:// takes a host name without a port")
        return host.lower()
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise ValueError("the port of a host is not a number from 1 to 65535")
    return f"{host.lower()}:{port or PORT}"


def _split(name: str) -> tuple[str, str]:
    host, colon, port = name.rpartition(":")
    return (host, port) if colon else (name, "")


def _options(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.replace(";", "&").split("&"):
        if not pair:
            continue
        key, equals, value = pair.partition("=")
        name = unquote(key).lower()
        if not equals or not value:
            raise ValueError(f"its option {name[:40]} has no value")
        if name in _FLAGS and value not in ("true", "false"):
            raise ValueError(f"its option {name} must be true or false")
        if name in _WHOLE and not value.lstrip("-").isdecimal():
            raise ValueError(f"its option {name} must be a whole number")
        yield name, value


def pool(uri: Uri) -> Document:
    """The options as a service's driver takes them, with what drivers assume where that is fixed.

    A size or timeout that the string does not give is None.
    """
    known: Document = {
        label: int(given) if (given := uri.option(name)) is not None else None
        for name, label in _WHOLE.items()
    }
    w = uri.option("w")
    shown = {*_WHOLE, *_FLAGS, *_SECRET, "w", "replicaset", "readpreference", "authsource"}
    return {
        **known,
        "hosts": list(uri.hosts),
        "host_count": len(uri.hosts),
        "srv": uri.srv,
        "replica_set": uri.option("replicaset"),
        "database": uri.database or None,
        "user": uri.user or None,
        "auth_source": uri.option("authsource"),
        "tls": uri.tls,
        "tls_verified": uri.tls
        and not any(uri.flag(name) for name in _FLAGS if name.startswith("tls") and name != "tls"),
        "retry_writes": uri.flag("retrywrites"),
        "retry_reads": uri.flag("retryreads"),
        "direct_connection": uri.flag("directconnection"),
        "read_preference": uri.option("readpreference") or "primary",
        "w": int(w) if w is not None and w.isdecimal() else w,
        "journal": uri.flag("journal"),
        "options": {key: unquote(value) for key, value in uri.options if key not in shown},
    }


def for_client(uri: Uri, folder: Path) -> str:
    """The string for the probe's own client: who, where and how encrypted, nothing of the pool.

    Files are meant relative to `folder`. A read preference of `primary` is left to the client's
    own, so that a set without a primary can still say so.
    """
    kept: list[str] = []
    for key, value in uri.options:
        if key not in _FOR_THE_PROBE or (key == "readpreference" and value == "primary"):
            continue
        if key in _FILES:
            value = quote(str(folder / Path(unquote(value)).expanduser()), safe="/")
        kept.append(f"{key}={value}")
    scheme = "mongodb+srv://" if uri.srv else "mongodb://"
    credentials = f"{uri.userinfo}@" if uri.userinfo else ""
    hosts = ",".join(quote(h, safe="") if h.endswith(".sock") else h for h in uri.hosts)
    return f"{scheme}{credentials}{hosts}/{quote(uri.database)}?{'&'.join(kept)}"
