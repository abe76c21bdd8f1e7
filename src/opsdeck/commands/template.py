"""The text of a new `opsdeck.toml`: every section explained where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill

import msgspec

from opsdeck.commands._init_targets import TargetAnswers


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What is written into the file; `features` are all that `uses` may name."""

    name: str
    timezone: str
    uses: tuple[str, ...]
    features: tuple[str, ...]
    operators: tuple[str, ...]
    shared_accounts: tuple[str, ...]
    home: str | None = None
    targets: TargetAnswers = TargetAnswers()

    def at_home(self, home: str) -> Answers:
        """The same with another folder for the state."""
        return msgspec.structs.replace(self, home=home)


_AWS_EXAMPLE = {"region": "eu-central-1", "profile": "readonly"}

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

# Check what has grown stale in a list when it is opened.
# auto_check = true

# What tells whether this machine itself is cut off (else the targets and the resolver).
# anchors = ["1.1.1.1:443", "dns:9.9.9.9"]

# What the team runs. Items look at these targets by name, and those of a target that is not here
# stay unknown. `opsdeck doctor` tries them all. Secrets are only ever named: ${{VARIABLE}}.

{targets}

# Gauges: this machine's need no configuration; these sets look at the targets above every few
# seconds while OpsDeck runs. What CloudWatch charges for its own, `opsdeck doctor` computes.

# [[gauge]]
# set = "http"
# target = "web"

# [[gauge]]
# set = "mongodb"
# target = "mongodb"

# [[gauge]]
# set = "ec2"
# target = "aws"
# instances = ["i-0123456789abcdef0"]

# Or any probe and one number of what it sees.

# [[gauge]]
# id = "queue-depth"
# title = "Mails waiting"
# probe = {{ kind = "http", target = "web", path = "/metrics.json" }}
# value = "body.queues.mail.waiting"
# warn = 500
# crit = 5000
# for = "2m"
# playbook = "api-response-slowdown"

# Other limits for a gauge of this machine; it can be hidden, too.

# [[gauge]]
# id = "host-memory"
# warn = 90

# Sign-off of releases: deployer, verifier and approver sign with their SSH keys.
# `opsdeck signoff keys` says what somebody still needs to do so. What is in comments here holds
# anyway; where "names" stands in place of "keys" nothing is signed, and every record says so.

# [signoff]
# signatures = "keys"
# allowed_signers = "allowed_signers"
# approvals = 1

# Who may approve (else any operator).
# approvers = ["carol", "dave"]

[ui]
# dark, light, or ansi for the terminal's own 16 colours.
# theme = "dark"
# unicode, ascii, or auto by the locale.
# glyphs = "auto"
# normal, or slow for a bad link: every five seconds, no trend lines.
# refresh = "normal"
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
        targets="\n\n".join(_targets(answers.targets)),
        home=f"home = {_string(answers.home)}" if answers.home else '# home = "state"',
    )


def _targets(answers: TargetAnswers) -> Iterator[str]:
    """A section for each target; one that nobody named is an example in comments."""
    path = answers.health_path or "/health"
    yield _target(
        "web",
        "web",
        {"url": answers.web_url or "https://shop.example", "health_path": path},
        used=bool(answers.web_url),
    )
    variable = answers.mongodb_variable or "MONGODB_URI"
    yield _target(
        "mongodb", "mongodb", {"uri": f"${{{variable}}}"}, used=bool(answers.mongodb_variable)
    )
    region, profile = answers.aws_region, answers.aws_profile
    aws = {"region": region, "profile": profile} if region or profile else _AWS_EXAMPLE
    yield _target("aws", "aws", aws, used=bool(region or profile))
    yield _target(
        "repo", "repository", {"path": answers.repository or "."}, used=bool(answers.repository)
    )


def _target(name: str, kind: str, values: Mapping[str, str | None], *, used: bool) -> str:
    lines = [f"[targets.{name}]", f"kind = {_string(kind)}"]
    lines += [f"{key} = {_string(value)}" for key, value in values.items() if value]
    return "\n".join(lines if used else [f"# {line}" for line in lines])


def _strings(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(_string(value) for value in values) + "]"


def _string(value: str) -> str:
    """A TOML basic string: JSON's escapes are all valid there, and DEL needs one."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
