"""Who is at the keyboard: never guessed on an account that several people share."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping

from opsdeck.catalog.config import Config
from opsdeck.errors import UsageError
from opsdeck.journal.files import safe_name
from opsdeck.text import storable, visible

LONGEST_NAME = 64


class OperatorNeededError(UsageError):
    """Several people use this account, and none of them was named."""


def login() -> str:
    """The account's name, or its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def writer_name(account: str) -> str:
    """Whose journal file this machine and account write: `alice@bastion-1`."""
    return f"{safe_name(account)}@{safe_name(os.uname().nodename.split('.')[0])}"


def checked_name(name: str) -> str:
    """An operator's name as it is signed with; raises UsageError for what is none."""
    kept = " ".join(storable(name).split())
    if not kept or len(kept) > LONGEST_NAME or visible(kept) != kept or not kept.isprintable():
        raise UsageError(
            f"{visible(name)[:80]!r} is no name for an operator:"
            f" 1 to {LONGEST_NAME} printable characters, for example alice"
        )
    return kept


def find_operator(named: str | None, environ: Mapping[str, str], config: Config) -> str:
    """The flag, else `OPSDECK_OPERATOR`, else the configuration, else the login.

    Raises OperatorNeededError on an account listed as shared when nobody is named.
    """
    chosen = named or environ.get("OPSDECK_OPERATOR")
    if chosen:
        return checked_name(chosen)
    account = login()
    if account in config.shared_accounts:
        raise OperatorNeededError(
            f"several people use the account {account}: say who you are with --operator NAME"
            " or OPSDECK_OPERATOR=NAME"
        )
    return checked_name(config.operator or account)
