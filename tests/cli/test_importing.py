"""`opsdeck import`: Markdown in, TOML out, nothing lost."""

from __future__ import annotations

import tomllib
from pathlib import Path

from opsdeck.catalog.load import parse_checklists
from tests.cli.conftest import CommandLine

REFERENCE = Path(__file__).resolve().parents[1] / "data" / "production-readiness-checklist.md"
SHORT = "# Going live\n\n- [ ] Tell the team – *all* of it\n- [x] Take a backup\n"


def test_the_reference_document_becomes_toml_on_stdout(opsdeck: CommandLine) -> None:
    result = opsdeck("import", str(REFERENCE))

    catalog, faults = parse_checklists(result.out, "x")
    assert (result.code, result.err, faults) == (0, "", ())
    assert len(catalog.checklists) == 20
    assert sum(len(c.items) for c in catalog.checklists) == 153


def test_toml_on_a_stdout_of_ascii_stays_itself(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "x.md").write_text(SHORT, encoding="utf-8")
    result = opsdeck("import", "x.md", encoding="ascii")
    assert (
        tomllib.loads(result.out)["checklist"][0]["item"][0]["text"] == "Tell the team – all of it"
    )


def test_into_a_new_file_and_again(opsdeck: CommandLine) -> None:
    source, target = opsdeck.folder / "x.md", opsdeck.folder / "checklists.toml"
    source.write_text(SHORT, encoding="utf-8")

    dry = opsdeck("import", "x.md", "--into", "checklists.toml", "--dry-run")
    assert dry.lines[0].startswith("checklists.toml: would be 2 added, 0 updated, 0 unchanged")
    assert not target.exists()

    first = opsdeck("import", "x.md", "--into", "checklists.toml")
    assert first.lines[0].startswith("checklists.toml: 2 added, 0 updated, 0 unchanged, 0 gone")
    assert "  added going-live/take-a-backup" in first.lines
    edited = target.read_text().replace('text = "Take a', 'guide = "Ours."\ntext = "Take a')
    target.write_text(edited + "# ours\n", encoding="utf-8")
    stamp = target.stat().st_ino, target.stat().st_mtime_ns

    second = opsdeck("import", "x.md", "--into", "checklists.toml")
    (told,) = second.lines
    assert told.startswith("checklists.toml: 0 added, 0 updated, 2 unchanged, 0 gone")
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == stamp

    source.write_text(SHORT.replace("a backup", "two backups").replace("- [ ] Tell", "Tell"))
    third = opsdeck("import", "x.md", "--into", "checklists.toml")
    assert third.lines[0].startswith("checklists.toml: 0 added, 1 updated, 0 unchanged, 1 gone")
    text = target.read_text(encoding="utf-8")
    assert "Take two backups" in text
    assert "# ours" in text
    assert 'guide = "Ours."' in text


def test_what_was_imported_can_be_walked(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "x.md").write_text(SHORT, encoding="utf-8")
    (opsdeck.folder / "opsdeck.toml").write_text("")
    opsdeck("import", "x.md", "--into", "checklists.toml")
    opsdeck("release", "start", "v1")
    assert opsdeck("attest", "going-live/take-a-backup").code == 0


def test_what_would_not_load_is_not_written(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "x.md").write_text(SHORT, encoding="utf-8")
    target = opsdeck.folder / "checklists.toml"
    broken = '[[checklist]]\nid = "x"\ncadense = "daily"\n'
    target.write_text(broken)

    result = opsdeck("import", "x.md", "--into", "checklists.toml")
    assert (result.code, result.out) == (65, "")
    assert 'unknown key "cadense"; did you mean "cadence"?' in result.err
    assert "not written" in result.err
    assert target.read_text() == broken

    target.write_text("[[[")
    assert opsdeck("import", "x.md", "--into", "checklists.toml").code == 65
    assert target.read_text() == "[[["


def test_what_cannot_be_imported_is_told(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "none.md").write_text("# No tasks\n\n- one\n")
    (opsdeck.folder / "bad.md").write_bytes(b"- [ ] \xff\n")
    (opsdeck.folder / "x.md").write_text(SHORT, encoding="utf-8")
    for arguments, code, message in [
        (("nowhere.md",), 66, "nowhere.md"),
        (("none.md",), 65, "has no task lists"),
        (("bad.md",), 65, "not UTF-8"),
        ((".",), 66, "."),
        (("x.md", "--into", "."), 65, "is a folder"),
        (("x.md", "--into", "nowhere/x.toml"), 74, "not saved"),
    ]:
        result = opsdeck("import", *arguments)
        assert (result.code, result.out) == (code, ""), arguments
        assert message in result.err
