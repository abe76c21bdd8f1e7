"""Pools of connections, one a target and way to go (plain, TLS, through a proxy).

This module imports httpcore, so it is imported by looks only, off the event loop.
"""

from __future__ import annotations

import importlib.util
import ssl
import sys
from collections.abc import Callable, Mapping
from urllib import request as urllib_request

import httpcore

from opsdeck.probes._http_net import Backend
from opsdeck.probes._http_url import Address, credentials_in, parse_address
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.blocking import import_module, in_thread

MOST_CONNECTIONS = 256
MOST_KEPT = 32
KEPT_FOR_S = 15.0

if importlib.util.find_spec("sniffio") is None:
    # httpcore tries to import it several times a request; None says at once that it is not there.
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


async def pool_for(target: Target, address: Address) -> httpcore.AsyncConnectionPool:
    """The pool whose connections lead to an address; shared by all looks at the target."""
    proxy = _proxy_url(target.environ, address)
    key = f"http pool {address.scheme} {proxy or 'direct'}"
    return await target.shared(key, lambda: _pool(target, address.scheme, proxy))


async def _pool(target: Target, scheme: str, proxy: str | None) -> httpcore.AsyncConnectionPool:
    # With a context of its own the pool never makes one on the event loop (50 ms).
    secure = scheme == "https" or (proxy or "").startswith("https:")
    context = await target.shared("http tls context", lambda: _context(target)) if secure else None
    pool = httpcore.AsyncConnectionPool(
        ssl_context=context,
        proxy=_proxy(target, proxy, context) if proxy else None,
        max_connections=MOST_CONNECTIONS,
        max_keepalive_connections=MOST_KEPT,
        keepalive_expiry=KEPT_FOR_S,
        network_backend=Backend(),
    )
    target.on_close(pool.aclose)
    return pool


async def _context(target: Target) -> ssl.SSLContext:
    ca = target.values.get("ca")
    path = target.path(str(ca)) if ca else None
    paths = ssl.get_default_verify_paths()
    bundled = None
    if not paths.cafile and not paths.capath:  # this Python has no system store to go by
        bundled = (await import_module("certifi")).where()

    def make() -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=bundled)
        if path is not None:
            try:
                context.load_verify_locations(cafile=path)
            except OSError as error:
                reason = None if isinstance(error, ssl.SSLError) else error.strerror
                raise ProbeError(
                    "missing",
                    f"the ca of target {target.name} cannot be read: {path.name}:"
                    f" {reason or 'it holds no certificate in PEM form'}",
                ) from error
        return context

    return await in_thread(make)


def _proxy_url(environ: Mapping[str, str], address: Address) -> str | None:
    """The proxy that the environment names for an address, as curl and browsers read it."""
    proxies: dict[str, str] = {}
    for name, value in environ.items():  # lower case wins
        if name.lower().endswith("_proxy") and value:
            kind = name.lower()[: -len("_proxy")]
            if name.islower() or kind not in proxies:
                proxies[kind] = value
    if not (proxies.keys() & {address.scheme, "all"}):
        return None
    if _bypassed(f"{address.host}:{address.port}", proxies):
        return None
    found = proxies.get(address.scheme) or proxies["all"]
    return found if "://" in found else f"http://{found}"


def _bypassed(place: str, proxies: dict[str, str]) -> bool:
    """Whether NO_PROXY names the place."""
    bypass: Callable[..., object] = urllib_request.proxy_bypass_environment  # type: ignore[attr-defined]
    return bool(bypass(place, proxies))


def _proxy(target: Target, url: str, context: ssl.SSLContext | None) -> httpcore.Proxy:
    userinfo = credentials_in(url)
    if userinfo is not None:
        target.hide(userinfo[1])
    scheme = url.partition("://")[0].lower()
    try:
        address = parse_address(f"http://{url.partition('://')[2]}")
    except ValueError as error:
        raise ProbeError(
            "missing", f"the proxy that the environment names is wrong: {error}"
        ) from None
    if scheme not in ("http", "https", "socks5", "socks5h"):
        raise ProbeError("missing", f"proxies of kind {scheme} are not supported: use http")
    where = httpcore.URL(scheme=scheme, host=address.host, port=address.port, target="/")
    return httpcore.Proxy(where, auth=userinfo, ssl_context=context if scheme == "https" else None)
