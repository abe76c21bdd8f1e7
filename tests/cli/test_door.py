"""The program as a whole: exit status, streams, encodings, and what it imports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from opsdeck.cli import AppOptions, PlainList, app_options, plain_list
from opsdeck.commands.root import COMMANDS
from tests.cli.conftest import SOURCE, CommandLine

LISTING = """
import sys
from opsdeck.cli import run
code = run(["list", "items"])
print("\\n".join(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""
HEAVY = ("textual", "rich", "tomlkit", "markdown_it", "jmespath", "asyncio", "click", "boto3")
LOOKING = ("opsdeck.probes", "opsdeck.looking", "opsdeck.checks")
PAINTING = """
import asyncio, os, sys
from pathlib import Path
from opsdeck.app import OpsDeckApp
from opsdeck.deck import open_deck
from opsdeck.widgets.glyphs import UNICODE

async def painted():
    deck = open_deck(environ=os.environ, cwd=Path.cwd(), operator="alice")
    deck.load()
    app = OpsDeckApp(deck, UNICODE)
    # What gauges need is imported after the first paint: nothing of it may be there by then.
    app._begin_gauges = lambda: print("\\n".join(sorted(sys.modules)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()

asyncio.run(painted())
"""
CLIENTS = ("httpx", "httpcore", "pymongo", "boto3", "botocore", "cryptography", "dns", "psutil")


def test_list_items_imports_nothing_heavy(opsdeck: CommandLine) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTING],
        env=opsdeck.environ,
        cwd=opsdeck.folder,
        capture_output=True,
    )

    modules = done.stderr.decode().split()
    assert done.returncode == 0
    assert done.stdout.startswith(b"Environment Configuration")
    assert "opsdeck.deck" in modules
    assert [m for m in modules if m.split(".")[0] in HEAVY] == []
    assert [m for m in modules if m.startswith(LOOKING)] == []


def test_the_first_screen_is_painted_without_any_probe(opsdeck: CommandLine) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PAINTING],
        env={**opsdeck.environ, "PYTHONPATH": str(SOURCE)},
        cwd=opsdeck.folder,
        stdout=subprocess.PIPE,
        check=True,
    )

    modules = done.stdout.decode().split()
    assert "opsdeck.screens.deck" in modules
    # What gauges are shown with names readings, and imports nothing that looks.
    found = set(modules) - {"opsdeck.checks", "opsdeck.checks.reading"}
    assert [m for m in found if m.startswith(LOOKING) or m.split(".")[0] in CLIENTS] == []


def test_commands_import_no_textual_and_only_their_own_module(opsdeck: CommandLine) -> None:
    script = LISTING.replace('["list", "items"]', '["release", "list", "--json"]')
    done = subprocess.run(
        [sys.executable, "-c", script], env=opsdeck.environ, cwd=opsdeck.folder, capture_output=True
    )

    modules = done.stderr.decode().split()
    assert json.loads(done.stdout) == []
    assert "opsdeck.commands.releasing" in modules
    assert not {"textual", "opsdeck.commands.init", "opsdeck.commands.acting"} & set(modules)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], AppOptions()),
        (["--operator", "bob"], AppOptions(None, "bob")),
        (["--operator=bob", "--config", "x.toml"], AppOptions(Path("x.toml"), "bob")),
        (["--help"], None),
        (["--operator"], None),
        (["list"], None),
        (["--operator", "bob", "list", "items"], None),
        (["--operater", "bob"], None),
    ],
)
def test_without_a_command_the_app_is_meant(
    arguments: list[str], expected: AppOptions | None
) -> None:
    assert app_options(arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["list", "items"], PlainList("items", (), False)),
        (["list", "items", "a", "--json", "b"], PlainList("items", ("a", "b"), True)),
        (["list", "runs", "--json"], PlainList("runs", (), True)),
        (["list", "runs", "x"], None),
        (["list", "items", "--state", "open"], None),
        (["list", "--help"], None),
        (["list"], None),
        (["list", "itemz"], None),
    ],
)
def test_plain_lists_are_known_without_click(
    arguments: list[str], expected: PlainList | None
) -> None:
    assert plain_list(arguments) == expected


