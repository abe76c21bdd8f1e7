"""`[signoff]` of `opsdeck.toml`: what a sign-off needs."""

from __future__ import annotations

from typing import Literal

import msgspec

from opsdeck.catalog.faults import shown
from opsdeck.catalog.validate import Table
from opsdeck.text import plural

Signatures = Literal["keys", "names"]
SIGNATURES: tuple[Signatures, ...] = ("keys", "names")
Deferred = Literal["dated", "never"]
DEFERRED: tuple[Deferred, ...] = ("dated", "never")

SIGNOFF_KEYS = (
    "signatures",
    "allowed_signers",
    "revoked_keys",
    "approvals",
    "deferred",
    "fresh_evidence",
    "approver_apart",
    "verifier_apart",
    "deployers",
    "verifiers",
    "approvers",
    "break_glass",
    "review_days",
    "identities",
)
MOST_APPROVALS = 9
MOST_REVIEW_DAYS = 30


class SignoffRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-off needs; `[signoff]`.

    `signatures`: `keys` (SSH signatures) or `names` (names only, shown as "not signed").
    `allowed_signers` and `revoked_keys` are files, relative to `opsdeck.toml`. `approvals` is how
    many different approvers there must be. `deployers`, `verifiers` and `approvers` are who may
    sign in that role (empty: any operator). `review_days` are business days. `identities` maps an
    operator's name to the principal of allowed_signers.
    """

    signatures: Signatures = "keys"
    allowed_signers: str = "allowed_signers"
    revoked_keys: str | None = None
    approvals: int = 1
    deferred: Deferred = "dated"
    fresh_evidence: bool = True
    approver_apart: bool = True
    verifier_apart: bool = True
    deployers: tuple[str, ...] = ()
    verifiers: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    break_glass: bool = True
    review_days: int = 2
    identities: dict[str, str] = {}


def read_signoff(top: Table) -> SignoffRules:
    """The rules of a file; every fault is reported to the table's report."""
    values = top.table("signoff", "[signoff] with approvals = 1")
    table = Table(top.report, values or {}, ("signoff",), prefix="signoff.")
    table.only(SIGNOFF_KEYS)
    default = SignoffRules()
    found = SignoffRules(
        signatures=table.choice("signatures", SIGNATURES) or default.signatures,
        allowed_signers=table.line("allowed_signers") or default.allowed_signers,
        revoked_keys=table.line("revoked_keys"),
        approvals=_number(table, "approvals", default.approvals, 1, MOST_APPROVALS),
        deferred=table.choice("deferred", DEFERRED) or default.deferred,
        fresh_evidence=_switch(table, "fresh_evidence"),
        approver_apart=_switch(table, "approver_apart"),
        verifier_apart=_switch(table, "verifier_apart"),
        deployers=_people(table, "deployers"),
        verifiers=_people(table, "verifiers"),
        approvers=_people(table, "approvers"),
        break_glass=_switch(table, "break_glass"),
        review_days=_number(table, "review_days", default.review_days, 0, MOST_REVIEW_DAYS),
        identities=_identities(table),
    )
    if 0 < len(found.approvers) < found.approvals:
        named = plural(len(found.approvers), "name")
        fault = f"is {found.approvals}, and approvers has {named}: so many can never approve"
        table.fault(fault, "approvals")
    return found


def _switch(table: Table, key: str) -> bool:
    found = table.boolean(key)
    return True if found is None else found


def _people(table: Table, key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(table.strings(key, may_be_empty=True)))


def _number(table: Table, key: str, default: int, least: int, most: int) -> int:
    value = table.values.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        table.fault(f"is {shown(value)}; it must be a number from {least} to {most}", key)
        return default
    return value


def _identities(table: Table) -> dict[str, str]:
    values = table.table("identities", '[signoff.identities] with carol = "carol@acme.io"')
    found: dict[str, str] = {}
    inner = Table(
        table.report, values or {}, ("signoff", "identities"), prefix="signoff.identities."
    )
    for name in inner.values:
        text = inner.line(name)
        if text is not None:
            found[name] = text
    return found
