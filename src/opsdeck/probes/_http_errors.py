"""What goes wrong on the wire, in words that an operator can act on.

This module imports httpcore, so it is imported by looks only, off the event loop.
"""

from __future__ import annotations

import ssl

import httpcore

from opsdeck.probes._http_body import BadContentError
from opsdeck.probes._http_net import Phase, Stage, TooMuchError
from opsdeck.probes._http_url import Address
from opsdeck.probes.base import ProbeError

_LONGEST_REASON = 160
_CERTIFICATE = {
    9: "is not valid yet: check this machine's clock and the certificate's dates",
    10: "has expired: renew it",
    18: "is self-signed: install one of a known authority, or name it as `ca` of the target",
    19: "comes from an authority this machine does not know: name its certificate as `ca`",
    20: "comes from an authority this machine does not know: is an intermediate certificate"
    " missing in what the server sends? Else name the authority's as `ca` of the target",
    21: "cannot be verified: is an intermediate certificate missing in what the server sends?",
    23: "was revoked: replace it",
    62: "is for another name: add this one to it, or correct the url",
    64: "is for another address: add this one to it, or use a name in the url",
}
"""By OpenSSL's verify codes."""


def out_of_time(phase: Phase, place: str, timeout_s: float) -> ProbeError:
    """No answer in time: where it got stuck."""
    within = f"within {timeout_s:g} s"
    if phase == "resolving":
        host = place.rpartition(":")[0]
        return ProbeError(
            "dns", f"{host} did not resolve {within}: does this machine's resolver answer?"
        )
    if phase == "connecting":
        return ProbeError(
            "timeout",
            f"no answer from {place} {within}: is a firewall or security group in the way?",
        )
    if phase == "securing":
        return ProbeError(
            "timeout", f"{place} took the connection but no TLS came about {within}: is it HTTPS?"
        )
    if phase == "reading":
        return ProbeError("timeout", f"the answer of {place} began but did not end {within}")
    return ProbeError("timeout", f"{place} took the request but did not answer {within}")


def explained(error: Exception, address: Address, stage: Stage) -> ProbeError:
    """What an error of the HTTP client means."""
    place = stage.place or address.place
    if isinstance(error, BadContentError):
        return ProbeError("protocol", f"{place} answered content that is said to be {error}"[:300])
    if isinstance(error, TooMuchError):
        return ProbeError("protocol", f"{place} sent more than 64 KB or 2,000 lines of headers")
    if isinstance(error, httpcore.ProxyError):
        return ProbeError(
            "unreachable", f"the proxy at {place} did not connect to {address.place}: {error}"
        )
    if isinstance(error, httpcore.LocalProtocolError | ValueError):
        return ProbeError("missing", f"the request to {place} cannot be sent: {_short(error)}")
    if stage.phase == "securing":
        return _tls_failure(error, address)
    if isinstance(error, httpcore.RemoteProtocolError):
        return ProbeError("protocol", _nonsense(str(error), place))
    if isinstance(error, httpcore.NetworkError):
        return ProbeError(
            "protocol",
            f"{place} cut the connection {_WHEN[stage.phase]}: see its log and what is before it",
        )
    if isinstance(error, ImportError | RuntimeError):
        return ProbeError("missing", f"the proxy for {place} cannot be used: {_short(error)}")
    return ProbeError("internal", f"asking {place} failed: {type(error).__name__}: {_short(error)}")


_WHEN: dict[Phase, str] = {
    "resolving": "at once",
    "connecting": "at once",
    "securing": "during the TLS handshake",
    "waiting": "before it answered",
    "reading": "in the middle of its answer",
}


def _nonsense(reason: str, place: str) -> str:
    if "disconnected without" in reason:
        return f"{place} closed the connection without an answer: see its log"
    if "closed connection without sending complete" in reason:
        return f"{place} closed the connection in the middle of its answer"
    if "status line" in reason or "request line" in reason:
        return f"{place} answered something that is not HTTP/1: is it the right port?"
    return f"{place} answered malformed HTTP: {reason[:_LONGEST_REASON]}"


def _tls_failure(error: BaseException, address: Address) -> ProbeError:
    found: BaseException | None = error
    while found is not None and not isinstance(found, ssl.SSLError):
        found = found.__cause__ or found.__context__
    if isinstance(found, ssl.SSLCertVerificationError):
        words = _CERTIFICATE.get(found.verify_code, f"does not verify: {found.verify_message}")
        return ProbeError("tls", f"the certificate of {address.place} {words}")
    if found is None or "EOF" in (found.reason or str(found)):
        return ProbeError(
            "tls", f"{address.place} cut the connection during the TLS handshake: is it HTTPS?"
        )
    reason = (found.reason or str(found)).replace("_", " ").lower()
    hint = ": is it HTTPS?" if "wrong version" in reason or "record layer" in reason else ""
    return ProbeError("tls", f"no TLS with {address.place} ({reason[:_LONGEST_REASON]}){hint}")


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_LONGEST_REASON]
