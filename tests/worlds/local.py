"""Worlds of this machine: env files, repositories, processes, memory, packages, OpsDeck's journal.

Git, apt, processes and file systems are real. Memory, swap and load cannot be had at will: psutil
reads them from a folder with the kernel's own files as two machines had them (its `PROCFS_PATH`).
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from opsdeck.deck import open_deck
from opsdeck.looking import DeckFacts
from opsdeck.runs import acts
from tests.probes.partners_local import GIT_ENVIRON, git, repository, write
from tests.worlds.harness import Setting, World

Setup = Callable[[Path], AbstractContextManager[Setting]]

STRONG = secrets.token_hex(32)
LEAK = "sk_live_" + "a8Kq02LmZx9Rt5Vb7Nc3"  # put together, so that no scanner stumbles over it


def repo_setting(folder: Path, **keys: Any) -> Setting:
    """A repository target at `folder`, with git free of the tester's own settings."""
    environ = {**os.environ, **GIT_ENVIRON}
    return Setting({"repo": {"kind": "repository", "path": str(folder), **keys}}, environ, folder)


def days_ago(days: float) -> str:
    """A moment for git."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")


def repo(
    files: Mapping[str, str], untracked: Mapping[str, str] | None = None, mode: int = 0o600
) -> Setup:
    """A repository with these files committed; `untracked` ones have this mode."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        repository(tmp_path, files, at=days_ago(1))
        write(tmp_path, untracked or {})
        for name in untracked or {}:
            (tmp_path / name).chmod(mode)
        yield repo_setting(tmp_path)

    return setup


# -- variables -----------------------------------------------------------------------------------

CODE = {"src/app.js": "listen(process.env.PORT); const { MONGODB_URI } = process.env;\n"}
EXAMPLE = {".env.example": "PORT=3000\nMONGODB_URI=mongodb://localhost/app\n"}
IGNORING = {".gitignore": ".env\n"}
ENV_FILE = (
    f"PORT=3000\nMONGODB_URI=mongodb://app:9fK2xQ7vLm4RtZ1p@db/app\nSESSION_SECRET={STRONG}\n"
)
SENTRY = {"src/errors.js": "Sentry.init({ dsn: process.env.SENTRY_DSN });\n"}
DSN = "SENTRY_DSN=https://8f3a9c1e7b5d4f2a@o42.ingest.sentry.io/4711\n"


def documented(code: str = "", example: str = "", env: str = "") -> Setup:
    """Code, example and env file that agree, but for what is added to one of them."""
    files = {
        "src/app.js": CODE["src/app.js"] + code,
        ".env.example": EXAMPLE[".env.example"] + example,
        "test/app.test.js": "process.env.ONLY_IN_TESTS",
        **IGNORING,
    }
    return repo(files, {".env": "PORT=8080\n" + env})


def env_file(
    text: str = ENV_FILE, mode: int = 0o600, more: Mapping[str, str] | None = None
) -> Setup:
    """A repository with an env file beside what is committed."""
    return repo({**CODE, **IGNORING, **(more or {})}, {".env": text}, mode)


@contextmanager
def tracked_env(tmp_path: Path) -> Iterator[Setting]:
    """The env file was committed once, with force."""
    with env_file()(tmp_path) as setting:
        git(tmp_path, "add", "-f", ".env")
        git(tmp_path, "commit", "-qm", "oops")
        yield setting


