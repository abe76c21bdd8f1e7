"""What a document says: sections, words, figures, contacts; and what a search finds in code."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.probes._file_rules import RULES
from opsdeck.probes._file_scan import read_variables, secrets_in
from opsdeck.probes._file_text import about, said, sections, spans_of
from tests.probes.partners_local import document, repository, write

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


# Put together here, so that no scanner takes this file for a leak.
LEAKS = {
    "aws-access-key": "key = AKIA" + "Q3EGRIZLKQ7TWXYB",
    "private-key": "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEowIBAAKCAQEAx0\n",
    "uri-with-password": "mongodb+srv://app:" + "h7Gk2pQ9@db.opsdeck.dev/app",
    "github-token": "ghp_" + "a8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4Jh8Gs2P",
    "gitlab-token": "glpat-" + "x8Kq02LmZx9Rt5Vb7Nc3",
    "slack-token": "xoxb-" + "123456789012-a8Kq02LmZx9R",
    "slack-webhook": "https://hooks.slack.com/services/T0A1B2C3D/B0A1B2C3D/a8Kq02LmZx9Rt5Vb7Nc3",
    "stripe-key": "sk_live_" + "a8Kq02LmZx9Rt5Vb7Nc3",
    "google-key": "AIza" + "SyA8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4Jh8G",
    "npm-token": "npm_" + "a8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4Jh8Gs2P",
    "sendgrid-key": "SG." + "a8Kq02LmZx9Rt5Vb7Nc3Yd.1We6Uf4Jh8Gs2Pa8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4J",
    "openai-key": "sk-proj-" + "a8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4Jh8Gs2P",
    "assigned-secret": "const clientSecret = '" + "a8Kq02LmZx9Rt5Vb7" + "';",
}


@pytest.mark.parametrize("rule", sorted({rule.name for rule in RULES}))
def test_secrets_are_found(rule: str) -> None:
    places = secrets_in(f"first line\n\n  {LEAKS[rule]}\n")
    assert (3, rule) in places


@pytest.mark.parametrize(
    "line",
    [
        "const secret = process.env.SECRET;",
        "password: ${DB_PASSWORD}",
        "SESSION_SECRET=changeme",
        "API_KEY=your-api-key-here",
        "token = 'AKIAIOSFODNN7EXAMPLE'",
        "mongodb://user:<password>@localhost/db",
        "mongodb://user:password@localhost/db",
        "mongodb://user:${PASSWORD}@db/app",
        "if (password === 'user.password.too.short') {",
        "tokenType: 'Bearer-Authorization'",
        "secretName: 'production-tls-certificate'",
        LEAKS["stripe-key"] + "  # gitleaks:allow",
        "https://example.com:443/a@b",
    ],
)
def test_what_is_no_secret(line: str) -> None:
    assert secrets_in(line + "\n") == []


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(LEAKS)), st.integers(0, 20_000), st.text("ab \n", max_size=50))
def test_a_secret_is_found_wherever_it_lies(rule: str, offset: int, after: str) -> None:
    text = ("x y\n" * 6_000)[:offset] + "\n" + LEAKS[rule] + "\n" + after
    assert any(name == rule for _, name in secrets_in(text))


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


async def test_a_search_of_a_repository(tmp_path: Path) -> None:
    # GIVEN a repository with a leak in a tracked file, and one in a file that git ignores
    repository(
        tmp_path,
        {
            "src/app.js": f"\n\nconst k = '{LEAKS['stripe-key']}'\nprocess.env.PORT\n",
            "logo.png": LEAKS["github-token"],
            "test/fake.js": LEAKS["npm-token"],
            ".gitignore": ".env\n",
        },
    )
    write(tmp_path, {".env": LEAKS["aws-access-key"]})
    # WHEN it is searched but for its tests
    scan = (await document("file", tmp_path, scan="secrets", ignore=["test"]))["scan"]
    # THEN the place is named, and the secret is not
    assert scan["found"] == [{"path": "src/app.js", "line": 3, "rule": "stripe-key"}]
    assert (scan["count"], scan["unread"], scan["listed_by"]) == (1, 0, "git")
    # AND what it reads from its environment is compared with the example
    write(tmp_path, {".env.example": "OTHER=\n"})
    seen = await document("file", tmp_path, path=".env.example", scan="variables")
    assert seen["scan"]["undocumented"] == ["PORT"]


async def test_a_folder_without_git_is_searched_too(tmp_path: Path) -> None:
    write(tmp_path, {"a/app.py": LEAKS["npm-token"], ".env": LEAKS["npm-token"]})
    write(tmp_path, {"node_modules/x.js": LEAKS["npm-token"], "big.txt": "x" * 1_100_000})
    scan = (await document("file", tmp_path, scan="secrets"))["scan"]
    assert scan["found"] == [{"path": "a/app.py", "line": 1, "rule": "npm-token"}]
    # AND a file too large to be read is owned up to
    assert (scan["listed_by"], scan["unread"]) == ("walk", 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('const password = "hunter2' + 'secretpw";', 1),
        ('client.connect({user: "root", password: "Sup3r' + 'S3cret!"})', 1),
        ("const password = process.env.DB_PASSWORD1", 0),
        ('password: "changeme1"', 0),
        ('passwordField: "input1field"', 0),
    ],
)
async def test_passwords_that_people_choose(tmp_path: Path, text: str, found: int) -> None:
    # GIVEN code with a password of words, or with none  WHEN it is scanned THEN it is told
    (tmp_path / "a.js").write_text(f"{text}\n")
    assert (await document("file", tmp_path, scan="secrets"))["scan"]["count"] == found