def test_plain_and_full_lists_print_the_same(released: CommandLine) -> None:
    for kind in ("checklists", "items", "runs"):
        plain = released("list", kind, "--json")
        full = released("--operator", "bob", "list", kind, "--json")
        assert (plain.code, plain.out) == (0, full.out)


def test_usage_errors_say_what_was_probably_meant(opsdeck: CommandLine) -> None:
    result = opsdeck("lst")
    assert (result.code, result.out) == (64, "")
    assert result.err.splitlines() == [
        "opsdeck: no such command 'lst'; did you mean 'list'?",
        "See `opsdeck --help`.",
    ]
    nested = opsdeck("journal", "verfiy")
    assert nested.code == 64
    assert "no such command 'verfiy'; did you mean 'verify'?" in nested.err
    assert "See `opsdeck journal --help`." in nested.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--frobnicate",),
        ("--config",),
        ("attest",),
        ("waive", "a/b"),
        ("list",),
        ("list", "items", "--state", "done"),
        ("release", "start"),
        ("report",),
        ("journal", "tail", "-n", "x"),
        ("completion", "tcsh"),
        ("undo",),
    ],
)
def test_every_wrong_usage_exits_64_without_a_traceback(
    opsdeck: CommandLine, arguments: tuple[str, ...]
) -> None:
    result = opsdeck(*arguments)
    assert result.code == 64
    assert result.err
    assert "Traceback" not in result.err
    assert not opsdeck.home.exists()


def test_options_of_the_deck_stand_before_the_command(opsdeck: CommandLine) -> None:
    result = opsdeck("attest", "a/b", "--operator", "bob")
    assert result.code == 64
    assert "--operator stands before the command" in result.err


@pytest.mark.parametrize("command", [*COMMANDS, "journal tail", "list items", "release show"])
def test_help_has_examples(opsdeck: CommandLine, command: str) -> None:
    result = opsdeck(*command.split(), "--help")
    assert (result.code, result.err) == (0, "")
    assert f"Examples:\n    opsdeck {command}" in result.out
    assert max(map(len, result.lines)) <= 80


def test_what_the_examples_address_is_in_the_catalog(opsdeck: CommandLine) -> None:
    known = {f"{i['checklist']}/{i['id']}" for i in opsdeck.json("list", "items")}
    found = set()
    for command in ("attest", "reopen", "note", "skip", "waive", "override", "defer", "unuse"):
        text = opsdeck(command, "--help").out
        found |= set(re.findall(rf"opsdeck {command} ([a-z][a-z0-9/-]+)", text))
    assert len(found) >= 5
    assert {re.sub(r"/\d{4}-\d\d-\d\d", "", address) for address in found} <= known


def test_the_manual_names_every_command_and_key(released: CommandLine) -> None:
    manual = (SOURCE.parent / "docs" / "cli.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[\w-]+", manual))
    assert set(COMMANDS) <= words
    for arguments in [
        ("list", "items"),
        ("list", "checklists"),
        ("list", "runs"),
        ("release", "list"),
        ("report", "infrastructure", "--format", "json"),
    ]:
        options = () if "report" in arguments else ("--json",)
        found = json.loads(released(*arguments, *options).out)
        one = found[0] if isinstance(found, list) else {**found, **found["runs"][0]["results"][0]}
        assert {key for key in one if f"`{key}`" not in manual} == set()


def test_help_and_version(opsdeck: CommandLine) -> None:
    shown = opsdeck("--help")
    assert all(f"\n  {name} " in shown.out for name in COMMANDS)
    assert "Examples:" in shown.out
    assert opsdeck("--version").out == "opsdeck 0.1.0\n"


def test_every_fault_of_the_configuration_is_told(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "opsdeck.toml").write_text('[deck]\ntimezone = "Mars"\nnmae = "x"\n')
    result = opsdeck("list", "items")
    assert (result.code, result.out) == (78, "")
    assert "opsdeck.toml:2: key deck.timezone" in result.err
    assert 'opsdeck.toml:3: key deck.nmae: unknown key "nmae"; did you mean "name"?' in result.err


