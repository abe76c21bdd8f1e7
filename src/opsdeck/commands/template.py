"""The text of a new `opsdeck.toml`: every section explained where it stands."""

from __future__ import annotations

from textwrap import fill

import msgspec


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What is written into the file; `features` are all that `uses` may name."""

    name: str
    timezone: str
    uses: tuple[str, ...]
    features: tuple[str, ...]
    operators: tuple[str, ...]
    shared_accounts: tuple[str, ...]
    home: str | None = None

    def at_home(self, home: str) -> Answers:
        """The same with another folder for the state."""
        return msgspec.structs.replace(self, home=home)


_TEXT = """\
# OpsDeck: what this deck is called, whose it is and how it behaves.
# Comments and order survive every edit the program makes, so annotate freely.
# A file checklists.toml beside this one replaces or extends the shipped checklists.

[deck]
# Part of the folder in which the state is kept: letters, digits, hyphen, dot and underscore.
name = {name}

# Daily lists start afresh at midnight here; weeks are ISO weeks.
timezone = {timezone}

# The people who walk these lists.
{operators}

# Who is at the keyboard when neither --operator nor OPSDECK_OPERATOR says so (else the login).
# operator = "alice"

# Accounts that several people log in to: on these OpsDeck asks who you are and never guesses.
# Add "root" where people work as root.
shared_accounts = {shared_accounts}

# What the team uses. Items for anything else are inactive.{features}
uses = {uses}

# Where the state is kept (else $XDG_STATE_HOME/opsdeck/NAME); relative to this file.
# OPSDECK_HOME goes before it.
{home}

[ui]
# dark, light, or ansi for the terminal's own 16 colours.
# theme = "dark"
# unicode, ascii, or auto by the locale.
# glyphs = "auto"
# Every animation costs bytes on the wire.
# animations = false

[keys]
# Other keys for a binding: the ids are in the help of the app (?), several keys with commas.
# "item.attest" = "space,a"
"""


def config_text(answers: Answers) -> str:
    """The file for these answers."""
    operators = _strings(answers.operators) if answers.operators else '["alice", "bob"]'
    known = fill(
        f"Known are: {', '.join(answers.features)}.",
        width=96,
        initial_indent="\n# ",
        subsequent_indent="# ",
        break_on_hyphens=False,
    )
    return _TEXT.format(
        name=_string(answers.name),
        timezone=_string(answers.timezone),
        operators=f"{'' if answers.operators else '# '}operators = {operators}",
        shared_accounts=_strings(answers.shared_accounts),
        features=known if answers.features else "",
        uses=_strings(answers.uses),
        home=f"home = {_string(answers.home)}" if answers.home else '# home = "state"',
    )


def _strings(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(_string(value) for value in values) + "]"


def _string(value: str) -> str:
    """A TOML basic string: JSON's escapes are all valid there, and DEL needs one."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
