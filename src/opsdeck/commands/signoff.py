"""`opsdeck signoff`: see how the sign-off of a release stands, sign it, verify it, hand it on."""

from __future__ import annotations

from pathlib import Path

import click

from opsdeck.commands.completing import complete_release
from opsdeck.commands.door import Door
from opsdeck.commands.groups import HelpfulGroup, pass_door
from opsdeck.commands.meant import release_meant
from opsdeck.commands.output import say, say_json
from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.signing import Signing
from opsdeck.signoff.model import ROLES, Role
from opsdeck.text import visible

_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
_release = click.argument(
    "release", metavar="[RELEASE]", required=False, shell_complete=complete_release
)
_key = click.option(
    "--key",
    metavar="FILE",
    help="Your SSH key, private or public (else $OPSDECK_SIGNING_KEY, the agent, ~/.ssh).",
)


@click.group(cls=HelpfulGroup)
def signoff() -> None:
    """Sign releases off, and verify that. Without RELEASE the current one is meant.

    \b
    Examples:
      opsdeck signoff keys                    is everything there to sign with?
      opsdeck signoff show
      opsdeck signoff sign --role deployer
      opsdeck signoff verify v1.4.2
      opsdeck signoff bundle v1.4.2           for a stranger to verify
    """


def _opened(door: Door, release: str | None, *, acting: bool = False) -> tuple[Signing, str]:
    """The sign-offs of the deck, and the name of the release that is meant."""
    deck: Deck = door.deck(acting=acting)
    return Signing(deck, door.environ), release_meant(deck, release).name


@signoff.command(short_help="The form, the gate, who is missing, what is next.")
@_release
@_json
@pass_door
def show(door: Door, release: str | None, as_json: bool) -> int:
    """How the sign-off of RELEASE stands: form, gate, who is here, what comes next.

    Whether the signatures are good is for `opsdeck signoff verify` to say.
    Exit status: 0 all have signed exactly this, 1 somebody is missing, or it was signed against a
    closed gate, 2 the gate is closed and somebody must still sign.

    \b
    Examples:
      opsdeck signoff show
      opsdeck signoff show v1.4.2 --json | jq -r '.missing[]'
    """
    from opsdeck.commands._signoff_show import exit_of, show_lines, show_object, who_asks

    signing, name = _opened(door, release)
    seen, operator = signing.look(name), who_asks(door)
    if as_json:
        say_json(show_object(signing, seen, operator))
    else:
        for line in show_lines(signing, seen, operator):
            say(line)
    return exit_of(seen)


@signoff.command(short_help="Sign in a role, with your SSH key.")
@_release
@click.option("--role", required=True, type=click.Choice(ROLES), help="What you sign as.")
@_key
@click.option(
    "--break-glass", "reason", metavar="REASON", help="Sign against a closed gate, and why."
)
@_json
@pass_door
def sign(
    door: Door, release: str | None, role: Role, key: str | None, reason: str | None, as_json: bool
) -> int:
    """Sign RELEASE in a role: with your SSH key, over exactly what the release is now.

    A key of the agent is taken first; on a terminal ssh-keygen asks for a passphrase, a PIN or a
    touch. Whatever goes wrong, nothing is recorded as signed. What stands in the form is changed
    by `opsdeck release change`. Exit status: 0 signed, 1 signed, but its record could not be
    written beside the journal, 64 you may not sign this, 77 there was no good signature.

    \b
    Examples:
      opsdeck signoff sign --role deployer
      opsdeck signoff sign v1.4.2 --role approver --key ~/.ssh/id_ed25519
      opsdeck signoff sign --role deployer --break-glass "outage, fix first"
    """
    from opsdeck.commands._signoff_sign import sign_release

    if reason is not None and not reason.strip():
        raise UsageError("say with --break-glass why the gate is broken: that is kept for good")
    signing, name = _opened(door, release, acting=True)
    return sign_release(door, signing, name, role, key, reason or "", as_json)


