"""A stranger verifies a bundle with public tools alone, and finds whatever was touched."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opsdeck.errors import DataError, NoInputError, NotSavedError, UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.signoff.bundle import (
    Parts,
    bundle_bytes,
    bundle_files,
    bundle_name,
    write_bundle,
)
from opsdeck.signoff.content import content_of
from opsdeck.signoff.record import Record
from opsdeck.signoff.statement import one_line
from tests.signoff.bundled import bundled, checked
from tests.signoff.keys import needs_ssh_keygen, signers
from tests.signoff.signed import RULES, V1, Desk, Team, make_team, signed_home, walk

TOOLS = ("sh", "tar", "sha256sum", "ssh-keygen", "grep", "cat")
pytestmark = [
    needs_ssh_keygen,
    pytest.mark.skipif(
        not all(map(shutil.which, TOOLS)), reason=f"not all of {', '.join(TOOLS)} are installed"
    ),
]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    return make_team(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, team: Team) -> Parts:
    home = tmp_path_factory.mktemp("signed") / "deck"
    content = signed_home(home, team)[V1]
    return bundled(Desk(home, team), content)


class Stranger:
    """Somebody with a shell and a handful of public tools, and without OpsDeck and Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tools = folder / "bin"
        tools.mkdir(parents=True)
        for name in TOOLS:
            found = shutil.which(name)
            assert found is not None
            (tools / name).symlink_to(found)
        self.environ = {"PATH": str(tools), "HOME": str(folder)}

    def run(self, command: str, where: Path | None = None) -> subprocess.CompletedProcess[str]:
        """One command line of a shell."""
        return subprocess.run(
            [str(self.folder / "bin" / "sh"), "-c", command],
            cwd=where or self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def unpack(self, tar: bytes, name: str = V1) -> Path:
        """Unpack a bundle: its folder."""
        (self.folder / "b.tar").write_bytes(tar)
        done = self.run("tar -xf b.tar")
        assert done.returncode == 0, done.stderr
        return self.folder / f"{name}-signoff"


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    return Stranger(tmp_path / "stranger")


def commands(text: str) -> list[str]:
    """The commands of VERIFY.txt, as a reader would copy them."""
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    return "\n".join(lines).replace("\\\n", " ").split("\n")


def at_once(text: str) -> str:
    """The line that runs them all."""
    (line,) = [line.strip() for line in text.splitlines() if line.startswith("  grep")]
    return line


def test_a_stranger_verifies_it_command_by_command(stranger: Stranger, parts: Parts) -> None:
    # GIVEN a bundle, unpacked where there is neither OpsDeck nor Python
    folder = stranger.unpack(bundle_bytes(parts))
    assert stranger.run("python3 -c 1; opsdeck").returncode == 127
    text = stranger.run("cat VERIFY.txt", folder).stdout
    # WHEN each command is run exactly as the text says
    told = [(one, stranger.run(one, folder)) for one in commands(text)]
    # THEN all of them hold
    assert [(one, done.stderr) for one, done in told if done.returncode] == []
    output = "\n".join(done.stdout for _, done in told)
    for name in ("carol", "bob", "dave"):
        assert f'Good "opsdeck-signoff" signature for {name}@acme with ED25519 key' in output
    assert output.count("content.json: OK") == 1 + 3
    assert output.count("evidence/before/tests.json: OK") == 2


def test_all_commands_at_once(stranger: Stranger, parts: Parts) -> None:
    folder = stranger.unpack(bundle_bytes(parts))
    done = stranger.run(at_once((folder / "VERIFY.txt").read_text()), folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all of it holds\n")


def test_what_is_in_it(stranger: Stranger, parts: Parts) -> None:
    # GIVEN a bundle as files
    folder = stranger.unpack(bundle_bytes(parts))
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    record = parts.record
    # THEN every line and all evidence is there byte for byte, and the rest as it is anywhere else
    tests = record.content["lists"][0]["items"][0]
    line = parts.lines[tests["event"]]
    assert files["journal/0001.json"] == line
    assert b'"lines":["240 passed"' in files["evidence/before/tests.json"]
    assert files["evidence/before/tests.json"] in line
    assert files["content.json"] == content_of(record.content).text
    assert (folder / "allowed_signers").read_bytes() == parts.signers.content  # type: ignore[union-attr]
    assert files["record.html"] == parts.readable["record.html"]
    assert sum(name.endswith(".sig") for name in files) == 3
    text = files["VERIFY.txt"].decode()
    assert text.startswith(f"Sign-off of release {V1}, deck acme\n")
    assert all(one.fingerprint in text for one, _ in record.signed)
    assert max(map(len, text.splitlines())) <= 100


def test_it_is_the_same_to_the_byte_and_harmless_to_unpack(parts: Parts) -> None:
    whole = bundle_bytes(parts)
    assert whole == bundle_bytes(parts)
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        entries = tar.getmembers()
    assert all(entry.isreg() and entry.mode == 0o644 for entry in entries)
    assert {(entry.uid, entry.gid, entry.uname) for entry in entries} == {(0, 0, "")}
    (moment,) = {entry.mtime for entry in entries}
    assert moment == max(one.at.timestamp() for one, _ in parts.record.signed if one.at)


def test_after_a_flipped_byte_of_any_file_it_does_not_hold(
    stranger: Stranger, parts: Parts
) -> None:
    # GIVEN a bundle, and its commands as they were before
    folder = stranger.unpack(bundle_bytes(parts))
    script = "\n".join(commands((folder / "VERIFY.txt").read_text()))
    (stranger.folder / "all").write_text(script)
    check = "sh -e ../all"
    assert stranger.run(check, folder).returncode == 0
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 20
    for path in files:
        whole = path.read_bytes()
        for number, place in enumerate((0, len(whole) // 2, len(whole) - 1)):
            # WHEN one byte of one file is flipped
            data = bytearray(whole)
            data[place] ^= (0x01, 0x20, 0x40)[number]
            path.write_bytes(bytes(data))
            # THEN the commands do not hold
            assert stranger.run(check, folder).returncode, (path.name, place)
        path.write_bytes(whole)
    assert stranger.run(check, folder).returncode == 0


def test_sums_that_were_made_anew_do_not_help(stranger: Stranger, parts: Parts) -> None:
    # GIVEN somebody who makes SHA256SUMS anew after a change
    folder = stranger.unpack(bundle_bytes(parts))
    script = "\n".join(commands((folder / "VERIFY.txt").read_text()))
    (stranger.folder / "all").write_text(script)
    signed = [p for p in folder.rglob("*") if p.is_file() and p.name not in _UNSIGNED]
    assert {p.suffix for p in signed} == {".json", ".sha256", ".txt", ".sig"}
    for path in signed:
        whole = path.read_bytes()
        data = bytearray(whole)
        data[len(data) // 3] ^= 1
        path.write_bytes(bytes(data))
        sums = stranger.run(
            "sha256sum $(grep -o '  .*' SHA256SUMS) > new; cat new > SHA256SUMS", folder
        )
        assert sums.returncode == 0
        assert stranger.run("sha256sum -c SHA256SUMS", folder).returncode == 0
        # THEN what is signed is found all the same
        assert stranger.run("sh -e ../all", folder).returncode, path.name
        path.write_bytes(whole)


_UNSIGNED = (
    "SHA256SUMS",
    "VERIFY.txt",
    "allowed_signers",
    "record.md",
    "record.html",
    "record.toml",
)


def test_signatures_swapped_between_roles(stranger: Stranger, parts: Parts) -> None:
    # GIVEN the texts of two people in each other's files, and sums that fit
    folder = stranger.unpack(bundle_bytes(parts))
    one, two = sorted((folder / "signatures").glob("*.txt"))[:2]
    for name in ("", ".sig"):
        first, second = Path(f"{one}{name}"), Path(f"{two}{name}")
        was = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(was)
    told = [stranger.run(c, folder) for c in commands((folder / "VERIFY.txt").read_text())[2:]]
    # THEN neither is what VERIFY.txt says it is
    assert sum(done.returncode != 0 for done in told) == 2 * 3


def test_a_revoked_key_does_not_count(stranger: Stranger, parts: Parts, team: Team) -> None:
    # GIVEN that the approver's key was revoked
    listed = stranger.folder / "revoked"
    listed.write_text(team.keys["dave"].public + "\n")
    lines = team.signers.content.decode().splitlines()
    known = signers(stranger.folder / "allowed", *lines, revoked=listed)
    folder = stranger.unpack(bundle_bytes(parts._replace(signers=known)))
    # THEN the bundle has the list, and exactly that signature does not hold
    told = [(c, stranger.run(c, folder)) for c in commands((folder / "VERIFY.txt").read_text())]
    failed = [c for c, done in told if done.returncode]
    assert len(failed) == 1
    assert "-r revoked_keys -I dave@acme" in failed[0]


# Names only, and the broken glass


def test_names_only_says_first_that_it_is_not_signed(
    stranger: Stranger, tmp_path: Path, team: Team
) -> None:
    # GIVEN a deck that records names only
    rules = msgspec.structs.replace(RULES, signatures="names")
    desk = Desk(tmp_path / "deck", team, rules=rules)
    walk(desk, V1)
    content = desk.at(10).sign(V1, "deployer", "carol")
    folder = stranger.unpack(bundle_bytes(bundled(desk, content, signers=None)))
    text = (folder / "VERIFY.txt").read_text()
    # THEN the first line says so, and only sums are there to be verified
    assert text.splitlines()[0] == "NOT SIGNED: names only"
    assert "ssh-keygen -Y" not in text
    assert "Good" not in text
    assert not list(folder.rglob("*.sig"))
    assert not (folder / "allowed_signers").exists()
    assert stranger.run(at_once(text), folder).returncode == 0


def test_a_broken_glass_is_the_first_line(stranger: Stranger, tmp_path: Path, team: Team) -> None:
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    desk.mark("alice", f"release/{V1}/before/backup", ev.CHECKED, verdict="failed")
    broken: dict[str, Any] = {"rules": ((False, "items"),), "reason": "it's $(down); 'now'"}
    content = desk.at(10).sign(V1, "deployer", "carol", **broken)
    folder = stranger.unpack(bundle_bytes(bundled(desk, content)))
    text = (folder / "VERIFY.txt").read_text()
    first = "BREAK-GLASS: signed against a closed gate: it's $(down); 'now'"
    assert text.splitlines()[0] == first
    assert stranger.run(at_once(text), folder).returncode == 0


def test_a_release_that_rests_on_nothing(stranger: Stranger, tmp_path: Path, team: Team) -> None:
    # GIVEN a release of which nothing was said, signed by breaking the glass
    desk = Desk(tmp_path / "deck", team)
    desk.say("carol", Draft(ev.RELEASE_STARTED, {"release": V1}))
    broken: dict[str, Any] = {"rules": ((False, "items"),), "reason": "down"}
    content = desk.sign(V1, "deployer", "carol", **broken)
    assert content.sums == b""
    folder = stranger.unpack(bundle_bytes(bundled(desk, content)))
    assert stranger.run(at_once((folder / "VERIFY.txt").read_text()), folder).returncode == 0


# What others wrote


def test_a_name_never_reaches_a_shell(stranger: Stranger, tmp_path: Path, team: Team) -> None:
    # GIVEN operators whose names would do something, were they not quoted
    names = ["x'; cat x > pwned; '", "$(cat x > pwned)", "     cat x > pwned", "`cat x > pwned` \\"]
    rules = msgspec.structs.replace(RULES, identities=dict.fromkeys(names, "carol@acme"))
    keyed = team._replace(
        keys={**team.keys, **dict.fromkeys(map(one_line, names), team.keys["carol"])}
    )
    desk = Desk(tmp_path / "deck", keyed, rules=rules)
    walk(desk, V1)
    content = desk.at(10).content(V1)
    for name in names:
        told = desk.statement(V1, "deployer", one_line(name), content, identity="carol@acme")
        desk.say(name, *desk.drafts(V1, content, told, desk.seal(told, "carol")))
        desk.load()
    folder = stranger.unpack(bundle_bytes(bundled(desk, content)))
    text = (folder / "VERIFY.txt").read_text()
    # THEN the commands hold, and nothing else ran
    done = stranger.run(at_once(text), folder)
    assert done.returncode == 0, done.stderr
    assert not list(stranger.folder.rglob("pwned"))
    starts = ("test", "sha256sum", "grep", "TZ=UTC")
    assert all(one.startswith(starts) for one in commands(text)), text


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v["lists"][0].update(id="../../../etc"),
        lambda v: v["lists"][0].update(id="a/b"),
        lambda v: v["lists"][0]["items"][0].update(id=".."),
        lambda v: v["lists"][0]["items"][0].update(id="x\ny"),
        lambda v: v["lists"][0]["items"][0].update(id="-rf"),
        lambda v: v["lists"].append(v["lists"][0]),
    ],
)
def test_hostile_names_of_files_are_never_packed(
    tmp_path: Path, team: Team, change: Callable[[dict[str, Any]], Any]
) -> None:
    # GIVEN a content of a foreign journal whose ids are paths, signed
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    values = json.loads(desk.at(10).content(V1).text)
    change(values)
    content = desk.sign(V1, "deployer", "carol", content_of(values))
    # THEN nothing is packed
    with pytest.raises(DataError, match=f"no bundle of {V1}"):
        bundle_bytes(bundled(desk, content))


def test_what_is_not_what_was_signed_is_never_packed(parts: Parts) -> None:
    event = parts.record.content["lists"][0]["items"][0]["event"]
    line = parts.lines[event]
    for lines, message in (
        ({**parts.lines, event: line.replace(b"240", b"241")}, "is not as it was signed"),
        ({k: v for k, v in parts.lines.items() if k != event}, "is not in the journal"),
    ):
        with pytest.raises(DataError, match=message):
            bundle_files(parts._replace(lines=lines))
    content = {**parts.record.content, "deck": "other"}
    with pytest.raises(DataError, match="its content has the SHA-256"):
        bundle_files(parts._replace(record=_with(parts.record, content=content)))
    signed = tuple((one, None) for one, _ in parts.record.signed)
    with pytest.raises(DataError, match="cannot be read"):
        bundle_files(parts._replace(record=_with(parts.record, signed=signed)))
    with pytest.raises(UsageError, match="nobody has signed"):
        bundle_files(parts._replace(record=_with(parts.record, signed=())))
    with pytest.raises(UsageError, match="allowed signers"):
        bundle_files(parts._replace(signers=None))
    with pytest.raises(UsageError, match="no release's name"):
        bundle_name("../v1")


def _with(record: Record, **changed: Any) -> Record:
    return msgspec.structs.replace(record, **changed)


# Writing it


def test_it_is_written_whole_and_never_over_another(tmp_path: Path, parts: Parts) -> None:
    # GIVEN a file that is there
    path = tmp_path / bundle_name(V1)
    path.write_text("mine")
    # WHEN a bundle is to be written in its place
    with pytest.raises(UsageError, match="is there already"):
        write_bundle(path, parts)
    # THEN only --force does that
    assert path.read_text() == "mine"
    size = write_bundle(path, parts, force=True)
    assert path.stat().st_size == size
    assert (
        hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(bundle_bytes(parts)).digest()
    )
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    other = tmp_path / "new.tar"
    write_bundle(other, parts)
    assert other.read_bytes() == path.read_bytes()


def test_where_it_cannot_be_written(tmp_path: Path, parts: Parts) -> None:
    for path in (tmp_path / "none" / "b.tar", tmp_path):
        with pytest.raises(NotSavedError):
            write_bundle(path, parts, force=True)
    # AND a link that leads nowhere is something that is there
    link = tmp_path / "link.tar"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is there already"):
        write_bundle(link, parts)
    assert [p.name for p in tmp_path.iterdir()] == ["link.tar"]


# Verifying it with OpsDeck


def test_opsdeck_verifies_a_bundle_too(tmp_path: Path, parts: Parts, team: Team) -> None:
    path = tmp_path / "b.tar"
    write_bundle(path, parts)
    # WHEN it is held against one's own list of signers, or against its own
    own, its = checked(path, team.signers), checked(path, None)
    # THEN all of it holds; that one believes the bundle itself is said
    assert not own.problems, own.problems
    assert own.complete
    assert own.words.endswith("and every signature holds")
    assert its.ok
    (told,) = its.problems
    assert str(told) == (
        "warn: identity: allowed_signers: whose the keys are is said only by the bundle itself:"
        " compare their fingerprints"
    )


def test_opsdeck_finds_what_was_touched_in_a_bundle(
    tmp_path: Path, parts: Parts, team: Team
) -> None:
    # GIVEN every file of a bundle with one byte flipped
    files = bundle_files(parts)
    for name, whole in files.items():
        data = bytearray(whole)
        data[len(data) // 2] ^= 1
        path = tmp_path / "b.tar"
        path.write_bytes(packed({**files, name: bytes(data)}))
        # THEN that is found, and what is signed is more than a wrong sum
        verdict = checked(path, team.signers)
        assert not verdict.ok, name
        if name.endswith((".json", ".sig", ".sha256")) or name.startswith("signatures/"):
            assert {one.part for one in verdict.bad} - {"record"}, name


@pytest.mark.parametrize(
    "names",
    [
        ["../x-signoff/content.json"],
        ["v1-signoff/content.json", "v2-signoff/content.json"],
        ["v1-signoff/content.json", "v1-signoff/content.json"],
        ["content.json"],
        [],
    ],
)
def test_what_is_no_bundle(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "b.tar"
    with tarfile.open(path, "w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(DataError):
        checked(path, None)


def test_what_is_no_tar(tmp_path: Path) -> None:
    path = tmp_path / "b.tar"
    with pytest.raises(NoInputError):
        checked(path, None)
    path.write_bytes(b"\x1f\x8b" * 600)
    with pytest.raises(DataError):
        checked(path, None)


def packed(files: dict[str, bytes]) -> bytes:
    """These files as a bundle."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, whole in files.items():
            entry = tarfile.TarInfo(f"{V1}-signoff/{name}")
            entry.size = len(whole)
            tar.addfile(entry, io.BytesIO(whole))
    return stream.getvalue()
