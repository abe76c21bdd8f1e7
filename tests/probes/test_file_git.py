"""What git says of files, also in a repository that means harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.probes.partners_local import document, git, git_init, repository, see, write


async def test_tracked_and_ignored(tmp_path: Path) -> None:
    # GIVEN a repository with one file in it, one kept out and one neither
    repository(tmp_path, {"a.md": "a", ".gitignore": ".env\n", "-odd *[x].md": "b"})
    write(tmp_path, {".env": "A=1", "new.md": "n"})
    said = {
        name: (await document("file", tmp_path, path=name, git=True))["git"]
        for name in ("a.md", ".env", "new.md", "none.md")
    }
    assert [said["a.md"][k] for k in ("tracked", "ignored")] == [True, False]
    assert [said[".env"][k] for k in ("tracked", "ignored")] == [False, True]
    assert [said["new.md"][k] for k in ("tracked", "ignored")] == [False, False]
    assert [said["none.md"][k] for k in ("tracked", "ignored")] == [False, False]


async def test_touched_is_the_last_commit(tmp_path: Path) -> None:
    # GIVEN two files committed at different times and checked out just now
    repository(tmp_path, {"docs/a.md": "a", "docs/b.md": "b"}, at="2026-01-01T00:00:00+00:00")
    (tmp_path / "docs" / "b.md").write_text("changed")
    git(tmp_path, "commit", "-qam", "b", at="2026-10-01T00:00:00+00:00")
    # WHEN one is looked at
    one = await document("file", tmp_path, path="docs/a.md", git=True)
    # THEN it was touched when it was committed
    assert one["touched_age_s"] == one["git"]["last_commit_age_s"]
    assert one["touched_age_s"] > one["age_s"] + 86_400
    # AND of several, the newest by that is the newest
    many = await document("file", tmp_path, glob="docs/*.md", git=True)
    assert many["newest"]["path"] == "docs/b.md"
    assert many["oldest"]["touched_age_s"] == pytest.approx(one["touched_age_s"], abs=60)
    # AND without asking git, the checkout is all there is to go by
    assert (await document("file", tmp_path, path="docs/a.md"))["touched_age_s"] < 3600


async def test_a_shallow_clone_does_not_know_when(tmp_path: Path) -> None:
    # GIVEN a clone without history
    origin = repository(tmp_path / "origin", {"a.md": "a"}, at="2026-01-01T00:00:00+00:00")
    write(origin, {"b.md": "b"})
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "b", at="2026-11-20T00:00:00+00:00")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{origin}", str(clone))
    # THEN the only commit there is touched everything, and that is not passed off as news
    seen = await document("file", clone, path="a.md", git=True)
    assert seen["git"]["shallow"] is True
    assert seen["touched_age_s"] is None


async def test_a_file_in_another_repository(tmp_path: Path) -> None:
    # GIVEN an env file elsewhere, which that folder's own repository has
    repository(tmp_path / "etc", {"app.env": "A=1\n"})
    repository(tmp_path / "app", {"a.md": "a"})
    elsewhere = str(tmp_path / "etc" / "app.env")
    seen = await document("file", tmp_path / "app", path=elsewhere, git=True)
    assert seen["git"]["tracked"] is True
    # AND one in a folder of no repository
    write(tmp_path / "plain", {"app.env": "A=1\n"})
    elsewhere = str(tmp_path / "plain" / "app.env")
    seen = await document("file", tmp_path / "app", path=elsewhere, git=True)
    assert seen["git"]["repository"] is False


async def test_a_target_within_a_larger_repository(tmp_path: Path) -> None:
    repository(tmp_path, {"api/docs/a.md": "a", "api/k.js": "process.env.A", "web/b.js": "x"})
    seen = await document("file", tmp_path / "api", path="docs/a.md", git=True)
    assert seen["touched_age_s"] > seen["age_s"]
    many = await document("file", tmp_path / "api", glob="docs/*.md", git=True)
    assert many["newest"]["touched_age_s"] > many["newest"]["age_s"]
    assert (await document("file", tmp_path / "api", scan="variables"))["scan"]["files"] == 1


async def test_outside_a_repository(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    seen = await document("file", tmp_path, path="a.md", git=True)
    assert seen["git"]["repository"] is False
    assert seen["touched_age_s"] == seen["age_s"]


async def test_a_hostile_repository_runs_nothing(tmp_path: Path) -> None:
    # GIVEN a repository whose settings name a program wherever git would run one
    repository(tmp_path, {"a.md": "a", ".gitattributes": "*.md diff=evil filter=evil\n"})
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    evil.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.gitProxy",
        "gpg.program",
        "diff.evil.command",
        "diff.evil.textconv",
        "diff.external",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "credential.helper",
    ):
        git(tmp_path, "config", key, str(evil))
    git(tmp_path, "config", "log.showSignature", "true")
    git(tmp_path, "config", "alias.log", f"!{evil}")
    (tmp_path / ".git" / "hooks").mkdir(exist_ok=True)
    (tmp_path / ".git" / "hooks" / "post-index-change").symlink_to(evil)
    (tmp_path / "a.md").write_text("changed")
    # WHEN git is asked everything that is ever asked
    await document("file", tmp_path, path="a.md", git=True)
    await document("file", tmp_path, glob="*.md", git=True)
    await document("file", tmp_path, scan="secrets")
    # THEN none was run
    assert not (tmp_path / "ran").exists()


async def test_git_is_not_installed(tmp_path: Path) -> None:
    git_init(tmp_path)
    (tmp_path / "a.md").write_text("a")
    seen = await see("file", tmp_path, path="a.md", git=True, environ={"PATH": str(tmp_path)})
    assert (seen.cause, seen.document) == ("missing", None)
    assert "git is not installed" in seen.message
