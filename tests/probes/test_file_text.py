"""What a document says: sections, words, figures, contacts; and what a search finds in code."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsdeck.probes._file_scan import read_variables
from opsdeck.probes._file_text import about, said, sections, spans_of
from tests.probes.partners_local import document, write

PAGE = """\
# Operations

Intro.

## Rolling back <!-- remark -->

Who decides: the release lead. Run `deploy.sh PREVIOUS` within 5 minutes.

```sh
# Restore is no heading here
```

### Data

Migrations stay.

Restore
-------

TODO write this, ask <your name>
"""


def test_sections() -> None:
    found = [(s.heading, s.level) for s in sections(PAGE.splitlines())]
    assert found == [
        ("Operations", 1),
        ("Rolling back <!-- remark -->", 2),
        ("Data", 3),
        ("Restore", 2),
    ]


def test_the_section_about_a_subject() -> None:
    # GIVEN a page with a section about it, THEN that section with those below it counts
    part = about(PAGE, "operations", "rollback|rolling back")
    assert part is not None
    assert "Migrations stay" in part[1]
    assert "TODO" not in part[1]
    # AND a file named after the subject counts as a whole
    part = about("# How to return\nwords", "ROLLBACK-plan", "rollback")
    assert part is not None
    assert part[1].startswith("# How")
    # AND a page that only mentions it in passing does not
    assert about("# Deploy\nNo rollback today", "deploy", "rollback") is None


def test_what_is_said() -> None:
    found = said(PAGE, ["migrat|schema", "who\ndecides", "unicorn"], "within")
    assert found["contains"] == {"migrat|schema": True, "who\ndecides": True, "unicorn": False}
    assert found["lacks"] == ["unicorn"]
    assert found["unfinished"] == 2
    assert found["figure_s"] == 300


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("TODO: ask", 1),
        ("to be defined by <your team>, TBD", 3),
        ("Phone: [your number]", 1),
        ("who???", 1),
        ("ssh <host> and `logs [name]`, see [your page](x.md)", 0),
        ("<!-- TODO hidden -->", 1),
        ("mastodon, outdone", 0),
        ("The plan hasn't been written yet", 1),
        ("We have no restore procedure yet. It has not been documented yet.", 2),
        ("The contacts are to be confirmed; more is coming soon", 2),
        ("If the primary has not yet answered after 5 minutes, or no answer yet came, call", 0),
        ("What is not documented here is in the vendor's manual", 0),
    ],
)
def test_what_is_unfinished(text: str, wanted: int) -> None:
    assert said(text, [], "")["unfinished"] == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("RTO: 1 h", [3600]),
        ("The RTO is 90 minutes, not 2 days", [5400, 172_800]),
        ("RTO\n\n4 hours", []),
        ("| Service | RTO | RPO |\n|---|---|---|\n| api | 1 h | 5 min |", [3600]),
        ("| RPO | 5 min |\n| RTO | 2h |", [7200]),
        ("RTO 1.5h", [5400]),
        ("RTO must be low", []),
        ("Retorto 3 h", []),
        ("RTO v1.2.3 h", []),
        ("We have no RTO yet; 4 hours would be nice", []),
        ("An RTO of 4 h would be good", []),
        ("RTO: not agreed, perhaps 4 h", []),
        ("The RTO isn't defined. Last time it took 3 h", []),
        ("The RTO is 1 h. It was not signed in 2 days", [3600]),
        ("RTO: 1 h, not counting the night", [3600]),
        ("RTO: 1 h (with no data centre 4 h)", [3600, 14_400]),
    ],
)
def test_figures(text: str, wanted: list[float]) -> None:
    assert spans_of(text, "RTO|recovery time objective") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("call +49 30 1234567 or +1 (555) 123-4567", (0, 2, 0)),
        ("mail ops@opsdeck.dev, ops@opsdeck.dev and ada@example.com", (1, 0, 0)),
        ("https://status.opsdeck.dev/x http://example.org", (0, 0, 1)),
        ("2026-11-23 10:20:30 v1.2.3 0012345", (0, 0, 0)),
        ("<!-- +49 30 1234567 -->", (0, 0, 0)),
    ],
)
def test_contacts(text: str, wanted: tuple[int, int, int]) -> None:
    found = said(text, [], "")["contacts"]
    assert (found["emails"], found["phones"], found["links"]) == wanted


async def test_the_fullest_section_of_all_pages(tmp_path: Path) -> None:
    # GIVEN a page that names the subject in a heading and one that treats it
    write(
        tmp_path,
        {
            "README.md": "# App\n## Rollback\nsee docs\n",
            "docs/ops.md": "# Ops\n## Rollback\n" + "word " * 80,
            "node_modules/x/rollback.md": "word " * 500,
        },
    )
    seen = await document(
        "file", tmp_path, path=["*.md", "**/*.md"], section="rollback", contains=["wor"]
    )
    assert (seen["path"], seen["section"]) == ("docs/ops.md", "Rollback")
    assert seen["words"] == 81
    # AND where none treats it there is none
    seen = await document("file", tmp_path, path=["*.md", "**/*.md"], section="escalation")
    assert seen["exists"] is False


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("process.env.PORT", ["PORT"]),
        ("process.env['A_B'] ?? process.env?.C", ["A_B", "C"]),
        ("const { A, B: b, C = 'x' } = process.env;", ["A", "B", "C"]),
        ("import.meta.env.VITE_URL", ["VITE_URL"]),
        ('os.environ["X"]; os.environ.get("Y"); os.getenv("Z")', ["X", "Y", "Z"]),
        ('os.Getenv("G") std::env::var("R") ENV["U"] ENV.fetch("V")', ["G", "R", "U", "V"]),
        ("process.env.HOME; process.env.npm_package_version", []),
        ("environment.name; process.envelope.X", []),
    ],
)
def test_variables_that_code_reads(code: str, names: list[str]) -> None:
    assert sorted(set(read_variables(code))) == names
