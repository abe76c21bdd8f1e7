"""What `opsdeck init` asks about targets, and the answers that will do."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from opsdeck.errors import UsageError
from opsdeck.text import storable, visible

_Answer = TypeVar("_Answer")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
_URI = re.compile(r"://|@")


class TargetAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the targets; None where nobody was asked, "" where there is none."""

    web_url: str | None = None
    health_path: str | None = None
    mongodb_variable: str | None = None
    aws_region: str | None = None
    aws_profile: str | None = None
    repository: str | None = None


def settled(given: TargetAnswers, folder: Path, cwd: Path, *, asking: bool) -> TargetAnswers:
    """The answers checked and, on a terminal, completed by asking; raises UsageError.

    `folder` is that of the new file: a repository below it is written relative to it.
    """

    def one(answer: str | None, question: str, check: Callable[[str], str]) -> str:
        if answer is None and asking:
            return ask(question, "", check)
        return check(answer or "")

    def within(text: str) -> str:
        return _repository(text, folder, cwd)

    url = one(given.web_url, "URL of the web application (empty: none)", _web_url)
    path = given.health_path
    if url and path is None and asking:
        path = ask("Path of its health endpoint", "/health", _health_path)
    return TargetAnswers(
        web_url=url,
        health_path=_health_path(path or "/health"),
        mongodb_variable=one(
            given.mongodb_variable,
            "Environment variable with the MongoDB URI, e.g. MONGODB_URI (empty: none)",
            _variable,
        ),
        aws_region=one(given.aws_region, "AWS region, e.g. eu-central-1 (empty: none)", _region),
        aws_profile=one(given.aws_profile, "AWS profile (empty: none)", _profile),
        repository=one(given.repository, "Path of the repository (empty: none)", within),
    )


def ask(question: str, default: str, check: Callable[[str], _Answer]) -> _Answer:
    """Ask until the answer will do."""

    def answer(text: str) -> _Answer:
        try:
            return check(text)
        except UsageError as error:
            raise click.UsageError(visible(str(error))) from None

    given: _Answer = click.prompt(
        question, default=default, show_default=bool(default), value_proc=answer
    )
    return given


def _web_url(text: str) -> str:
    from opsdeck.probes._http_url import credentials_in, parse_address

    url = storable(text)
    if not url:
        return ""
    if credentials_in(url) is not None:
        raise UsageError(
            "the web URL has a user name or password in it, which do not belong into a file:"
            " give the URL without them, and username and password as ${VARIABLES} later"
        )
    try:
        parse_address(url)
    except ValueError as error:
        raise UsageError(f"the web URL is wrong: {error}") from None
    return url


def _health_path(text: str) -> str:
    path = storable(text)
    if not path.startswith("/") or any(c.isspace() for c in path):
        raise UsageError("the health path begins with a slash and has no blanks, like /health")
    return path


def _variable(text: str) -> str:
    """A variable's name, also written as `$NAME` or `${NAME}`; a URI itself is not repeated."""
    name = storable(text)
    if _URI.search(name):
        raise UsageError(
            "that is a MongoDB URI, and it may hold a password: export it as an environment"
            " variable (MONGODB_URI, say) and give the name of the variable"
        )
    bare = name.removeprefix("$").removeprefix("{").removesuffix("}")
    if bare and not _VARIABLE.fullmatch(bare):
        raise UsageError(
            f"{visible(name)[:60]!r} is no name of an environment variable: give one such as"
            " MONGODB_URI, whose value is the MongoDB URI"
        )
    return bare


def _region(text: str) -> str:
    region = storable(text)
    if region and not _REGION.fullmatch(region):
        raise UsageError(f"{visible(region)[:60]!r} is no AWS region: they look like eu-central-1")
    return region


def _profile(text: str) -> str:
    profile = storable(text)
    if len(profile) > 128 or visible(profile) != profile:
        raise UsageError("the AWS profile is a name of one line, as in ~/.aws/config")
    return profile


def _repository(text: str, folder: Path, cwd: Path) -> str:
    """The folder as the file names it: relative where it lies below the file's own."""
    from opsdeck.catalog.config import expanded

    given = storable(text)
    if not given:
        return ""
    try:
        place = Path(os.path.normpath(cwd / expanded(given)))
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"the repository {visible(given)!r} is no folder: {error}") from None
    if not place.is_dir():
        raise UsageError(f"the repository {visible(str(place))} is no folder on this machine")
    base = Path(os.path.normpath(folder.absolute()))
    if place.is_relative_to(base):
        return str(place.relative_to(base))
    return given if given.startswith("~") else str(place)
