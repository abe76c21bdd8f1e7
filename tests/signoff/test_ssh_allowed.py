"""allowed_signers: whose a key is, as whom somebody signs, and files that cannot be used."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsdeck.signoff.allowed_line import matches, parse_line
from opsdeck.signoff.ssh import (
    SigningError,
    identity_for,
    principals,
    read_signers,
    signature_key,
)
from tests.signoff.keys import (
    Keys,
    line,
    make_krl,
    needs_ssh_keygen,
    public_line,
    signers,
    ssh_keygen,
)

pytestmark = needs_ssh_keygen

NOON = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "allowed_signers"


def test_whose_a_key_is_stands_in_its_lines(keys: Keys, file: Path) -> None:
    # GIVEN lines in all the ways in which they are written
    a = public_line(keys.alice)
    allowed = signers(
        file,
        "# who signs",
        "",
        f"  alice@ops,al@ops {a} with a comment",
        f'"alice smith,!eve" NameSpaces="git,opsdeck-*",valid-after="20200101" {a}',
        f"al@ops\t{a}",
        f'carol@ops namespaces="git" {a}',
        f"ca@ops cert-authority {a}",
        f"dan@ops unknown-option {a}",
        f"torn@ops {a[:30]}",
        line("bob@ops", keys.bob),
        f"*@guests {a}",
    )
    # WHEN it is asked whose a key is
    # THEN it is what counts for sign-offs, each name once, and no name that is excluded
    found = principals(allowed, a)
    assert found == ["alice@ops", "al@ops", "alice smith", "*@guests"]
    assert principals(allowed, public_line(keys.bob)) == ["bob@ops"]
    assert principals(allowed, public_line(keys.carol)) == []


def test_it_is_known_by_its_content(keys: Keys, file: Path) -> None:
    import hashlib

    allowed = signers(file, line("alice@ops", keys.alice))
    assert allowed.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert allowed.revoked is None


@pytest.mark.parametrize(
    ("who", "operator", "names", "identity"),
    [
        ("alice", "alice", {}, "alice"),
        ("alice@ops", "alice@ops", {}, "alice@ops"),
        ("alice@ops", "alice", {}, "alice@ops"),
        ("bob@ops,alice@ops", "alice", {}, "alice@ops"),
        ("alice@ops,alice", "alice", {}, "alice"),
        ("a.smith@ops", "alice", {"alice": "a.smith@ops"}, "a.smith@ops"),
        ("*@ops", "alice@ops", {}, "alice@ops"),
        ("*@ops", "alice", {}, "alice@ops"),
        ("ali?e@ops", "alice", {}, "alice@ops"),
        ("*", "alice", {}, "alice"),
        ("*@ops", "alice", {"alice": "root@ops"}, "root@ops"),
        ('"Alice Smith"', "Alice Smith", {}, "Alice Smith"),
    ],
)
def test_an_operator_signs_as_one_of_the_names_of_the_key(
    keys: Keys, file: Path, who: str, operator: str, names: dict[str, str], identity: str
) -> None:
    allowed = signers(file, line("bob@x", keys.bob), line(who, keys.alice))
    assert identity_for(allowed, public_line(keys.alice), operator, names, at=NOON) == identity
    # Whoever that is, ssh-keygen takes the name for one of this key, too.
    match = ["-Y", "match-principals", "-f", str(file), "-I", identity]
    assert ssh_keygen(*match).split("\n")[0]


@pytest.mark.parametrize(
    ("who", "operator", "names"),
    [
        ("bob@ops", "alice", {}),
        ("alice@ops", "bob", {}),
        ("alice@ops", "Alice", {}),
        ("alice@ops", "alice@dev", {}),
        ("alice@ops", "alice", {"alice": "alice@dev"}),
        ("alice@*", "alice", {}),
        ("*@ops,!eve@ops", "eve", {}),
        ("malice@ops", "alice", {}),
        ("alice.b@ops", "alice", {}),
    ],
)
def test_nobody_signs_with_the_key_of_another(
    keys: Keys, file: Path, who: str, operator: str, names: dict[str, str]
) -> None:
    allowed = signers(file, line(who, keys.alice))
    with pytest.raises(SigningError, match="this key is that of") as finding:
        identity_for(allowed, public_line(keys.alice), operator, names, at=NOON)
    assert finding.value.kind == "wrong-key"
    assert who.split(",")[0] in str(finding.value)
    assert str(file) in str(finding.value)


def test_a_key_of_nobody_is_told_with_the_line_to_add(keys: Keys, file: Path) -> None:
    # GIVEN a file in which a key does not stand
    allowed = signers(file, line("bob@ops", keys.bob))
    public = public_line(keys.alice)
    # WHEN somebody would sign with it
    with pytest.raises(SigningError) as finding:
        identity_for(allowed, public, "Alice Smith", {})
    # THEN the very line to add is said, and it does
    assert finding.value.kind == "not-allowed"
    words = str(finding.value)
    assert str(file) in words
    added = words.rpartition("add: ")[2]
    assert added == f'"Alice Smith" namespaces="opsdeck-signoff" {public}'
    allowed = signers(file, added)
    assert identity_for(allowed, public, "Alice Smith", {}) == "Alice Smith"


@pytest.mark.parametrize(
    ("options", "reason"),
    [('namespaces="git,file"', "other namespaces only"), ("cert-authority", "certificates")],
)
def test_a_line_for_something_else_allows_nothing(
    keys: Keys, file: Path, options: str, reason: str
) -> None:
    allowed = signers(file, line("alice", keys.alice, options))
    with pytest.raises(SigningError, match=f"for {reason}.* in line 1 of") as finding:
        identity_for(allowed, public_line(keys.alice), "alice", {})
    assert finding.value.kind == "not-allowed"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ('valid-before="20260801115959Z"', "expired"),
        ('valid-before="20260801120000Z"', None),
        ('valid-before="20260801Z"', "expired"),
        ('valid-after="20260801120001Z"', "not-allowed-yet"),
        ('valid-after="202608011200Z"', None),
        ('valid-after="20260731UTC",valid-before="20260802Z"', None),
    ],
)
def test_a_key_is_valid_from_and_until_a_second(
    keys: Keys, file: Path, options: str, kind: str | None
) -> None:
    allowed = signers(file, line("alice", keys.alice, options))
    at = NOON.replace(microsecond=999_999)
    public = public_line(keys.alice)
    if kind is None:
        assert identity_for(allowed, public, "alice", {}, at=at) == "alice"
        return
    with pytest.raises(SigningError, match=r"2026-0[78].*UTC.*dates") as finding:
        identity_for(allowed, public, "alice", {}, at=at)
    assert finding.value.kind == kind


def test_a_time_without_a_zone_is_local(keys: Keys, file: Path) -> None:
    found = parse_line(1, line("alice", keys.alice, 'valid-after="20260801123456"'))
    assert found is not None
    local = datetime(2026, 8, 1, 12, 34, 56).astimezone(UTC)
    assert found.valid_after == local


def test_another_line_may_be_valid_when_one_is_not(keys: Keys, file: Path) -> None:
    allowed = signers(
        file,
        line("alice@old", keys.alice, 'valid-before="20200101Z"'),
        line("alice@new", keys.alice, 'valid-after="20200101Z"'),
    )
    assert identity_for(allowed, public_line(keys.alice), "alice", {}, at=NOON) == "alice@new"


@pytest.mark.parametrize(
    ("text", "patterns", "fits"),
    [
        ("alice", "alice", True),
        ("alice", "bob,alice", True),
        ("alice", "bob, alice", False),
        ("alice", "a*e", True),
        ("alice", "a?e", False),
        ("alice", "*", True),
        ("", "*", True),
        ("", "?", False),
        ("alice", "*,!alice", False),
        ("alice", "!alice,*", False),
        ("alice", "!bob", False),
        ("a[b]", "a[b]", True),
        ("ab", "a[b]", False),
        ("alice", "al*ic*", True),
        ("alice", "**", True),
        ("alice@ops", "*@*", True),
        ("a" * 5_000, "*a" * 2_000 + "b", False),
    ],
)
def test_patterns_fit_as_they_do_for_ssh(text: str, patterns: str, fits: bool) -> None:
    assert matches(text, patterns) is fits


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n# nobody\n",
        b"alice\n",
        b"alice ssh-ed25519\n",
        b"alice ssh-ed25519 AAAA\n",
        b"alice ssh-ed25519 !!!!\n",
        b"alice ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIKmJiJP7cTxQ7S6oxygDSsGtsJxON9cumkRU5JJMK3lb\n",
        b'alice namespaces="x\n',
        b'"alice ssh-ed25519 AAAA\n',
        b"\xff\xfe\n",
        b"a," * 400_000 + b"\n",
        b"alice " + b"cert-authority," * 60_000 + b"\n",
        b"alice " + b'a="' * 300_000 + b"\n",
        b"alice " + b"\\" * 900_000 + b"\n",
        b"x" * 1_000_001,
    ],
)
def test_a_file_by_which_nobody_may_sign_is_refused(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(SigningError, match="allowed_signers") as finding:
        read_signers(file)
    assert finding.value.kind == "bad-allowed-signers"
    assert "a line is like: alice@example" in str(finding.value)
    assert len(str(finding.value)) < 600


def test_the_line_that_cannot_be_read_is_named(file: Path) -> None:
    file.write_text("# one\n\nalice unknown-thing ssh-ed25519 AAAA\n")
    with pytest.raises(SigningError, match="line 3: no key stands behind the options"):
        read_signers(file)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKmJiJP7cTxQ7S6oxygDSsGtsJxON9cumkRU5JJMK3lb"
    for options, reason in (
        ("unknown-thing", "unknown-thing is no option"),
        ('valid-after="tomorrow"', "a time is written YYYYMMDD"),
        ('valid-after="20261399"', "there is no such time"),
        ('valid-after="20260102",valid-before="20260101"', "not later than valid-after"),
        ('namespaces="a",namespaces="b"', "neither options nor a key"),
    ):
        file.write_text(f"alice {options} {key}\n")
        with pytest.raises(SigningError, match=f"line 1: .*{reason}"):
            read_signers(file)


@pytest.mark.parametrize("control", [b"\0", b"\x1b[2J", b"\x07", b"\x7f", b"\x0b"])
def test_a_control_character_is_refused_with_its_line(
    keys: Keys, file: Path, control: bytes
) -> None:
    # GIVEN a file in which one reads something else than what a terminal shows
    good = line("alice", keys.alice).encode()
    file.write_bytes(good + b"\n" + good + b" \t" + control + b"\n")
    # WHEN it is read THEN it says where that is, and does not repeat it
    with pytest.raises(SigningError, match="line 2 has a control character") as finding:
        read_signers(file)
    assert finding.value.kind == "bad-allowed-signers"
    assert control not in str(finding.value).encode()


def test_what_is_no_plain_file_is_refused(file: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "nowhere"):
        with pytest.raises(SigningError) as finding:
            read_signers(tmp_path / name)
        assert finding.value.kind == "bad-allowed-signers"
        assert str(tmp_path) in str(finding.value)


def test_lines_of_other_systems_are_read(keys: Keys, file: Path) -> None:
    file.write_bytes(line("alice", keys.alice).encode() + b"\r\n\r\n# x\r\n")
    assert principals(read_signers(file), public_line(keys.alice)) == ["alice"]


def test_a_list_of_revoked_keys_is_never_passed_over(
    keys: Keys, file: Path, tmp_path: Path
) -> None:
    # GIVEN a file of who may sign, and lists of revoked keys that cannot be read
    signers(file, line("alice", keys.alice))
    revoked = tmp_path / "revoked"
    public = public_line(keys.bob)
    for content in (f"{public}\nhello\n".encode(), b"SSHKRL", b"\0" * 20, b"ssh-rsa AAAA\n"):
        revoked.write_bytes(content)
        # WHEN they are read THEN that is an error, with the file in it
        with pytest.raises(SigningError, match=r"revoked: line [12] is no public key") as finding:
            read_signers(file, revoked)
        assert finding.value.kind == "bad-allowed-signers"
    with pytest.raises(SigningError, match="nowhere cannot be read"):
        read_signers(file, tmp_path / "nowhere")
    # but none at all, and both ways of writing them, are fine
    for content in (b"", b"# none\n", f"{public} bob\r\n".encode()):
        revoked.write_bytes(content)
        assert read_signers(file, revoked).revoked == content
    krl = make_krl(tmp_path / "krl", keys.bob)
    found = read_signers(file, krl)
    assert (found.revoked, found.revoked_file) == (krl.read_bytes(), krl)


def test_something_else_is_no_signature() -> None:
    for text in ("", "x", "-----BEGIN SSH SIGNATURE-----\n", "é" * 10, "x" * 1_000_000):
        with pytest.raises(SigningError, match="damaged") as finding:
            signature_key(text)
        assert finding.value.kind == "bad-signature"
