"""`opsdeck init`: a commented `opsdeck.toml`, and for a group the folder that its members share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsdeck.commands._init_targets import TargetAnswers, ask, settled
from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.output import say
from opsdeck.commands.template import Answers
from opsdeck.errors import NotSavedError, OpsDeckError, UsageError
from opsdeck.text import storable, visible

if TYPE_CHECKING:
    from opsdeck.catalog.model import Catalog

SHARED_ACCOUNTS = ("ec2-user", "ubuntu", "admin")
"""Accounts that cloud images bring, which a whole team logs in to."""


class AlreadyThereError(OpsDeckError):
    """What should be made exists; it is never overwritten."""

    exit_code = 73


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="What the deck is called (else the folder's name).")
@click.option(
    "--timezone", metavar="ZONE", help="When days begin, e.g. Europe/Berlin (else this machine's)."
)
@click.option("--uses", metavar="A,B", help="Features the team uses: their items become active.")
@click.option(
    "--operator",
    "operators",
    metavar="NAME",
    multiple=True,
    help="A member of the team (may be given several times).",
)
@click.option("--web-url", metavar="URL", help="Where the web application is.")
@click.option("--health-path", metavar="PATH", help="Its health endpoint (else /health).")
@click.option(
    "--mongodb-uri-var",
    metavar="NAME",
    help="The environment variable that holds the MongoDB URI, e.g. MONGODB_URI.",
)
@click.option("--aws-region", metavar="REGION", help="The AWS region, e.g. eu-central-1.")
@click.option("--aws-profile", metavar="PROFILE", help="A profile of ~/.aws/config.")
@click.option("--repository", metavar="PATH", help="The checkout of the code and documents.")
@click.option("--shared", metavar="GROUP", help="Make the state folder writable for this group.")
@click.option("--home", metavar="STATE_DIR", help="Where the state is kept.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing; take the defaults.")
@pass_door
def init(
    door: Door,
    folder: Path,
    name: str | None,
    timezone: str | None,
    uses: str | None,
    operators: tuple[str, ...],
    web_url: str | None,
    health_path: str | None,
    mongodb_uri_var: str | None,
    aws_region: str | None,
    aws_profile: str | None,
    repository: str | None,
    shared: str | None,
    home: str | None,
    yes: bool,
) -> None:
    """Write a commented opsdeck.toml into DIR (else this folder). It never overwrites one.

    On a terminal it asks for what the options do not say; elsewhere it takes the defaults.
    A target that nobody names is written as an example in comments.

    \b
    Examples:
      opsdeck init
      opsdeck init --yes --name production --timezone Europe/Berlin --uses aws,cdn
      opsdeck init --web-url https://shop.example --mongodb-uri-var MONGODB_URI \\
                   --aws-region eu-central-1 --repository .
      opsdeck init /srv/deck --shared ops
    """
    target = door.cwd / folder / "opsdeck.toml"
    if os.path.lexists(target):
        raise AlreadyThereError(
            f"{target} exists and is never overwritten: edit it, or name another folder"
        )
    catalog = _catalog(target.parent)
    asking = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    answers = Answers(
        name=_name(name, target, asking),
        timezone=_timezone(timezone, door, asking),
        uses=_uses(uses, catalog, asking),
        features=_features(catalog),
        operators=_operators(operators, door),
        shared_accounts=SHARED_ACCOUNTS,
        home=home,
        targets=settled(
            TargetAnswers(
                web_url=web_url,
                health_path=health_path,
                mongodb_variable=mongodb_uri_var,
                aws_region=aws_region,
                aws_profile=aws_profile,
                repository=repository,
            ),
            target.parent,
            door.cwd,
            asking=asking,
        ),
    )
    if shared is not None:
        answers = _share(shared, home, target, door, answers)
    _write(target, answers)
    say(f"wrote {visible(str(target))}")
    _next_steps(answers, door, catalog, target)


COMMANDS = {"init": init}


def _catalog(folder: Path) -> Catalog:
    """The shipped catalog, with the team's own beside the file that is to be written."""
    from opsdeck.catalog.load import load_catalog, shipped_checklists_path
    from opsdeck.catalog.watch import existing_team

    shipped = shipped_checklists_path()
    return load_catalog(shipped, existing_team(shipped, folder / "checklists.toml"))


def _features(catalog: Catalog) -> tuple[str, ...]:
    found = {item.uses for checklist in catalog.checklists for item in checklist.items if item.uses}
    return tuple(sorted(found))


def _name(given: str | None, target: Path, asking: bool) -> str:
    from opsdeck.catalog.validate import id_problem
    from opsdeck.journal.files import safe_name

    def check(text: str) -> str:
        name = storable(text)
        problem = id_problem(name, capitals=True)
        if problem:
            raise UsageError(f"the name of the deck {problem}")
        return name

    own = safe_name(target.parent.resolve().name)
    default = "default" if id_problem(own, capitals=True) else own
    if given is None and asking:
        return ask("Name of the deck", default, check)
    return check(default if given is None else given)


