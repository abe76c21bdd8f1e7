"""Whatever stands in a catalog or a journal: no command passes it on as something to obey."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.conftest import CommandLine

HOSTILE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
NOTE = "\x1b]0;owned\x07\x9b31m\u202egnp.exe\u2066|`rm`<b>\r=cmd()\u2028\x7f"
COMMANDS = (
    ("list", "items"),
    ("list", "items", "--json"),
    ("list", "checklists"),
    ("list", "checklists", "--json"),
    ("list", "runs"),
    ("report", "x"),
    ("report", "x", "--format", "json"),
    ("report", "x", "--format", "csv"),
    ("journal", "tail"),
    ("journal", "tail", "--json"),
    ("journal", "export"),
    ("journal", "export", "--format", "csv"),
    ("journal", "verify"),
    ("release", "list"),
    ("release", "show"),
    ("note", "x/a", "-m", NOTE, "--json"),
    ("attest", "x/a", "--note", NOTE),
)


def write_catalog(folder: Path, text: str) -> None:
    """A catalog of one item whose every text is this one."""

    def quoted(value: str) -> str:
        return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")

    (folder / "opsdeck.toml").write_text("")
    (folder / "checklists.toml").write_text(
        f'omit=["*"]\n[[checklist]]\nid="x"\ntitle={quoted(text)}\nsection={quoted(text)}\n'
        f'cadence="standing"\n[[checklist.item]]\nid="a"\ntext={quoted(text)}\n'
        f"guide={quoted(text)}\nnote={quoted(text)}\ngroup=[{quoted(text)}]\n",
        encoding="utf-8",
    )


@pytest.fixture
def hostile(opsdeck: CommandLine) -> CommandLine:
    """A deck full of it, in the journal too."""
    write_catalog(opsdeck.folder, NOTE)
    assert opsdeck("attest", "x/a", "--note", NOTE).code == 0
    assert opsdeck("note", "x/a", "-m", NOTE).code == 0
    assert opsdeck("release", "start", "v1", "--note", NOTE).code == 0
    return opsdeck


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_passes_it_on(hostile: CommandLine, command: tuple[str, ...]) -> None:
    result = hostile(*command)
    assert (result.code, result.err) == (0, "")
    assert HOSTILE.findall(result.out) == []
    assert result.out


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_any_text_is_harmless_and_whole_in_json(opsdeck: CommandLine, text: str) -> None:
    wanted = f"x{text}x"
    write_catalog(opsdeck.folder, wanted)
    shown = opsdeck("list", "items", "--json")
    if shown.code == 65:  # a text that no catalog may hold, such as a NUL
        assert HOSTILE.findall(shown.err.replace("\n", "")) == []
        return
    assert HOSTILE.findall(shown.out) == []
    assert json.loads(shown.out)[0]["note"] == wanted
    plain = opsdeck("list", "items")
    assert HOSTILE.findall(plain.out) == []
    assert len(plain.lines) == 2


@pytest.mark.parametrize(
    "arguments",
    [("attest", NOTE), ("list", "items", NOTE), ("report", NOTE), (NOTE,), ("--config", NOTE)],
)
def test_no_message_passes_on_what_was_typed(
    opsdeck: CommandLine, arguments: tuple[str, ...]
) -> None:
    result = opsdeck(*arguments, *(["list", "runs"] if arguments[0] == "--config" else []))
    assert result.code in (64, 66)
    assert HOSTILE.findall(result.err) == []
