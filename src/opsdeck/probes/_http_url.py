"""Addresses of the web: where a request goes, without anything secret in it."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

PORTS = {"http": 80, "https": 443}
LONGEST = 8_192
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_KEPT = "/?:@!$&'()*+,;=%~[]"


class Address(NamedTuple):
    """One http or https address: all of it ASCII, never with user name or password."""

    scheme: str
    host: str
    """A name in ASCII, or an IP address without brackets."""
    port: int
    target: str
    """Path and query, percent-encoded."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """What decides whether two addresses belong together."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """As in a Host header: the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def place(self) -> str:
        """`HOST:PORT`, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def text(self) -> str:
        """The address as people write it."""
        return f"{self.scheme}://{self.netloc}{self.target}"


def parse_address(text: str) -> Address:
    """The address that a text says; raises ValueError in words that complete `URL is wrong: `."""
    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text):,} characters; at most {LONGEST:,} fit")
    parts = urlsplit(text.strip())
    if parts.scheme not in PORTS:
        raise ValueError(
            f"it is a {parts.scheme}: address; only http and https are looked at"
            if parts.scheme
            else "it begins with neither http:// nor https://"
        )
    if not parts.hostname:
        raise ValueError("it names no host")
    try:
        port = PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("its port is not a number from 1 to 65535")
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    return Address(parts.scheme, _host(parts.hostname), port, _encoded(target))


def credentials_in(text: str) -> tuple[str, str] | None:
    """User name and password in front of the host, or None."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return None
    if parts.username is None and parts.password is None:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def below(base: Address, path: str) -> Address:
    """The address of a path below a base: `/health` below `https://host/app` is `/app/health`."""
    folder = base.target.partition("?")[0].rstrip("/")
    return base._replace(target=_encoded(f"{folder}/{path.lstrip('/')}"))


NOWHERE = "opsdeck-no-such-page"
"""The name of a page that cannot exist."""


def beside(address: Address) -> Address:
    """A page that cannot exist, in the folder of an address: `/api/health` -> `/api/NOWHERE`."""
    folder = address.target.partition("?")[0].rstrip("/").rpartition("/")[0]
    return address._replace(target=f"{folder}/{NOWHERE}")


def is_absolute(location: str) -> bool:
    """Whether a Location says a host of its own."""
    return re.match(r"(https?:)?//", location.strip(), re.IGNORECASE) is not None


def same_site(base: Address, location: str) -> bool:
    """Whether a Location leads to the same host, with or without `www.` before it."""
    try:
        found = followed(base, location)
    except ValueError:
        return False
    return found.host.removeprefix("www.") == base.host.removeprefix("www.")


def followed(base: Address, location: str) -> Address:
    """Where a Location header leads to; raises ValueError as `parse_address` does."""
    if len(location) > LONGEST:
        raise ValueError(f"it has {len(location):,} characters; at most {LONGEST:,} fit")
    return parse_address(urljoin(base.text, location.strip()))


def _encoded(target: str) -> str:
    return quote(target.partition("#")[0], safe=_KEPT, errors="replace")


def _host(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        ascii_host = host.encode("ascii" if host.isascii() else "idna").decode("ascii")
    except UnicodeError:
        raise ValueError("its host is no name that can be looked up") from None
    if len(ascii_host) > 253 or not _NAME.fullmatch(ascii_host):
        raise ValueError("its host is no name that can be looked up")
    return ascii_host.lower()