def test_every_fault_of_the_catalog_is_told(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "opsdeck.toml").write_text("")
    (opsdeck.folder / "checklists.toml").write_text(
        '[[checklist]]\nid = "x"\ncadence = "yearly"\n[[checklist.item]]\nid = "A b"\n'
    )
    result = opsdeck("list", "items")
    assert result.code == 65
    assert len([line for line in result.err.splitlines() if "checklists.toml:" in line]) >= 4


def test_a_missing_configuration_is_named(opsdeck: CommandLine) -> None:
    result = opsdeck("--config", "nowhere.toml", "list", "items")
    assert result.code == 66
    assert "nowhere.toml: does not exist" in result.err


def test_looking_needs_no_operator_on_a_shared_account(opsdeck: CommandLine) -> None:
    from opsdeck.operator import login

    (opsdeck.folder / "opsdeck.toml").write_text(f'[deck]\nshared_accounts = ["{login()}"]\n')
    del opsdeck.environ["OPSDECK_OPERATOR"]

    assert opsdeck("list", "items").code == 0
    acting = opsdeck("attest", "backup-strategy/multiple-locations")
    assert acting.code == 64
    assert "say who you are with --operator" in acting.err
    named = opsdeck("--operator", "bob", "release", "start", "v1")
    assert (named.code, "(bob, " in named.out) == (0, True)


# As a program


@pytest.mark.parametrize(
    "environ", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}]
)
def test_an_ascii_terminal_gets_ascii(opsdeck: CommandLine, environ: dict[str, str]) -> None:
    (opsdeck.folder / "opsdeck.toml").write_text("")
    (opsdeck.folder / "checklists.toml").write_text(
        '[[checklist]]\nid="x"\ntitle="Über – ⚡"\nsection="s"\ncadence="standing"\n'
        '[[checklist.item]]\nid="i"\ntext="naïve “quotes” 日本"\n',
        encoding="utf-8",
    )
    result = opsdeck.ended("list", "items", "x", environ={**environ, "COLUMNS": "80"})
    assert (result.code, result.err) == (0, "")
    assert result.out.isascii()
    assert 'naive "quotes" ??' in result.out

    json_result = opsdeck.ended("list", "items", "x", "--json", environ=environ)
    assert json_result.out.isascii()
    assert json.loads(json_result.out)[0]["text"] == "naïve “quotes” 日本"


def test_a_closed_pipe_ends_it_silently(released: CommandLine) -> None:
    process = released.program("list", "items", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.wait(timeout=30)
    assert process.stderr is not None
    with process.stderr:
        assert (process.returncode, process.stderr.read()) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout_is_told_once(opsdeck: CommandLine) -> None:
    with open("/dev/full", "wb") as full:
        result = opsdeck.ended("list", "items", stdout=full)
    assert result.code == 74
    assert result.err == "opsdeck: the output could not be written: No space left on device\n"


@pytest.mark.parametrize("command", ["list runs", "journal export", "attest -"])
def test_closed_streams_lead_nowhere(opsdeck: CommandLine, command: str) -> None:
    opsdeck("attest", "backup-strategy/multiple-locations")
    (path,) = opsdeck.journal.glob("*.jsonl")
    before = path.read_bytes()
    result = opsdeck.ended(
        *command.split(), preexec_fn=lambda: os.closerange(0, 2), stdin=None, stdout=None
    )
    assert result.code == (64 if command == "attest -" else 0)
    assert "Traceback" not in result.err
    assert "internal" not in result.err
    assert path.read_bytes() == before


def test_a_mistake_of_the_program_is_one_line(
    opsdeck: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a\x1b[31mb")

    monkeypatch.setattr("opsdeck.commands.releasing.release_meant", broken)
    result = opsdeck("release", "show")
    assert result.code == 70
    assert len(result.err.splitlines()) == 1
    assert "internal error in commands/releasing.py:" in result.err
    assert "ZeroDivisionError: a␛[31mb" in result.err
    assert "OPSDECK_DEBUG=1" in result.err

    opsdeck.environ["OPSDECK_DEBUG"] = "1"
    debugged = opsdeck("release", "show")
    assert debugged.code == 70
    assert "Traceback" in debugged.err
