"""The locks: complete, pinned by hash, and free of any address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
RUN_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"

_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


class Pin(NamedTuple):
    """One requirement of a lock: what it says, and how many hashes it has."""

    requirement: Requirement
    hashes: int

    @property
    def version(self) -> str:
        """The one version it allows."""
        (specifier,) = self.requirement.specifier
        assert specifier.operator == "==", self.requirement
        return specifier.version


def read_lock(path: Path) -> dict[str, Pin]:
    """Name -> pin; fails on any line that is neither a pin nor one of its hashes."""
    pins: dict[str, Pin] = {}
    logical = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in filter(None, map(str.strip, logical.splitlines())):
        hashes = _HASH.findall(line)
        requirement = Requirement(_HASH.sub("", line).strip())
        name: str = canonicalize_name(requirement.name)
        if name in pins:  # one version for one Python, another for a newer one
            assert requirement.marker, f"{name} is pinned twice"
            assert pins[name].requirement.marker, f"{name} is pinned twice"
            name = f"{name} ; {requirement.marker}"
        pins[name] = Pin(requirement, len(hashes))
    return pins


def project() -> dict[str, list[str]]:
    """What `pyproject.toml` asks for: `run`, `dev` and `build`."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        "run": found["project"]["dependencies"],
        "dev": found["dependency-groups"]["dev"],
        "build": found["build-system"]["requires"],
    }


@pytest.mark.parametrize("path", [RUN_LOCK, DEV_LOCK], ids=lambda path: path.name)
def test_every_pin_has_a_version_and_hashes(path: Path) -> None:
    # WHEN a lock is read
    pins = read_lock(path)
    # THEN each of its lines is one exact version with at least one hash
    assert len(pins) > 10
    assert [name for name, pin in pins.items() if not pin.version or not pin.hashes] == []


@pytest.mark.parametrize("path", [RUN_LOCK, DEV_LOCK], ids=lambda path: path.name)
def test_a_lock_names_no_address(path: Path) -> None:
    # GIVEN that people install from different indexes
    text = path.read_text(encoding="utf-8")
    # THEN the lock does not say from where
    assert "://" not in text
    assert " @ " not in text
    assert "index" not in text
    assert "--find-links" not in text


def test_every_dependency_is_locked_in_a_version_it_allows() -> None:
    run, dev, wanted = read_lock(RUN_LOCK), read_lock(DEV_LOCK), project()
    cases = [(text, run) for text in (*wanted["run"], *wanted["build"])]
    cases += [(text, dev) for text in (*wanted["run"], *wanted["build"], *wanted["dev"])]
    for text, lock in cases:
        # GIVEN a dependency
        requirement = Requirement(text)
        # THEN its lock has it, in a version that it allows
        pin = lock.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{text} is not locked: run `make lock`"
        assert requirement.specifier.contains(pin.version), f"{text}, locked {pin.version}"


def test_tests_run_with_the_versions_that_are_shipped() -> None:
    run, dev = read_lock(RUN_LOCK), read_lock(DEV_LOCK)
    # THEN what `make test` installs is what `make run` installs, and more
    assert {name: pin.version for name, pin in run.items()}.items() <= {
        name: pin.version for name, pin in dev.items()
    }.items()