@signoff.command(short_help="Whether signatures, evidence and journal hold.")
@_release
@click.option("--all", "every", is_flag=True, help="Every release that anybody has signed.")
@click.option(
    "--bundle",
    "tar",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A bundle, held against this deck's allowed signers.",
)
@_json
@pass_door
def verify(door: Door, release: str | None, every: bool, tar: Path | None, as_json: bool) -> int:
    """Verify the sign-off of RELEASE: signatures, people, roles, digests, journal, files.

    Exit status: 0 all have signed and all of it holds, 1 it holds, with warnings (somebody must
    still sign, it is out of date, it was signed against a closed gate), 2 something is wrong, 3 it
    could not be verified, as without ssh-keygen or allowed_signers.

    \b
    Examples:
      opsdeck signoff verify
      opsdeck signoff verify --all --json | jq -r '.releases[].says'
      opsdeck signoff verify --bundle v1.4.2-signoff.tar
    """
    from opsdeck.commands._signoff_verify import verify_releases, verify_tar

    if ((every or tar) and release is not None) or (every and tar):
        raise UsageError("name a release, or say --all, or --bundle FILE: not both")
    if tar is not None:
        return verify_tar(Signing(door.deck(), door.environ), tar, as_json)
    if every:
        return verify_releases(Signing(door.deck(), door.environ), None, as_json)
    signing, name = _opened(door, release)
    return verify_releases(signing, name, as_json)


@signoff.command(short_help="Write signoffs/RELEASE.toml anew.")
@_release
@pass_door
def record(door: Door, release: str | None) -> None:
    """Write the record of RELEASE, as `sign` does: `signoffs/RELEASE.toml` and what is signed.

    It is made from the journal alone. What stands there and differs is kept beside it.

    \b
    Examples:
      opsdeck signoff record v1.4.2
    """
    signing, name = _opened(door, release)
    say(visible(f"record written: {signing.write_record(signing.release(name))}"))


@signoff.command(short_help="A tar that a stranger can verify.")
@_release
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Else RELEASE-signoff.tar in this folder.",
)
@click.option("--force", is_flag=True, help="Over a file that is there.")
@pass_door
def bundle(door: Door, release: str | None, output: Path | None, force: bool) -> None:
    """Write a tar with record, content, evidence, signatures and keys of RELEASE.

    VERIFY.txt in it says how it is verified with sha256sum and ssh-keygen alone. It holds what
    was signed last; the same signatures give the same file.

    \b
    Examples:
      opsdeck signoff bundle
      opsdeck signoff bundle v1.4.2 -o /tmp/v1.4.2.tar
    """
    from opsdeck.commands._signoff_bundle import make_bundle

    signing, name = _opened(door, release)
    make_bundle(signing, name, output, force=force)


@signoff.command(short_help="Which keys are here, and whose they are.")
@_key
@_json
@pass_door
def keys(door: Door, key: str | None, as_json: bool) -> int:
    """Which keys you could sign with, and whose they are by the list of allowed signers.

    For a key that is in no line of it, the line that whoever keeps it would add is printed.
    Exit status: 0 you can sign, 1 something is missing.

    \b
    Examples:
      opsdeck signoff keys
      opsdeck signoff keys --json | jq -r '.keys[].line // empty'
    """
    from opsdeck.commands._signoff_keys import (
        KEY_VARIABLE,
        keys_lines,
        keys_object,
        look_at_keys,
    )
    from opsdeck.commands._signoff_show import who_asks

    signing = Signing(door.deck(), door.environ)
    explicit = key or door.environ.get(KEY_VARIABLE) or None
    seen = look_at_keys(signing, door.environ, who_asks(door), explicit)
    if as_json:
        say_json({**keys_object(seen), "names_only": signing.names_only})
    else:
        if signing.names_only:
            say("this deck records names only: nobody needs a key, and nothing is signed")
        for line in keys_lines(seen):
            say(line)
    return 0 if seen.usable or signing.names_only else 1


COMMANDS = {"signoff": signoff}