VARIABLES = [
    World("environment-configuration/env-documented", "passed", "all are named", documented()),
    World(
        "environment-configuration/env-documented",
        "failed",
        "the code reads one that is not named",
        documented(code="pay(process.env.STRIPE_KEY)\n"),
    ),
    World(
        "environment-configuration/env-documented",
        "failed",
        "production sets one that is not named",
        documented(env="LEGACY_FLAG=1\n"),
    ),
    World(
        "environment-configuration/env-documented",
        "failed",
        "there is no example",
        repo({**CODE, **IGNORING}),
    ),
    World("environment-configuration/env-file-secure", "passed", "private", env_file()),
    World(
        "environment-configuration/env-file-secure",
        "failed",
        "everybody may read it",
        env_file(mode=0o644),
    ),
    World("environment-configuration/env-file-secure", "failed", "git has it", tracked_env),
    World(
        "environment-configuration/env-file-secure",
        "failed",
        "a placeholder was left",
        env_file(ENV_FILE + "API_KEY=changeme-please-0123456789abcdef\n"),
    ),
    World(
        "environment-configuration/env-file-secure",
        "failed",
        "a password can be guessed",
        env_file(ENV_FILE.replace("9fK2xQ7vLm4RtZ1p", "shop2024")),
    ),
    World(
        "environment-configuration/env-file-secure",
        "failed",
        "a value is empty",
        env_file(ENV_FILE + "STRIPE_KEY=\n"),
    ),
    World(
        "environment-configuration/env-file-secure", "failed", "there is none", repo({**IGNORING})
    ),
    World("environment-configuration/session-secrets", "passed", "64 random digits", env_file()),
    World(
        "environment-configuration/session-secrets",
        "failed",
        "it is short",
        env_file(f"SESSION_SECRET={STRONG[:20]}\n"),
    ),
    World(
        "environment-configuration/session-secrets",
        "failed",
        "it is long and no secret",
        env_file("SESSION_SECRET=my-super-secret-session-secret-for-production\n"),
    ),
    World("environment-configuration/session-secrets", "failed", "unset", env_file("PORT=3000\n")),
    World(
        "monitoring-logging/error-tracking",
        "passed",
        "the DSN is set and read",
        env_file(ENV_FILE + DSN, more=SENTRY),
    ),
    World("monitoring-logging/error-tracking", "failed", "no DSN", env_file(more=SENTRY)),
    World(
        "monitoring-logging/error-tracking",
        "failed",
        "no code reads the DSN",
        env_file(ENV_FILE + DSN),
    ),
    World(
        "code-quality-security/no-hardcoded-secrets",
        "passed",
        "secrets come from the environment",
        repo({**CODE, **EXAMPLE, **IGNORING}, {".env": f"K={LEAK}"}),
    ),
    World(
        "code-quality-security/no-hardcoded-secrets",
        "failed",
        "a key in the code",
        repo({**CODE, **EXAMPLE, **IGNORING, "src/pay.js": f"const k = '{LEAK}'\n"}),
    ),
    World(
        "code-quality-security/no-hardcoded-secrets",
        "failed",
        "a password in a URI",
        repo({**CODE, "deploy.yml": "uri: mongodb://app:9fK2xQ7vLm4RtZ1p@db/app\n"}),
    ),
]

# -- the machine ---------------------------------------------------------------------------------

_GB = 1024 * 1024
STAT = "cpu  9 0 9 99 0 0 0 0 0 0\ncpu0 9 0 9 99 0 0 0 0 0 0\ncpu1 9 0 9 99 0 0 0 0 0 0\n"
_SWAPPING = "pswpin 0\npswpout 0\n"


def kernel(
    *, available_gb: float = 12, swap_gb: float = 2, load: float = 0.3, files: int = 2_000
) -> dict[str, str]:
    """The kernel's own files of a machine with two cores and 16 GB."""
    memory = {
        "MemTotal": 16 * _GB,
        "MemFree": int(available_gb * _GB),
        "MemAvailable": int(available_gb * _GB),
        "Buffers": 0,
        "Cached": 0,
        "Shmem": 0,
        "Active": 0,
        "Inactive": 0,
        "SReclaimable": 0,
        "Slab": 0,
        "SwapTotal": int(swap_gb * _GB),
        "SwapFree": int(swap_gb * _GB),
    }
    return {
        "meminfo": "".join(f"{name}: {size} kB\n" for name, size in memory.items()),
        "loadavg": f"{load} {load} {load} 1/200 4711\n",
        "stat": STAT,
        "cpuinfo": "processor : 0\n\nprocessor : 1\n",
        "vmstat": _SWAPPING,
        "sys/fs/file-nr": f"{files}\t0\t10000\n",
        "sys/vm/swappiness": "10\n",
        "filesystems": Path("/proc/filesystems").read_text(),
        "self/mounts": Path("/proc/self/mounts").read_text(),
    }


def machine(disk: str = "", **state: float) -> Setup:
    """A machine in this state, whose one disk is a real one with room, or `disk`."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        proc = tmp_path / "proc"
        write(proc, kernel(**state))  # type: ignore[arg-type]
        with kernel_at(proc):
            yield Setting({"host": {"kind": "host", "disks": [disk or "/dev/shm"]}})

    return setup


@contextmanager
def kernel_at(proc: Path) -> Iterator[None]:
    """psutil takes the kernel's files from here."""
    before = psutil.PROCFS_PATH
    psutil.PROCFS_PATH = str(proc)
    try:
        yield
    finally:
        psutil.PROCFS_PATH = before


