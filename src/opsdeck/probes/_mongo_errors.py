"""What PyMongo raises -> a cause and one sentence an operator can act on."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any

from opsdeck.probes._mongo_uri import Uri
from opsdeck.probes.base import ProbeError

_AUTH = frozenset({18, 334, 11, 390, 391})
"""AuthenticationFailed, mechanism unavailable, UserNotFound, reauthentication."""

_TIMED_OUT = frozenset({50, 202, 262, 89, 317})
"""MaxTimeMSExpired, network interface and exceeded time limits."""

_NO_NAME = (
    "Name or service not known",
    "name resolution",
    "nodename nor servname",
    "No address associated",
    "getaddrinfo failed",
)
_CUT = ("connection closed", "Connection reset", "Broken pipe", "Connection aborted")

_MONITOR = "give the OpsDeck user the clusterMonitor role, or what `opsdeck doctor` prints"


def explain(error: BaseException, uri: Uri, *, what: str = "", known: Any = None) -> ProbeError:
    """The ProbeError for an exception of the driver.

    `what` is the command under way; `known` the client's topology description, which knows why
    each host did not answer.
    """
    if isinstance(error, ProbeError):
        return error
    code = getattr(error, "code", None)
    if uri.srv and type(error).__name__ == "ConfigurationError":
        said = _first_sentence(error)
        if any(words in said for words in ("DNS", "resolution lifetime", "nameservers")):
            return unresolved(uri, said.partition(": Server")[0])
    if type(error).__name__ == "ServerSelectionTimeoutError":
        below = _of_hosts(known)
        if below is None:  # some host answers, and still nobody could be asked
            return _nobody(uri, known)
        found = next((e for b in below or [error] if (e := _of_network(b, uri))), None)
        return found or _nobody(uri, known)
    if isinstance(code, int):
        return _of_server(code, error, uri, what)
    return _of_network(error, uri) or _of_client(error, uri)


def silent(uri: Uri, seconds: float) -> ProbeError:
    """No answer from any host."""
    return ProbeError(
        "timeout",
        f"no answer from {uri.where} within {seconds:.2g} s: is a firewall or access list in"
        " between, or the server hung?",
    )


def unresolved(uri: Uri, why: str = "the resolver gives no answer") -> ProbeError:
    """The name leads nowhere."""
    record = "the SRV record of " if uri.srv else ""
    return ProbeError("dns", f"{record}{uri.where} could not be resolved: {why}")


def _of_hosts(known: Any) -> list[BaseException] | None:
    """Why each host did not answer, from the driver's own notes; None where one did."""
    servers = list(known.server_descriptions().values()) if known is not None else []
    if any(server.server_type_name != "Unknown" for server in servers):
        return None
    return [server.error for server in servers if server.error is not None]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def _of_network(error: BaseException, uri: Uri) -> ProbeError | None:
    """What went wrong below the protocol, if that is where it went wrong.

    By the words as well as by the types: what the driver keeps of a host's failure is text.
    """
    where = uri.where
    for each in _chain(error):
        name, text = type(each).__name__, str(each).partition(" (configured timeouts")[0]
        if "handshake operation timed out" in text:
            return ProbeError(
                "timeout",
                f"no answer from {where} to the TLS handshake: does it speak TLS, or is it hung?",
            )
        if isinstance(each, FileNotFoundError | PermissionError):
            return ProbeError("missing", f"a file of the target cannot be read: {text[:200]}")
        if isinstance(each, ssl.SSLError) or "SSL" in text or "certificate" in text:
            return _of_tls(each, text, where)
        if isinstance(each, socket.gaierror) or any(words in text for words in _NO_NAME):
            return unresolved(uri, "there is no such name, or no resolver")
        if isinstance(each, ConnectionRefusedError) or "refused" in text.lower():
            return ProbeError(
                "refused", f"nothing listens at {where} (connection refused): is mongod running?"
            )
        if isinstance(each, TimeoutError) or name == "NetworkTimeout" or "timed out" in text:
            return ProbeError(
                "timeout",
                f"no answer from {where}: is a firewall or access list in between, or the"
                " server hung?",
            )
        if name in ("ProtocolError", "InvalidBSON", "error"):
            return ProbeError("protocol", f"{where} answers, but does not speak MongoDB's protocol")
        if isinstance(each, ConnectionError) or any(words in text for words in _CUT):
            hint = "" if uri.tls else ": does it want TLS (tls=true)?"
            return ProbeError("protocol", f"{where} closed the connection{hint}")
        if (isinstance(each, OSError) and each.errno is not None) or "[Errno" in text:
            return ProbeError("unreachable", f"{where} cannot be reached: {text[-120:]}")
    return None


