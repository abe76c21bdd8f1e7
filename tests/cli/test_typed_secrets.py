"""Secrets that somebody types into an incident."""

from __future__ import annotations

from tests.cli.conftest import CommandLine
from tests.cli.walked import make_deck
from tests.test_typed import KNOWN, TOKEN


def test_a_secret_that_is_typed_gets_nowhere(opsdeck: CommandLine) -> None:
    config = '[targets.db]\nkind = "mongodb"\nuri = "${MONGODB_URI}"\n'
    make_deck(opsdeck, config=config)
    opsdeck.environ["MONGODB_URI"] = f"mongodb://app:{KNOWN}@db.example/x"
    opsdeck.environ["DEPLOY_TOKEN"] = "d3pl0y-0123456789"
    typed = f"tried {KNOWN} and d3pl0y-0123456789 and {TOKEN}"
    secrets = (KNOWN, "d3pl0y-0123456789", TOKEN)
    # WHEN secrets are typed into every kind of text
    assert opsdeck("incident", "start", f"Orders fail, {typed}", "--playbook", "own").code == 0
    for act in (
        ("note", typed),
        ("step", "1", "skipped", "-r", typed),
        ("role", "commander", "--to", "bob", "--next", typed),
        ("mitigate", "--note", typed),
    ):
        assert opsdeck("incident", *act).code == 0, act
    # AND given to a placeholder, which is refused
    for name, value in (("host", KNOWN), ("host", TOKEN), ("db_password", "hunter2")):
        refused = opsdeck("incident", "set", f"{name}={value}")
        assert refused.code == 64
        assert f"set it in the environment, and write ${name.upper()} into the command" in (
            " ".join(refused.err.split())
        )
    opsdeck("incident", "resolve", "--note", typed)
    # THEN no file of the deck, no answer and no report holds them
    shown = opsdeck("incident", "show").out + opsdeck("journal", "export").out
    assert "tried [redacted] and [redacted] and [redacted]" in shown
    files = [file for file in opsdeck.home.rglob("*") if file.is_file()]
    assert len(files) > 2
    for secret in (*secrets, "hunter2"):
        assert secret not in shown
        assert [f for f in files if secret.encode() in f.read_bytes()] == []
