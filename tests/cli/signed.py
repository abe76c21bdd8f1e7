"""A deck with a release of two items, three people, and a real SSH key for each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CommandLine, Result
from tests.signoff.keys import PASSPHRASE, line, make_key

PEOPLE = ("alice", "bob", "carol")
CATALOG = """\
omit = ["*"]
[[checklist]]
id = "own"
title = "Own"
section = "S"
cadence = "release"
[[checklist.item]]
id = "a"
text = "The first"
[[checklist.item]]
id = "b"
text = "The second"
[[checklist]]
id = "days"
title = "Days"
section = "S"
cadence = "daily"
[[checklist.item]]
id = "look"
text = "Looked"
"""


class Signed:
    """`opsdeck` on a deck whose release v1 is ready to be signed."""

    def __init__(self, opsdeck: CommandLine, keys: Path) -> None:
        self.opsdeck = opsdeck
        self.keys = keys
        self.folder = opsdeck.folder
        self.configure()
        (self.folder / "checklists.toml").write_text(CATALOG, encoding="utf-8")
        self.allow(*(line(f"{who}@acme", self.key(who)) for who in PEOPLE))
        assert self("release", "start", "v1").code == 0
        assert self("release", "change", "v1", "--date", "2026-11-23").code == 0

    def __call__(self, *arguments: str, by: str = "alice", **options: Any) -> Result:
        """Run a command as one of the team."""
        self.opsdeck.environ["OPSDECK_OPERATOR"] = by
        return self.opsdeck(*arguments, **options)

    def configure(self, signoff: str = "") -> None:
        """Write `opsdeck.toml`, with what stands in its section [signoff]."""
        lines = ["[deck]", 'name = "acme"', 'operators = ["alice", "bob", "carol"]', "[signoff]"]
        text = "\n".join([*lines, signoff, ""])
        (self.folder / "opsdeck.toml").write_text(text, encoding="utf-8")

    def allow(self, *lines: str) -> Path:
        """Write `allowed_signers`."""
        file = self.folder / "allowed_signers"
        file.write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
        return file

    def key(self, who: str) -> Path:
        """The private key of somebody."""
        return self.keys / who

    def done(self) -> Signed:
        """The same, with all items attested: the gate is open."""
        assert self("attest", "own/a", "own/b").code == 0
        return self

    def sign(self, who: str, role: str, *options: str, key: str = "", **more: Any) -> Result:
        """Sign as somebody, with their own key or another's."""
        named = ("--key", str(self.key(key or who)))
        return self("signoff", "sign", "--role", role, *named, *options, by=who, **more)

    def all_sign(self) -> None:
        """All three sign."""
        roles = ("deployer", "verifier", "approver")
        for who, role in zip(PEOPLE, roles, strict=True):
            result = self.sign(who, role)
            assert (result.code, result.err) == (0, ""), result.err

    def shown(self, *more: str, by: str = "alice") -> tuple[int, Any]:
        """The exit status and object of `signoff show`."""
        result = self("signoff", "show", *more, "--json", by=by)
        assert result.err == ""
        return result.code, json.loads(result.out)

    def journal(self) -> dict[str, bytes]:
        """Every file of the journal."""
        return {file.name: file.read_bytes() for file in self.opsdeck.journal.glob("*.jsonl")}

    def files(self) -> list[str]:
        """What lies in `signoffs`, but for what is hidden."""
        folder = self.opsdeck.home / "signoffs"
        return (
            sorted(f.name for f in folder.iterdir() if f.name[0] != ".") if folder.exists() else []
        )


@pytest.fixture(scope="session")
def ssh_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key for each of the team, a stranger's, and one with a passphrase."""
    folder = tmp_path_factory.mktemp("ssh-keys")
    for who in (*PEOPLE, "mallory"):
        make_key(folder / who)
    make_key(folder / "locked", passphrase=PASSPHRASE)
    return folder


@pytest.fixture
def deck(opsdeck: CommandLine, ssh_keys: Path) -> Signed:
    """A release with two items that nobody has attested yet."""
    return Signed(opsdeck, ssh_keys)


@pytest.fixture
def ready(deck: Signed) -> Signed:
    """The same, with the gate open."""
    return deck.done()
