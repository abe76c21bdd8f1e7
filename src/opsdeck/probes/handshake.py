"""TLS handshakes that verify, and ones that only look; contexts are made once, off the loop."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from pathlib import Path
from typing import NamedTuple

from opsdeck.probes.address import Address
from opsdeck.probes.base import ProbeError
from opsdeck.probes.blocking import in_thread


class Handshake(NamedTuple):
    """What was agreed, and the certificate that was shown (DER)."""

    protocol: str | None
    cipher: str | None
    certificate: bytes
    chain_length: int | None
    """Certificates the server sent; None where this Python cannot say."""


_lock = threading.Lock()
_SYSTEM = ("", 0, 0)
_contexts: dict[tuple[str, int, int], ssl.SSLContext] = {}
"""By CA file, its time and size; `_SYSTEM` without one."""


async def verifying(ca: Path | None) -> ssl.SSLContext:
    """A context that trusts what this machine trusts, and the CA file if there is one.

    Kept until the file changes; raises ProbeError `missing` when the file cannot be used.
    """
    if ca is None and (context := _contexts.get(_SYSTEM)) is not None:
        return context
    return await in_thread(lambda: _verifying(ca))


def looking(*, old_only: bool = False) -> ssl.SSLContext:
    """A context that accepts any certificate, however weak; with `old_only` TLS 1.0 and 1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if old_only:
        with warnings.catch_warnings():  # asking whether they are refused is no use of them
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def shake(sock: socket.socket, context: ssl.SSLContext, name: str, timeout_s: float) -> Handshake:
    """Do the handshake on a connected socket, within a time in all, then drop the connection.

    For a thread: fifty handshakes on the event loop would hold it up for a tenth of a second.
    Raises TimeoutError, ssl.SSLError and OSError as they come.
    """
    with sock:
        sock.settimeout(max(timeout_s, 0.001))
        with context.wrap_socket(sock, server_hostname=name) as secure:
            cipher = secure.cipher()
            return Handshake(
                secure.version(),
                cipher[0] if cipher else None,
                secure.getpeercert(binary_form=True) or b"",
                _chain_length(secure),
            )


def no_handshake(address: Address, name: str, error: Exception) -> ProbeError:
    """Why there was no handshake, in words an operator can act on."""
    reason = (getattr(error, "reason", None) or "").upper()
    if reason in _NO_TLS:
        words = f"{address} does not speak TLS: is it the right port, and is TLS configured there?"
    elif "PROTOCOL" in reason and ("VERSION" in reason or "UNSUPPORTED" in reason):
        words = f"{address} offers no TLS 1.2 or newer: enable TLS 1.2 and 1.3 there"
    elif "UNRECOGNIZED_NAME" in reason:
        words = f"{address} serves no host named {name}: check its server name configuration"
    elif "HANDSHAKE_FAILURE" in reason or "CERTIFICATE_REQUIRED" in reason:
        words = (
            f"{address} refuses the TLS handshake: no cipher in common,"
            " or it wants a client's certificate"
        )
    elif isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        known = reason.replace("_", " ").lower() or "handshake failed"
        words = f"{address} fails the TLS handshake ({known:.100}): look at the server's log"
    else:
        words = (
            f"{address} closes the connection during the TLS handshake:"
            " does it speak TLS, and is this machine let in?"
        )
    return ProbeError("tls", words)


_NO_TLS = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "BAD_RECORD_TYPE",
        "UNEXPECTED_MESSAGE",
        "RECORD_TOO_SMALL",
    }
)


def _verifying(ca: Path | None) -> ssl.SSLContext:
    try:
        stat = ca.stat() if ca is not None else None
        key = (str(ca), stat.st_mtime_ns, stat.st_size) if stat is not None else _SYSTEM
        with _lock:  # fifty looks that begin together read the machine's CAs once
            context = _contexts.get(key)
            if context is None:
                context = ssl.create_default_context()
                context.hostname_checks_common_name = False  # browsers have long ignored it
                if ca is not None:
                    context.load_verify_locations(ca)
                _contexts[key] = context
    except (OSError, ValueError) as error:
        gone = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
        why = error.strerror if gone and isinstance(error, OSError) else "no PEM certificate in it"
        raise ProbeError("missing", f"the CA file {ca} cannot be used ({why})") from None
    return context


def _chain_length(agreed: ssl.SSLSocket) -> int | None:
    """Public since Python 3.13; in 3.11 and 3.12 only the object inside has it."""
    for holder in (agreed, getattr(agreed, "_sslobj", None)):
        get = getattr(holder, "get_unverified_chain", None)
        if get is not None:
            return len(get() or ())
    return None
