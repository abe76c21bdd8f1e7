"""Loading files as they may lie on a disk, and laying a team's file over the shipped one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opsdeck.catalog.load import (
    CatalogFaults,
    load_catalog,
    parse_checklists,
    read_toml,
    shipped_checklists_path,
)
from opsdeck.catalog.model import Catalog
from opsdeck.errors import DataError
from tests.catalog.privileges import without_privileges

SHIPPED = """\
[[checklist]]
id = "web"
title = "Web"
section = "Before"
cadence = "release"
item = [
  { id = "tls", text = "Certificate valid", guide = "Look.", valid_for = "1d" },
  { id = "dns", text = "Name resolves" },
]

[[checklist]]
id = "db"
title = "Database"
section = "Before"
cadence = "release"
item = [{ id = "backup", text = "Backed up" }]

[[checklist]]
id = "daily"
title = "Daily"
section = "Operations"
cadence = "daily"
item = [{ id = "logs", text = "Logs read" }]
"""

NEW = """\
[[checklist]]
id = "{id}"
title = "New"
section = "{section}"
cadence = "weekly"
item = [{{ id = "x", text = "X" }}]
"""


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    path = tmp_path / "shipped.toml"
    path.write_text(SHIPPED)
    return path


@pytest.fixture
def team(tmp_path: Path) -> Path:
    return tmp_path / "checklists.toml"


def faults_of(shipped: Path, team: Path | None = None) -> list[str]:
    """The faults of a load that must fail, without the folder."""
    with pytest.raises(CatalogFaults) as caught:
        load_catalog(shipped, team)
    assert str(caught.value)
    return [str(fault).replace(f"{shipped.parent}/", "") for fault in caught.value.faults]


def outline(catalog: Catalog) -> dict[str, list[str]]:
    return {c.id: [i.id for i in c.items] for c in catalog.checklists}


def test_a_whole_catalog_says_where_it_is_from(shipped: Path, team: Path) -> None:
    team.write_text(NEW.format(id="new", section="Elsewhere"))
    catalog = load_catalog(shipped, team)
    assert catalog.sources == (str(shipped), str(team))
    assert catalog.item_count == 5


# --- files as they lie on a disk


def test_a_missing_file(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path / "none.toml")
    assert fault == "none.toml: does not exist; check the path or create the file"


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert faults_of(tmp_path / "folder") == [
        "folder: is a folder, not a file; name a regular file"
    ]


def test_a_file_behind_a_file(shipped: Path) -> None:
    with pytest.raises(CatalogFaults, match="cannot be read: Not a directory"):
        load_catalog(shipped / "checklists.toml")


def test_a_link_that_leads_nowhere_or_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to("nothing")
    (tmp_path / "circle").symlink_to("circle")
    assert "does not exist" in faults_of(tmp_path / "broken")[0]
    assert "cannot be read: Too many levels" in faults_of(tmp_path / "circle")[0]


def test_a_named_pipe_a_socket_and_a_device_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket"))
        begun = time.monotonic()
        assert "is a named pipe" in faults_of(tmp_path / "pipe")[0]
        assert "is a socket" in faults_of(tmp_path / "socket")[0]
        assert "is a device" in faults_of(Path("/dev/zero"))[0]
    assert time.monotonic() - begun < 1


def test_fifty_megabytes_of_junk_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "junk.toml"
    with path.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    begun = time.monotonic()
    (fault,) = faults_of(path)
    assert fault == "junk.toml: is 50.0 MB; at most 10 MB are read: is it the right file?"
    assert time.monotonic() - begun < 0.5


def test_a_file_that_hides_its_size_is_read_only_so_far() -> None:
    # GIVEN a regular file whose size is 0 until one reads it
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("needs /proc")
    # THEN what it holds is judged, not its size
    with pytest.raises(CatalogFaults, match="not valid TOML"):
        load_catalog(status)


def test_an_unreadable_file_or_folder(nobodys_folder: Path) -> None:
    folder = nobodys_folder / "folder"
    folder.mkdir()
    for path in (nobodys_folder / "shipped.toml", folder / "shipped.toml"):
        path.write_text(SHIPPED)
    (nobodys_folder / "shipped.toml").chmod(0)
    folder.chmod(0)
    with without_privileges():
        told = "shipped.toml: may not be read; check the rights of the file and its folders"
        assert faults_of(nobodys_folder / "shipped.toml") == [told]
        assert faults_of(folder / "shipped.toml") == [told]
    folder.chmod(0o700)


def test_a_name_that_no_file_can_have() -> None:
    with pytest.raises(CatalogFaults, match="cannot be read"):
        load_catalog(Path("a\0b"))
    with pytest.raises(CatalogFaults, match="cannot be read: File name too long"):
        load_catalog(Path("x" * 5_000))


def test_not_utf8_says_byte_and_line(shipped: Path) -> None:
    shipped.write_bytes(SHIPPED.encode()[:30] + b"\xe9" + SHIPPED.encode()[30:])
    assert faults_of(shipped) == [
        "shipped.toml:3: not UTF-8: byte 0xe9 at offset 30 (line 3); save the file as UTF-8"
    ]


def test_bad_toml_says_line_and_column(shipped: Path) -> None:
    shipped.write_text(SHIPPED.replace('title = "Database"', "title = Database"))
    (fault,) = faults_of(shipped)
    assert fault.startswith("shipped.toml:13:9: not valid TOML: Invalid value")


def test_read_toml_gives_plain_values_or_the_fault(shipped: Path) -> None:
    assert read_toml(shipped)["checklist"][1]["id"] == "db"
    with pytest.raises(DataError, match="does not exist") as caught:
        read_toml(shipped.with_name("none"))
    assert caught.value.exit_code == 65


def test_faults_of_both_files_are_told_together(shipped: Path, team: Path) -> None:
    shipped.write_text(SHIPPED.replace('"daily"\nitem', '"hourly"\nitem'))
    team.write_text("omit = 5\nother = 1\n")
    found = faults_of(shipped, team)
    assert [fault.split(":")[0] for fault in found] == ["shipped.toml"] + ["checklists.toml"] * 2


# --- a team's file over the shipped one


def test_same_id_replaces_only_what_is_given(shipped: Path, team: Path) -> None:
    team.write_text(
        '[[checklist]]\nid = "web"\ncadence = "weekly"\n'
        '[[checklist.item]]\nid = "cdn"\ntext = "CDN serves"\n'
        '[[checklist.item]]\nid = "tls"\ntext = "Certificate renewed"\n'
    )
    catalog = load_catalog(shipped, team)
    assert outline(catalog) == {
        "web": ["tls", "dns", "cdn"],
        "db": ["backup"],
        "daily": ["logs"],
    }
    web = catalog.checklists[0]
    assert (web.title, web.section, web.cadence) == ("Web", "Before", "weekly")
    # The item is replaced whole: nothing of the shipped one shines through.
    assert (web.items[0].text, web.items[0].guide, web.items[0].valid_for_s) == (
        "Certificate renewed",
        "",
        None,
    )


def test_a_known_checklist_may_change_its_title_alone(shipped: Path, team: Path) -> None:
    team.write_text('[[checklist]]\nid = "db"\ntitle = "Postgres"\n')
    catalog = load_catalog(shipped, team)
    assert [c.title for c in catalog.checklists] == ["Web", "Postgres", "Daily"]
    assert outline(catalog)["db"] == ["backup"]


@pytest.mark.parametrize(
    ("section", "order"),
    [
        ("Before", ["web", "db", "new", "daily"]),
        ("Operations", ["web", "db", "daily", "new"]),
        ("Elsewhere", ["web", "db", "daily", "new"]),
    ],
)
def test_a_new_checklist_comes_last_in_its_section(
    shipped: Path, team: Path, section: str, order: list[str]
) -> None:
    team.write_text(NEW.format(id="new", section=section))
    assert list(outline(load_catalog(shipped, team))) == order


@pytest.mark.parametrize(
    ("omit", "left"),
    [
        ('["db"]', {"web": ["tls", "dns"], "daily": ["logs"]}),
        ('["web/tls", "daily"]', {"web": ["dns"], "db": ["backup"]}),
        ('["db", "db/backup"]', {"web": ["tls", "dns"], "daily": ["logs"]}),
    ],
)
def test_omit_hides(shipped: Path, team: Path, omit: str, left: dict[str, list[str]]) -> None:
    team.write_text(f"omit = {omit}\n")
    assert outline(load_catalog(shipped, team)) == left


def test_omit_and_define_replaces_whole(shipped: Path, team: Path) -> None:
    team.write_text('omit = ["web"]\n' + NEW.format(id="web", section="Before"))
    assert outline(load_catalog(shipped, team)) == {
        "db": ["backup"],
        "web": ["x"],
        "daily": ["logs"],
    }


def test_omit_of_everything_leaves_what_the_team_adds(shipped: Path, team: Path) -> None:
    team.write_text('omit = ["*"]\n' + NEW.format(id="own", section="Own"))
    assert outline(load_catalog(shipped, team)) == {"own": ["x"]}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            'omit = ["wbe"]',
            '1: key omit: "wbe" is no shipped checklist or item; did you mean "web"?',
        ),
        ('omit = ["web/tsl"]', 'did you mean "web/tls"?'),
        ('omit = ["*"]', "1: key omit: hides every checklist and the file adds none"),
        (
            'omit = ["db/backup"]',
            '1: checklist db, key omit: nothing is left of it: omit "db" whole',
        ),
        ("", "key checklist: has no checklists: add [[checklist]] blocks, or remove the file"),
        (
            NEW.format(id="new", section="S").replace('title = "New"\n', ""),
            "1: checklist new, key title: missing: it is required for a new checklist",
        ),
        (
            NEW.format(id="new", section="S").split("item =")[0],
            "1: checklist new, key item: missing: no items; add [[checklist.item]] blocks",
        ),
    ],
)
def test_what_cannot_be_laid_over(shipped: Path, team: Path, text: str, fault: str) -> None:
    team.write_text(text)
    (found,) = faults_of(shipped, team)
    assert found.startswith("checklists.toml:")
    assert fault in found


def test_a_misspelt_checklist_is_told_the_one_it_meant(shipped: Path, team: Path) -> None:
    team.write_text('[[checklist]]\nid = "dayly"\ntitle = "Every day"\n')
    found = faults_of(shipped, team)
    assert [fault.split("key ")[1].split(":")[0] for fault in found] == [
        "section",
        "cadence",
        "item",
    ]
    assert all('did you mean "daily"?' in fault for fault in found)


def test_an_incomplete_shipped_file_is_told_all_that_is_missing(shipped: Path) -> None:
    shipped.write_text('[[checklist]]\nid = "a"\n')
    assert len(faults_of(shipped)) == 4


# --- cost


def test_reading_the_catalog_imports_nothing_heavy(shipped: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from opsdeck.catalog.load import load_catalog;"
        "import opsdeck.catalog.config, opsdeck.catalog.watch, opsdeck.catalog.edit;"
        f"load_catalog(Path({str(shipped)!r}));"
        "heavy = {'tomlkit', 'jmespath', 'textual', 'rich', 'click', 'difflib', 'zoneinfo'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ten_thousand_items_load_in_a_moment() -> None:
    items = "".join(f'[[checklist.item]]\nid = "i{n}"\ntext = "{n} x"\n' for n in range(10_000))
    begun = time.monotonic()
    raw, faults = parse_checklists(SHIPPED.split("item =")[0] + items, "f.toml")
    assert faults == ()
    assert len(raw.checklists[0].items) == 10_000
    assert time.monotonic() - begun < 5


def test_the_shipped_catalog_is_beside_the_package_or_in_it() -> None:
    path = shipped_checklists_path()
    assert path.name == "checklists.toml"
    assert (path.parent.name == "shipped") or (path.parent / "src" / "opsdeck").is_dir()


# --- read-do lists


def read_do(catalog: Catalog) -> list[str]:
    """The ids of its read-do lists."""
    return [checklist.id for checklist in catalog.checklists if checklist.read_do]


def test_a_team_makes_a_shipped_list_read_do_without_repeating_it(
    shipped: Path, team: Path
) -> None:
    # GIVEN a shipped catalog in which no list is read-do
    before = load_catalog(shipped)
    assert read_do(before) == []
    # WHEN a team says it of one, and hides an item of that
    team.write_text('omit = ["web/dns"]\n[[checklist]]\nid = "web"\nread_do = true\n')
    # THEN it is so, and everything else stays
    after = load_catalog(shipped, team)
    assert read_do(after) == ["web"]
    assert outline(after) == {"web": ["tls"], "db": ["backup"], "daily": ["logs"]}
    assert [c.title for c in after.checklists] == [c.title for c in before.checklists]


@pytest.mark.parametrize(("said", "found"), [("read_do = false\n", []), ("", ["web"])])
def test_a_read_do_list_stays_so_unless_the_team_says_otherwise(
    shipped: Path, team: Path, said: str, found: list[str]
) -> None:
    shipped.write_text(SHIPPED.replace('id = "web"', 'id = "web"\nread_do = true', 1))
    team.write_text(f'omit = ["web/dns"]\n[[checklist]]\nid = "web"\n{said}title = "Our web"\n')
    assert read_do(load_catalog(shipped, team)) == found


def test_a_new_list_may_be_read_do(shipped: Path, team: Path) -> None:
    new = NEW.format(id="new", section="Before")
    team.write_text(new.replace('id = "new"', 'id = "new"\nread_do = true'))
    assert read_do(load_catalog(shipped, team)) == ["new"]


def test_no_shipped_list_is_read_do() -> None:
    assert read_do(load_catalog(shipped_checklists_path())) == []


@pytest.mark.parametrize(
    ("value", "found"), [('"yes"', '"yes"'), ("1", "the integer 1"), ("[]", "an empty list")]
)
def test_read_do_is_true_or_false(shipped: Path, value: str, found: str) -> None:
    shipped.write_text(SHIPPED.replace('id = "db"', f'id = "db"\nread_do = {value}', 1))
    (fault,) = faults_of(shipped)
    assert "checklist db, key read_do: is " in fault
    assert fault.endswith("it must be true or false, without quotes")
    assert found in fault