def _timezone(given: str | None, door: Door, asking: bool) -> str:
    from opsdeck.catalog.zones import zone_problem

    def check(text: str) -> str:
        zone = storable(text)
        problem = zone_problem(zone)
        if problem:
            raise UsageError(f"the time zone {problem}")
        return zone

    if given is None and asking:
        return ask("Time zone in which its days begin", _local_zone(door), check)
    return check(_local_zone(door) if given is None else given)


def _local_zone(door: Door) -> str:
    """The IANA name of this machine's zone, as far as it tells; else UTC."""
    from opsdeck.catalog.zones import zone_problem

    candidates = [door.environ.get("TZ", "").removeprefix(":")]
    try:
        candidates.append(str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2])
        candidates.append(Path("/etc/timezone").read_text(encoding="ascii").strip())
    except (OSError, ValueError, RuntimeError):
        pass  # not every system has these files
    found = next((zone for zone in candidates if zone and not zone_problem(zone)), "UTC")
    return "UTC" if found in ("Etc/UTC", "Etc/UCT", "Etc/Universal", "Zulu") else found


def _uses(given: str | None, catalog: Catalog, asking: bool) -> tuple[str, ...]:
    from opsdeck.catalog.faults import did_you_mean

    known = _features(catalog)

    def check(text: str) -> tuple[str, ...]:
        found = dict.fromkeys(text.replace(",", " ").split())
        problems = [
            f"no item is for teams that use {word!r}{did_you_mean(word, known)}"
            for word in found
            if word not in known
        ]
        if problems:
            raise UsageError("\n".join(problems))
        return tuple(found)

    if given is None and asking and known:
        say(f"Some items are only for teams that use: {visible(', '.join(known))}")
        return ask("Which of these do you use (a,b; empty: none)", "", check)
    return check(given or "")


def _operators(given: tuple[str, ...], door: Door) -> tuple[str, ...]:
    """Those named, else who is at the keyboard; on an account that people share nobody."""
    from opsdeck.operator import checked_name, login

    own = door.operator or door.environ.get("OPSDECK_OPERATOR")
    named = given or ((own,) if own else ())
    account = login()
    if not named and account not in (*SHARED_ACCOUNTS, "root"):
        named = (account,)
    return tuple(dict.fromkeys(checked_name(name) for name in named))


def _share(group: str, home: str | None, target: Path, door: Door, answers: Answers) -> Answers:
    """Make the folder that a group shares, and say what was done."""
    from opsdeck.catalog.config import expanded
    from opsdeck.commands.sharing import share

    _make_folder(target.parent)
    variable = door.environ.get("OPSDECK_HOME")
    try:
        own = str(door.cwd / expanded(variable, door.environ)) if variable else "state"
        kept = home or own
        place = target.parent.absolute() / expanded(kept, door.environ)
    except (RuntimeError, ValueError) as error:
        named = home or variable
        raise UsageError(f"{named!r} is no folder: {error}; write a full path") from error
    for line in share(place, group):
        say(line)
    return answers.at_home(kept)


def _write(target: Path, answers: Answers) -> None:
    """Make the file, whole and durable; an existing one is left alone whatever the moment."""
    from opsdeck.catalog.config import load_config
    from opsdeck.commands.template import config_text
    from opsdeck.journal.files import fsync_folder, in_words

    _make_folder(target.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        handle = os.open(target, flags, 0o644)
    except FileExistsError as error:
        raise AlreadyThereError(f"{target} exists and is never overwritten") from error
    except OSError as error:
        raise NotSavedError(f"not saved: {target}: {in_words(error)}") from error
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(config_text(answers))
            stream.flush()
            os.fsync(handle)
        load_config(target)
        fsync_folder(target.parent)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise NotSavedError(f"not saved: {target}: {in_words(error)}") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _make_folder(folder: Path) -> None:
    """The folder and those above it, never writable for others."""
    from opsdeck.journal.files import in_words

    try:
        for path in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
            path.mkdir(mode=0o755, exist_ok=True)
    except OSError as error:
        raise NotSavedError(f"not saved: {folder}: {in_words(error)}") from error


def _next_steps(answers: Answers, door: Door, catalog: Catalog, target: Path) -> None:
    from opsdeck.catalog.config import load_config
    from opsdeck.commands._init_alive import alive_lines

    for line in alive_lines(catalog, load_config(target)):
        say(line)
    unused = [feature for feature in answers.features if feature not in answers.uses]
    if unused:
        say(f"inactive are the items for: {visible(', '.join(unused))} (see `uses` in the file)")
    override = door.environ.get("OPSDECK_HOME")
    if answers.home and override and override != answers.home:
        say(f"note: OPSDECK_HOME={visible(override)} is set and goes before `home` in the file")
    say("next: `opsdeck doctor` tries the targets, `opsdeck check` verifies the items,")
    say("`opsdeck` opens the deck, `opsdeck list checklists` shows what there is")