def _of_tls(error: BaseException, text: str, where: str) -> ProbeError:
    if any(words in text for words in ("WRONG_VERSION", "record layer", "EOF occurred")):
        return ProbeError(
            "tls", f"{where} does not answer in TLS, and the URI asks for it: see tls in the URI"
        )
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        reason = text.partition("verify failed:")[2].partition(" (_ssl")[0].strip()
        return ProbeError(
            "tls",
            f"the certificate of {where} is not trusted ({reason or 'no reason given'}): a CA of"
            " your own goes into ca of the target",
        )
    reason = getattr(error, "reason", None) or text.partition("SSL")[2][:120] or text[:120]
    return ProbeError("tls", f"the TLS handshake with {where} failed: {reason}")


def _of_server(code: int, error: BaseException, uri: Uri, what: str) -> ProbeError:
    """The server answered, with an error."""
    said = _first_sentence(error)
    atlas = code == 8000  # of Atlas, for whatever it does not allow
    if code in _AUTH or (atlas and "auth" in said.lower()):
        source = uri.option("authsource") or uri.database or "admin"
        return ProbeError(
            "auth",
            f"user {uri.user or '(none)'} was refused by {uri.where} (authSource {source}):"
            " is the password current, and authSource the database of the user?",
        )
    if atlas:
        return ProbeError("rights", f"Atlas does not allow {what or 'this'} here: {said[:200]}")
    if code == 13:
        if not uri.userinfo and "authentication" in said:
            return ProbeError(
                "auth", f"{uri.where} requires authentication, and the URI names no user"
            )
        return ProbeError("rights", f"{said[:200]}: {_MONITOR}")
    if code in _TIMED_OUT:
        return ProbeError("timeout", f"{uri.where} did not finish {what or 'in time'}: {said}")
    if code == 59:
        return ProbeError("missing", f"{uri.where} does not know this: {said}")
    return ProbeError("missing", f"{uri.where} does not accept {what or 'this'}: {said}")


def _of_client(error: BaseException, uri: Uri) -> ProbeError:
    """The driver would not even try."""
    name, said = type(error).__name__, _first_sentence(error)
    if name == "ConfigurationError" and "wire version" in said:
        return ProbeError("protocol", f"{uri.where} is not a MongoDB this driver can talk to")
    if name in ("ConfigurationError", "InvalidURI", "ValueError", "TypeError"):
        return ProbeError("missing", f"the MongoDB URI cannot be used: {said}")
    if name in ("OverflowError", "RecursionError", "KeyError", "AttributeError", "IndexError"):
        return ProbeError("protocol", f"{uri.where} gave an answer that makes no sense")
    return ProbeError("protocol", f"{uri.where}: {said or name}")


def _nobody(uri: Uri, known: Any) -> ProbeError:
    """Hosts may be known, but none of them is one that could be asked."""
    name = uri.option("replicaset")
    if name is not None and known is not None and not known.server_descriptions():
        return ProbeError(
            "missing", f"{uri.where} answers, but is not in the replica set {name}: see replicaSet"
        )
    kinds = {s.server_type_name for s in known.server_descriptions().values()} if known else set()
    if kinds - {"Unknown"}:
        return ProbeError(
            "unreachable", f"no member at {uri.where} can be read from ({', '.join(sorted(kinds))})"
        )
    return ProbeError("timeout", f"no answer from {uri.where}")


def _first_sentence(error: BaseException) -> str:
    """What the error says, without the driver's appendix."""
    details = getattr(error, "details", None)
    said = details.get("errmsg") if isinstance(details, dict) else None
    text = said if isinstance(said, str) else str(error)
    for mark in (", full error:", " (configured timeouts", ", Timeout:", ", Topology"):
        text = text.partition(mark)[0]
    return text.encode("utf-8", "replace").decode()[:240]
