"""Task lists as people write them, one file a style."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsdeck.catalog.load import parse_checklists
from opsdeck.catalog.markdown_merge import merge_into
from opsdeck.catalog.markdown_read import import_markdown, read_markdown
from opsdeck.catalog.markdown_values import ImportedChecklist, ImportedItem

STYLES = Path(__file__).parent.parent / "data" / "markdown"


def imported(name: str) -> tuple[ImportedChecklist, ...]:
    return import_markdown(read_markdown(STYLES / name), name)


def items(name: str) -> dict[str, ImportedItem]:
    return {item.text: item for checklist in imported(name) for item in checklist.items}


# (title, section, cadence, number of items) of each checklist.
OUTLINES = {
    "details.md": [
        ("Onboarding", "Handbook", "standing", 6),
        ("Offboarding", "Handbook", "standing", 1),
    ],
    "front-end.md": [
        ("Meta tag", "Head", "standing", 3),
        ("Best practices", "HTML", "standing", 3),
    ],
    "guides.md": [("TLS", "Operations", "standing", 3)],
    "html-lists.md": [
        ("Deploy & verify", "Html lists", "release", 9),
        ("Database", "Deploy & verify", "release", 2),
    ],
    "issue-template.md": [
        ("Release checklist", "Release checklist", "release", 3),
        ("Announce", "Release checklist", "release", 2),
    ],
    "kubernetes.md": [
        ("Kubernetes production checklist", "Kubernetes production checklist", "standing", 3),
        ("Workloads", "Kubernetes production checklist", "standing", 2),
        ("Cluster", "Kubernetes production checklist", "standing", 2),
        ("Network", "Kubernetes production checklist", "standing", 6),
    ],
    "languages.md": [
        ("Перед выкладкой", "Чек-лист релиза 🚀", "standing", 3),
        ("上线检查", "Чек-лист релиза 🚀", "standing", 2),
        ("Größe & Übergang", "Чек-лист релиза 🚀", "standing", 4),
    ],
    "launch.md": [
        ("SEO", "Pre-launch", "release", 3),
        ("Legal & Privacy", "Pre-launch", "release", 2),
        ("Go-live", "Website launch checklist", "release", 3),
        ("Every day", "Aftercare", "daily", 1),
        ("Weekly report", "Aftercare", "weekly", 1),
        ("Each month", "Aftercare", "monthly", 1),
        ("Some day", "Aftercare", "standing", 1),
    ],
    "not-tasks.md": [("Real", "Documentation of task lists", "standing", 1)],
    "numbered.md": [
        ("Lose a node", "Scenarios", "standing", 2),
        ("Lose a zone", "Scenarios", "standing", 3),
        ("Both", "Scenarios", "standing", 1),
        ("Direct", "Failover drill", "standing", 1),
    ],
    "pull-request.md": [
        ("Type of change", "Pull request", "standing", 2),
        ("Checklist:", "Pull request", "standing", 3),
    ],
    "quotes.md": [
        ("Quoted part", "Outer", "standing", 3),
        ("Outer", "Runbook", "standing", 1),
        ("Setext in a quotation", "Runbook", "standing", 1),
    ],
    "same-titles.md": [
        ("Security", "Web", "standing", 1),
        ("Monitoring", "Web", "standing", 1),
        ("Security", "API", "standing", 1),
        ("Monitoring", "API", "standing", 1),
        ("Prepare", "Data", "standing", 1),
        ("Prepare", "Data", "standing", 1),
        ("Notes", "Platform", "standing", 1),
        ("Notes", "Platform", "standing", 1),
    ],
    "security.md": [
        ("Authentication", "Application security", "standing", 7),
        ("Multi-factor", "Authentication", "standing", 2),
        ("Input", "Application security", "standing", 2),
    ],
    "windows-notes.md": [
        ("Windows notes", "Windows notes", "standing", 1),
        ("Patch day", "Windows notes", "standing", 2),
        ("Second title", "Windows notes", "standing", 1),
    ],
}


def test_every_file_is_expected_here() -> None:
    assert sorted(OUTLINES) == sorted(path.name for path in STYLES.glob("*.md"))


@pytest.mark.parametrize("name", OUTLINES)
def test_outline(name: str) -> None:
    found = [(c.title, c.section, c.cadence, len(c.items)) for c in imported(name)]
    assert found == OUTLINES[name]


@pytest.mark.parametrize("name", OUTLINES)
def test_the_catalog_takes_it_as_it_is(name: str) -> None:
    text = merge_into(None, imported(name), name).text
    catalog, faults = parse_checklists(text, "checklists.toml")
    assert faults == ()
    assert len(catalog.checklists) == len(OUTLINES[name])


TEXTS = {
    "front-end.md": [
        "Doctype: High The Doctype is HTML5 and is at the top of all your HTML pages.",
        "Charset: High The charset (`UTF-8`) is declared correctly.",
        (
            "Title: High A title is used on all pages (SEO: Google calculates the pixel width, "
            "472 < x < 482 pixels)."
        ),
        (
            "HTML5 Semantic Elements: High HTML5 Semantic Elements are used (header, section, "
            "footer, main…)."
        ),
        (
            "Error pages: High Error 404 page and 5xx exist. Remember that the 5xx error pages "
            "need to have their CSS integrated (no external call)."
        ),
        (
            'Noopener: Medium With `target="_blank"`, links have `rel="noopener"`. See about '
            "rel=noopener."
        ),
    ],
    "html-lists.md": [
        "Build is green",
        'Tagged "v1"',
        "Tag is signed",
        "In a Markdown list",
        "Smoke test",
        "Load test at twice the peak",
        "Rollback tried",
        "Loose one",
        "Loose two",
        "Migrations run",
        "Rows counted",
    ],
    "issue-template.md": [
        "I have read the contributing guide",
        "The version is bumped",
        "Changelog entry",
        "Post in #releases",
        "Mail the list",
    ],
    "launch.md": [
        "`robots.txt` does not block everything",
        "XML sitemap submitted https://search.example.org/sitemaps",
        "AMP pages",
        "Cookie notice — opt‑in, not opt-out",
        'Privacy policy <reviewed> by "legal"',
        "Lower DNS TTL to 300 s",
        "Switch DNS",
        "Watch errors for one hour at least",
        "Look at the error rate",
        "Send numbers",
        "Invoice",
        "Clean up",
    ],
    "not-tasks.md": ["the only one, with a fence"],
    "quotes.md": [
        "in the quotation",
        "nested in it",
        "twice quoted",
        "after the quotation",
        "numbered in it",
    ],
    "windows-notes.md": ["before any heading", "Snapshot taken", "Users told", "Done"],
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str) -> None:
    assert [item.text for c in imported(name) for item in c.items] == TEXTS[name]


def test_groups_are_the_parents_inside_a_checklist() -> None:
    security = items("security.md")
    assert security["also on change"].group == (
        "1.2 Passwords",
        "1.2.2 Checked against leaked ones",
    )
    assert security["Cookies are `Secure`"].group == ("1.2 Passwords", "Session handling")
    assert security["Codes are single use"].group == ("Recovery",)
    numbered = items("numbered.md")
    assert numbered["Traffic drains"].group == ()
    assert numbered["Restore from snapshot"].group == ("Storage", "Slow path")
    assert items("quotes.md")["nested in it"].group == ("in the quotation",)
    assert items("html-lists.md")["Tag is signed"].group == ('Tagged "v1"',)


def test_details_are_groups_while_they_are_open() -> None:
    details = items("details.md")
    assert details["Laptop handed over"].group == ("First day 🚀",)
    assert details["VPN key issued"].group == ("First day 🚀", "VPN")
    assert details["Tour of the office"].group == ()
    assert details["Backup"].guide == "Run `backup.sh` and look at its exit status."
    assert details["Inside the open one"].group == ("Never closed",)
    assert details["Laptop returned"].group == ()


def test_notes_say_what_the_text_does_not() -> None:
    security, launch, pull = items("security.md"), items("launch.md"), items("pull-request.md")
    rfc = security["1.1 Use TLS everywhere, see RFC 8446 and RFC 8446"]
    assert rfc.note == "See https://www.rfc-editor.org/rfc/rfc8446"
    assert launch["AMP pages"].note == "ticked in launch.md when imported"
    assert launch["Switch DNS"].note is None
    assert launch["XML sitemap submitted https://search.example.org/sitemaps"].note is None
    style = pull["My code follows the style guidelines of this project"]
    assert style.note == "ticked in pull-request.md when imported. See docs/STYLE.md"
    signed = items("html-lists.md")["Tag is signed"]
    assert signed.note == "See https://git.example.org/signed"


def test_addresses_stay_as_they_are_written() -> None:
    markdown = "- [ ] a [b](https://x.example/grün?q=ä) [c](<d e.md>) [f](javascript:alert)"
    (item,) = import_markdown(markdown, "x.md")[0].items
    assert item.note == "See https://x.example/grün?q=ä, d e.md"


def test_guide_is_what_stands_below_a_task() -> None:
    guides = items("guides.md")
    assert guides["Certificate valid for 30 days"].guide.splitlines() == [
        "Run this and read the date, see the manual (https://openssl.example.org/s_client):",
        "openssl s_client -connect example.org:443 </dev/null \\",
        "  | openssl x509 -noout -enddate",
        "- Renew with certbot",
        "  - then reload nginx",
        '1. Tell "ops"',
        "Old clients need RSA.",
        "443 | web",
    ]
    assert guides["HSTS header sent"].guide == ""
    assert items("not-tasks.md")["the only one, with a fence"].guide.startswith("- [ ] in a fence")


def test_table_rows() -> None:
    lists = {c.title: c.items for c in imported("kubernetes.md")}
    first = lists["Kubernetes production checklist"]
    assert [(i.text, i.guide) for i in first] == [
        ("Readiness probes", "Owner: Platform"),
        ("Liveness probes | only where a restart helps", "Owner: Platform"),
        ("Resource limits", ""),
    ]
    assert first[1].note == "ticked in kubernetes.md when imported"
    assert [i.guide for i in lists["Workloads"]] == [
        "Why: `runAsNonRoot: true` limits a breakout",
        "Why: Node drains",
    ]
    backed_up = [(i.id, i.group, bool(i.note)) for i in lists["Cluster"]]
    assert backed_up == [
        ("etcd-backed-up", ("Staging",), True),
        ("etcd-backed-up-production", ("Production",), False),
    ]
    assert [(i.text, i.guide) for i in lists["Network"]] == [
        ("TLS only", "Topic: Ingress"),
        ("HSTS on", "Topic: Ingress"),
        ("HTTP redirects", "Topic: Ingress"),
        ("Default deny", "Topic: Policies"),
        ("DNS allowed", "Topic: Policies"),
        ("CoreDNS has two replicas", "Topic: DNS"),
    ]


@pytest.mark.parametrize(
    ("markdown", "texts"),
    [
        ("- [ ] one\r\n- [x] two\r", ["one", "two"]),
        ("\ufeff- [ ] one", ["one"]),
        ("- [ ]\tone", ["one"]),
        ("- [\u00a0] one", ["one"]),
        ("- [ ] a\x07\x1b[31mb\x00c\u202e", ["a[31mbc"]),
        ("- [ ] a &#98;&nbsp;&eacute;", ["a b é"]),
        ("- [ ] <kbd>Ctrl</kbd>+<b>C</b><br>now", ["Ctrl+C now"]),
        ("- [ ] ![](x.png)\n- [ ] ![a *b*](x.png)", ["a b"]),
        ("- [ ] ![x](data:image/png;base64," + "A" * 50_000 + ") logo", ["x logo"]),
        ("- [ ] ``a ` b``", ["`a ` b`"]),
        ("- [ ] :rocket: up \\*\\_", [":rocket: up *_"]),
        ("- [ ] <!-- only a comment -->", []),
        ("- - [ ] list in a list", ["list in a list"]),
        ("- # [ ] heading\n- [ ] a", ["a"]),
        ("---\n\n- [ ] after a rule\n\n---\n", ["after a rule"]),
        ("---\ntitle: x\ntasks:\n---\n- [ ] a\n", ["a"]),
        ("---\ntitle: x\n\n- [ ] between rules\n\n---\n", ["between rules"]),
        ("+++\ntitle = 'x'\n+++\n- [ ] a\n", ["a"]),
        ("<!-- never closed\n\n- [ ] a", []),
        ("- <!-- never closed\n\n- [ ] a", ["a"]),
        ("", []),
    ],
)
def test_small_cases(markdown: str, texts: list[str]) -> None:
    found = import_markdown(markdown, "x.md")
    assert [item.text for checklist in found for item in checklist.items] == texts


@pytest.mark.parametrize(
    ("markdown", "name", "title"),
    [
        ("- [ ] a", "LAUNCH_CHECK-LIST.md", "Launch check list"),
        ("- [ ] a", "docs/My List.markdown", "My List"),
        ("- [ ] a", ".md", "Checklist"),
        ("---\ntitle: Run book\n---\n- [ ] a", "x.md", "Run book"),
        ("- [ ] a\n# Title\n- [ ] b", "x.md", "Title"),
        ("##\n- [ ] a", "x.md", "X"),
        ("## A `b` [c](d) {#anchor}\n- [ ] a", "x.md", "A `b` c"),
    ],
)
def test_title_of_the_document(markdown: str, name: str, title: str) -> None:
    (checklist,) = import_markdown(markdown, name)
    assert checklist.title == title


def test_long_items() -> None:
    whole, cut = "word " * 240, "x" * 5_000
    first, second = import_markdown(f"- [ ] {whole}\n- [ ] {cut}\n", "x.md")[0].items
    assert first.text == whole.strip()
    assert first.note is None
    assert len(second.text) == 4_000
    assert second.text.endswith("x…")
    assert second.note == "cut from 5,000 characters in x.md"


def test_guides_are_bounded() -> None:
    below = "".join(f"  paragraph {n} of many\n\n" for n in range(1_000))
    (item,) = import_markdown(f"- [ ] a\n\n{below}", "x.md")[0].items
    assert len(item.guide) <= 4_000
    assert item.guide.endswith("…")
