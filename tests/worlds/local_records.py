"""Worlds of what this machine keeps a record of: its packages, and OpsDeck's journal.

apt is Debian's own, over a system of the test's own; the journal is a deck's.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsdeck.deck import open_deck
from opsdeck.deck_facts import DeckFacts
from opsdeck.runs import acts
from tests.probes.partners_local import write
from tests.worlds.harness import Setting, World

Setup = Callable[[Path], AbstractContextManager[Setting]]

# -- packages ------------------------------------------------------------------------------------

_APT = """\
Dir "{root}";
Dir::State "state";
Dir::State::status "{root}/status";
Dir::Cache "cache";
Dir::Etc "etc";
APT::Architecture "amd64";
APT::Architectures "amd64";
"""
_ARCHIVE = "http://deb.debian.org/debian"
_STATUS = """\
Package: libssl3
Status: install ok installed
Priority: optional
Section: libs
Maintainer: Debian
Architecture: amd64
Version: {version}
Description: TLS

"""
_RELEASE = """\
Origin: Debian
Label: {label}
Suite: {suite}
Codename: {suite}
Architectures: amd64
Components: main
"""
_PACKAGES = """\
Package: libssl3
Version: 3.0.13-1
Architecture: amd64
Maintainer: Debian
Filename: pool/libssl3.deb
Size: 1
Description: TLS

"""


def apt(installed: str, *, archive: str = "bookworm-security", age_days: float = 0) -> Setup:
    """Debian's own apt over a system of the test's own: one package, one archive."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        if shutil.which("apt-get") is None:
            pytest.skip("apt is not installed here")
        security = archive.endswith("-security")
        name = f"deb.debian.org_debian_dists_{archive}"
        label = "Debian-Security" if security else "Debian"
        lists = tmp_path / "state" / "lists"
        write(
            tmp_path,
            {
                "apt.conf": _APT.format(root=tmp_path),
                "status": _STATUS.format(version=installed),
                "etc/sources.list": f"deb [trusted=yes] {_ARCHIVE} {archive} main\n",
                "etc/apt.conf.d/none": "",
                f"state/lists/{name}_InRelease": _RELEASE.format(label=label, suite=archive),
                f"state/lists/{name}_main_binary-amd64_Packages": _PACKAGES,
                "state/lists/partial/none": "",
                "cache/archives/partial/none": "",
            },
        )
        (lists / "partial" / "none").unlink()
        then = time.time() - age_days * 86_400
        for folder in (lists / "partial", lists):
            os.utime(folder, (then, then))
        environ = {
            **os.environ,
            "APT_CONFIG": str(tmp_path / "apt.conf"),
            "REBOOT_FLAG": str(tmp_path / "reboot-required"),
        }
        yield Setting({}, environ, tmp_path)

    return setup


@contextmanager
def reboot_due(tmp_path: Path) -> Iterator[Setting]:
    """Everything is installed, and the kernel waits for a reboot."""
    with apt("3.0.13-1")(tmp_path) as setting:
        (tmp_path / "reboot-required").touch()
        yield setting


PACKAGES = [
    World("weekly-operations/security-patches", "passed", "nothing waits", apt("3.0.13-1")),
    World("weekly-operations/security-patches", "failed", "a patch waits", apt("3.0.11-1")),
    World("weekly-operations/security-patches", "failed", "a reboot is due", reboot_due),
    World(
        "weekly-operations/security-patches",
        "failed",
        "nobody asked the archive for ten days",
        apt("3.0.13-1", age_days=10),
    ),
    World(
        "weekly-operations/security-patches",
        "failed",
        "there is no security archive",
        apt("3.0.13-1", archive="bookworm"),
    ),
]

# -- the journal ---------------------------------------------------------------------------------


def journal(*days: float, taken_back: bool = False) -> Setup:
    """A deck whose restore test was attested so many days ago."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        now = [datetime.now(UTC)]
        write(tmp_path, {"opsdeck.toml": '[deck]\nname = "world"\n'})
        environ = {"OPSDECK_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
        deck = open_deck(
            environ=environ,
            cwd=tmp_path,
            config_file=tmp_path / "opsdeck.toml",
            operator="ada",
            now=lambda: now[0],
        )
        deck.load()
        today = now[0]
        for ago in days:
            now[0] = today - timedelta(days=ago)
            deck.record(acts.attest(deck.locate("backup-strategy/restore-tested")))
        now[0] = today
        if taken_back:
            deck.record(acts.take_back(deck.locate("backup-strategy/restore-tested")))
        yield Setting({}, environ, tmp_path, DeckFacts(deck))

    return setup


JOURNAL = [
    World("database-failure/backup-restoration", "passed", "tested last week", journal(90, 7)),
    World("database-failure/backup-restoration", "failed", "tested 40 days ago", journal(40)),
    World("database-failure/backup-restoration", "failed", "never tested", journal()),
    World(
        "database-failure/backup-restoration",
        "failed",
        "the word was taken back",
        journal(7, taken_back=True),
    ),
]

WORLDS = [*PACKAGES, *JOURNAL]