@contextmanager
def full_disk(tmp_path: Path) -> Iterator[Setting]:
    """A file system of 64 KB with nothing left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "opsdeck-test", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("may not mount a file system here")
    try:
        with contextlib.suppress(OSError):
            (disk / "filler").write_bytes(b"x" * 61_440)
        with machine(str(disk))(tmp_path) as setting:
            yield setting
    finally:
        subprocess.run(["umount", str(disk)], check=True)


MACHINE = [
    World("before-going-live/system-resources", "passed", "room everywhere", machine()),
    World(
        "before-going-live/system-resources", "failed", "memory is used", machine(available_gb=3)
    ),
    World("before-going-live/system-resources", "failed", "work is queued", machine(load=4.2)),
    World("before-going-live/system-resources", "failed", "a disk is full", full_disk),
    World("daily-operations/resource-utilization", "passed", "room everywhere", machine()),
    World(
        "daily-operations/resource-utilization", "failed", "memory is used", machine(available_gb=2)
    ),
    World(
        "daily-operations/resource-utilization", "failed", "files are open", machine(files=9_000)
    ),
    World("daily-operations/resource-utilization", "failed", "a disk is full", full_disk),
    World("vertical-scaling/swap-configured", "passed", "2 GB of swap", machine()),
    World("vertical-scaling/swap-configured", "failed", "no swap", machine(swap_gb=0)),
]

# -- processes -----------------------------------------------------------------------------------


@contextmanager
def process(name: str, limit: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """A process that goes by `name` and may open `limit` files."""
    lead = f"ulimit -n {limit} && " if limit else ""
    call = ["bash", "-c", f'{lead}exec -a "$0" sleep 30', name]
    running = subprocess.Popen(call, start_new_session=True)
    try:
        for _ in range(400):
            called = Path(f"/proc/{running.pid}/cmdline").read_bytes()
            if called.split(b"\0")[0] == name.encode():
                break
            time.sleep(0.002)
        yield running
    finally:
        running.send_signal(signal.SIGCONT)
        running.kill()
        running.wait()


def services(*names: str, running: Mapping[str, int], stopped: str = "") -> Setup:
    """A host that names these services; `running` ones with their limits of open files."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        mark = secrets.token_hex(4)
        with ExitStack() as stack:
            for name, limit in running.items():
                started = stack.enter_context(process(f"{name}-{mark}", limit))
                if name == stopped:
                    started.send_signal(signal.SIGSTOP)
                    os.waitpid(started.pid, os.WUNTRACED)
            named = [f"{name}-{mark}" for name in names]
            yield Setting({"host": {"kind": "host", "services": named}})

    return setup


def may_open(limit: int) -> bool:
    """Whether a process started here may be given so many files."""
    asked = ["bash", "-c", f"ulimit -n {limit}"]
    return subprocess.run(asked, capture_output=True).returncode == 0


def limits(*allowed: int) -> Setup:
    """One service for each limit of open files."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        real = may_open(max(allowed))
        with ExitStack() as stack:
            mark = secrets.token_hex(4)
            names = [f"svc{number}-{mark}" for number in range(len(allowed))]
            running = [
                stack.enter_context(process(name, limit if real else 0))
                for name, limit in zip(names, allowed, strict=True)
            ]
            if not real:
                pids = {one.pid: limit for one, limit in zip(running, allowed, strict=True)}
                stack.enter_context(as_if_allowed(tmp_path / "proc", pids))
            yield Setting({"host": {"kind": "host", "services": names}})

    return setup


@contextmanager
def as_if_allowed(proc: Path, pids: Mapping[int, int]) -> Iterator[None]:
    """The kernel's files of these processes, with limits that this user may not set here."""
    write(proc, kernel() | {"stat": Path("/proc/stat").read_text()})
    for pid, limit in pids.items():
        names = ("stat", "status", "cmdline", "statm", "limits")
        files = {name: Path(f"/proc/{pid}/{name}").read_text() for name in names}
        line = f"Max open files            {limit:<20} {limit:<20} files"
        files["limits"] = re.sub("(?m)^Max open files.*$", line, files["limits"])
        write(proc / str(pid), files | {"fd/0": "", "fd/1": "", "fd/2": ""})
    with kernel_at(proc):
        yield


PROCESSES = [
    World(
        "before-going-live/services-running",
        "passed",
        "both run",
        services("orders", "worker", running={"orders": 0, "worker": 0}),
    ),
    World(
        "before-going-live/services-running",
        "failed",
        "one does not run",
        services("orders", "worker", running={"orders": 0}),
    ),
    World(
        "before-going-live/services-running",
        "failed",
        "one was stopped",
        services("orders", "worker", running={"orders": 0, "worker": 0}, stopped="worker"),
    ),
    World("vertical-scaling/descriptor-limits", "passed", "65,535 files", limits(65_535)),
    World("vertical-scaling/descriptor-limits", "failed", "1,024 files", limits(1_024)),
    World("vertical-scaling/descriptor-limits", "failed", "one has 1,024", limits(65_535, 1_024)),
]

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

WORLDS = [*VARIABLES, *MACHINE, *PROCESSES, *PACKAGES, *JOURNAL]
