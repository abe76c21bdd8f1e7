"""What a certificate says of itself, whether or not anybody trusts it."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from opsdeck.probes.address import is_ip
from opsdeck.probes.base import Document, ProbeError

if TYPE_CHECKING:
    from cryptography import x509

MOST_NAMES = 100
LONGEST = 1_000
"""Characters of a name that are kept."""

DAY_S = 86_400


def facts(der: bytes, name: str, now: datetime) -> Document:
    """The facts of a certificate in DER, and whether it covers `name` (an IDNA name or an IP).

    Imports cryptography: call it off the event loop. Raises ProbeError `protocol` for junk.
    """
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(der)
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        subject, issuer = _text(certificate.subject), _text(certificate.issuer)
    except (ValueError, TypeError, OverflowError) as error:
        raise ProbeError(
            "protocol", f"the certificate for {name} cannot be read ({error!s:.120}): reissue it"
        ) from None
    names = _names(certificate)
    return {
        "hostname_matches": covers(names, name),
        "days_left": round((ends - now).total_seconds() / DAY_S, 1),
        "not_before": iso(begins),
        "not_after": iso(ends),
        "valid_days": round((ends - begins).total_seconds() / DAY_S, 1),
        "subject": subject,
        "issuer": issuer,
        "serial": f"{certificate.serial_number:x}",
        "sans": names[:MOST_NAMES],
        "sans_count": len(names),
        "self_signed": _self_signed(certificate),
        **_key(certificate),
        "signature_algorithm": _signature(certificate),
    }


def covers(names: list[str], name: str) -> bool:
    """Whether any subject alternative name covers a name or IP address, as browsers see it."""
    if is_ip(name):
        address = ipaddress.ip_address(name.partition("%")[0])
        return any(is_ip(own) and ipaddress.ip_address(own) == address for own in names)
    return any(_covers(own.lower().removesuffix("."), name.lower()) for own in names)


def _covers(pattern: str, name: str) -> bool:
    """A wildcard stands for exactly one whole label, the first, below a name of two or more."""
    if not pattern.startswith("*."):
        return pattern == name
    parent = pattern[2:]
    return "." in parent and name.partition(".")[2] == parent and not name.startswith(".")


def iso(moment: datetime) -> str:
    """A moment as `2026-11-23T02:31:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(name: x509.Name) -> str:
    return name.rfc4514_string()[:LONGEST]


def _names(certificate: x509.Certificate) -> list[str]:
    """DNS names and IP addresses it is for; none where the extension is missing or broken."""
    from cryptography import x509

    found: list[str] = []
    with suppress(ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        found += [name[:LONGEST] for name in extension.value.get_values_for_type(x509.DNSName)]
        found += [str(ip) for ip in extension.value.get_values_for_type(x509.IPAddress)]
    return found


def _self_signed(certificate: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    if certificate.issuer != certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return True  # its own issuer by name, signed in a way that cannot be checked here
    return True


def _key(certificate: x509.Certificate) -> dict[str, Any]:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return {"key_type": None, "key_bits": None}
    kind = type(key).__name__.lstrip("_").removesuffix("PublicKey")
    words = {"EllipticCurve": "EC", "ECPublicKey": "EC"}
    bits = getattr(key, "key_size", None)
    fixed = {"Ed25519": 256, "Ed448": 456}
    return {"key_type": words.get(kind, kind), "key_bits": bits or fixed.get(kind)}


def _signature(certificate: x509.Certificate) -> str:
    """Such as `ecdsa-with-SHA256`; the object identifier where it has no name here."""
    oid = certificate.signature_algorithm_oid
    name = getattr(oid, "_name", None)
    return name if isinstance(name, str) and name != "Unknown OID" else oid.dotted_string
