"""Verifying with ssh-keygen: what holds, and precisely why something does not."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from opsdeck.signoff import ssh_run
from opsdeck.signoff.ssh import (
    NAMESPACE,
    Key,
    Signers,
    SigningError,
    Verified,
    sign,
    signature_key,
    signature_public,
    verify,
)
from tests.signoff.keys import (
    Keys,
    environ_of,
    key_of,
    line,
    make_key,
    make_krl,
    needs_ssh_keygen,
    public_line,
    signers,
    ssh_keygen,
)

pytestmark = needs_ssh_keygen

TEXT = b"release: v1.4.2\nrole: approver\n"
NOON = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def alice(keys: Keys) -> Key:
    return key_of(keys.alice)


@pytest.fixture(scope="module")
def signature(keys: Keys, alice: Key) -> str:
    return sign(TEXT, alice, environ_of(keys.alice.parent))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "allowed_signers"


@pytest.fixture
def allowed(keys: Keys, file: Path) -> Signers:
    return signers(file, line("bob@ops", keys.bob), line("alice@ops,al@ops", keys.alice))


def refused(
    signature: str,
    allowed: Signers,
    kind: str,
    words: str,
    *,
    identity: str = "alice@ops",
    text: bytes = TEXT,
    at: datetime = NOON,
) -> None:
    with pytest.raises(SigningError, match=words) as verifying:
        verify(text, signature, identity, allowed, at=at)
    assert verifying.value.kind == kind


@pytest.mark.parametrize("name", ["alice", "bob", "carol"])
def test_a_signature_of_each_kind_of_key_holds(
    keys: Keys, name: str, file: Path, tmp_path: Path
) -> None:
    # GIVEN a signature, and who may sign
    path: Path = getattr(keys, name)
    key = key_of(path)
    made = sign(TEXT, key, environ_of(tmp_path))
    # WHEN it is verified THEN it says whose it is, and with which key
    found = verify(TEXT, made, name, signers(file, line(name, path)), at=NOON)
    assert found == Verified(identity=name, kind=key.kind, fingerprint=key.fingerprint)
    assert signature_public(made) == public_line(path)


def test_another_text_does_not_fit(signature: str, allowed: Signers) -> None:
    for text in (b"", TEXT[:-1], TEXT + b"\n", TEXT.replace(b"approver", b"deployer")):
        refused(signature, allowed, "bad-signature", "does not fit the text", text=text)


def test_a_name_that_is_not_of_the_key_is_refused_with_whose_it_is(
    keys: Keys, signature: str, allowed: Signers
) -> None:
    refused(signature, allowed, "wrong-key", "that of alice@ops, al@ops, not of bob@ops$",
            identity="bob@ops")  # fmt: skip
    refused(signature, allowed, "wrong-key", "not of carol@ops", identity="carol@ops")
    refused(signature, allowed, "not-allowed", "is no name", identity="")
    refused(signature, allowed, "not-allowed", "is no name", identity="alice@ops\0")
    assert verify(TEXT, signature, "al@ops", allowed, at=NOON)


def test_a_key_of_nobody_is_refused(keys: Keys, signature: str, file: Path) -> None:
    allowed = signers(file, line("alice@ops", keys.bob))
    refused(signature, allowed, "not-allowed", f"add: alice@ops .*{NAMESPACE}.*ssh-ed25519 AAAA")


def test_a_line_for_another_purpose_allows_nothing(keys: Keys, signature: str, file: Path) -> None:
    for options, words in (('namespaces="git"', "other namespaces"), ("cert-authority", "certif")):
        allowed = signers(file, line("alice@ops", keys.alice, options))
        refused(signature, allowed, "not-allowed", words)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ('valid-before="20260801115959Z"', "expired"),
        ('valid-before="20260801120000Z"', None),
        ('valid-after="20260801120001Z"', "not-allowed-yet"),
        ('valid-after="20260801120000Z"', None),
    ],
)
@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9, minutes=30))], ids=str)
def test_what_counts_is_the_time_of_signing_to_the_second(
    keys: Keys, signature: str, file: Path, options: str, kind: str | None, zone: timezone
) -> None:
    # GIVEN a key that is valid from or until a second, which is long past or far away
    allowed = signers(file, line("alice@ops", keys.alice, options))
    at = NOON.astimezone(zone)
    # WHEN a signature of that second is verified THEN only that second counts
    if kind is None:
        assert verify(TEXT, signature, "alice@ops", allowed, at=at)
    else:
        refused(signature, allowed, kind, "alice@ops's key .* 2026-08-01", at=at)


@pytest.mark.parametrize("zone", ["UTC0", "XYZ-14", "ABC+12"])
def test_where_the_machine_is_makes_no_difference(
    keys: Keys, signature: str, file: Path, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        options = 'valid-after="20260801115959Z",valid-before="20260801120001Z"'
        allowed = signers(file, line("alice@ops", keys.alice, options))
        assert verify(TEXT, signature, "alice@ops", allowed, at=NOON)
        late = NOON + timedelta(seconds=2)
        refused(signature, allowed, "expired", "until 2026-08-01 12:00:01 UTC", at=late)
        # A time that is written without a zone is local, for ssh-keygen and for us alike.
        local = NOON.astimezone()
        options = f'valid-before="{local:%Y%m%d%H%M%S}"'
        allowed = signers(file, line("alice@ops", keys.alice, options))
        assert verify(TEXT, signature, "alice@ops", allowed, at=NOON)
        refused(signature, allowed, "expired", "until 2026-08-01 12:00:00 UTC", at=late)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_signature_dated_back_into_validity_holds_only_by_its_date(
    keys: Keys, signature: str, file: Path
) -> None:
    # ssh-keygen cannot know when a signature was made: the date must be part of what is signed.
    allowed = signers(file, line("alice@ops", keys.alice, 'valid-before="20200101Z"'))
    refused(signature, allowed, "expired", "until 2020-01-01")
    assert verify(TEXT, signature, "alice@ops", allowed, at=datetime(2019, 6, 1, tzinfo=UTC))


def test_a_revoked_key_does_not_count(
    keys: Keys, signature: str, file: Path, tmp_path: Path
) -> None:
    # GIVEN lists of revoked keys in both formats
    krl = make_krl(tmp_path / "krl", keys.carol, keys.alice)
    plain = tmp_path / "revoked.pub"
    plain.write_text(f"# left\n{public_line(keys.carol)}\n\n{public_line(keys.alice)} alice\n")
    for revoked in (krl, plain):
        allowed = signers(file, line("alice@ops", keys.alice), revoked=revoked)
        # WHEN a signature with a key in it is verified THEN it says so and where
        refused(signature, allowed, "revoked", f"alice@ops was revoked by {revoked}")


def test_a_list_of_other_revoked_keys_does_no_harm(
    keys: Keys, signature: str, file: Path, tmp_path: Path
) -> None:
    krl = make_krl(tmp_path / "krl", keys.carol)
    plain, none = tmp_path / "revoked.pub", tmp_path / "none"
    plain.write_text(f"{public_line(keys.carol)}\n")
    none.touch()
    for revoked in (krl, plain, none):
        allowed = signers(file, line("alice@ops", keys.alice), revoked=revoked)
        assert verify(TEXT, signature, "alice@ops", allowed, at=NOON)
        # and what is wrong for another reason keeps that
        refused(signature, allowed, "wrong-key", "not of bob", identity="bob")


def test_a_torn_list_of_revoked_keys_stops_everything(
    keys: Keys, signature: str, file: Path, tmp_path: Path
) -> None:
    krl = make_krl(tmp_path / "krl", keys.carol)
    krl.write_bytes(krl.read_bytes()[:-10])
    allowed = signers(file, line("alice@ops", keys.alice), revoked=krl)
    refused(signature, allowed, "bad-allowed-signers", f"in {krl} cannot be read")


def test_what_is_verified_against_is_what_was_read(
    keys: Keys, signature: str, allowed: Signers
) -> None:
    allowed.file.write_text(line("eve", keys.bob))
    assert verify(TEXT, signature, "alice@ops", allowed, at=NOON)
    allowed.file.unlink()
    assert verify(TEXT, signature, "alice@ops", allowed, at=NOON)


def test_lines_that_cannot_be_read_do_no_harm(keys: Keys, signature: str, file: Path) -> None:
    allowed = signers(
        file, "alice@ops hello", "alice@ops bad-option ssh-ed25519 AAAA", '"alice@ops',
        "x" * 900_000, line("alice@ops", keys.alice) + "\r",
    )  # fmt: skip
    assert verify(TEXT, signature, "alice@ops", allowed, at=NOON)


def test_patterns_are_those_of_ssh(keys: Keys, signature: str, file: Path) -> None:
    allowed = signers(file, line("*@ops,!eve@ops", keys.alice))
    assert verify(TEXT, signature, "alice@ops", allowed, at=NOON).identity == "alice@ops"
    refused(signature, allowed, "wrong-key", "not of eve@ops", identity="eve@ops")


def test_a_certificate_counts_if_its_authority_may_say_so(
    keys: Keys, file: Path, tmp_path: Path
) -> None:
    # GIVEN a signature that was made elsewhere with a certificate
    key = make_key(tmp_path / "erin")
    ssh_keygen("-s", str(keys.bob), "-I", "erin", "-n", "erin@ops", f"{key}.pub")
    made = ssh_keygen("-Y", "sign", "-n", NAMESPACE, "-f", f"{key}-cert.pub", data=TEXT)
    # WHEN it is verified THEN ssh-keygen decides, by the line of the authority
    allowed = signers(file, line("*@ops", keys.bob, "cert-authority"))
    found = verify(TEXT, made, "erin@ops", allowed, at=datetime.now(UTC))
    assert found.kind == "ssh-ed25519-cert-v01@openssh.com"
    refused(made, allowed, "not-allowed", "no line", identity="alice@ops")


def test_a_signature_for_another_purpose_says_nothing(keys: Keys, allowed: Signers) -> None:
    made = ssh_keygen("-Y", "sign", "-n", "git", "-f", str(keys.alice), data=TEXT)
    assert signature_key(made).namespace == "git"
    refused(made, allowed, "bad-signature", "made for 'git', not for opsdeck-signoff")


def test_without_ssh_keygen_nothing_is_valid(
    signature: str, allowed: Signers, tmp_path: Path
) -> None:
    with pytest.raises(SigningError, match="not installed") as verifying:
        verify(TEXT, signature, "alice@ops", allowed, at=NOON, environ={"PATH": str(tmp_path)})
    assert verifying.value.kind == "no-ssh-keygen"


def test_an_ssh_keygen_that_hangs_makes_nothing_valid(
    signature: str, allowed: Signers, tmp_path: Path
) -> None:
    fake = tmp_path / "ssh-keygen"
    fake.write_text("#!/bin/sh\nexec sleep 600\n")
    fake.chmod(0o755)
    environ = environ_of(tmp_path)
    environ["PATH"] = f"{tmp_path}:{environ['PATH']}"
    with pytest.raises(SigningError, match=r"did not end within 0\.2 s") as verifying:
        verify(TEXT, signature, "alice@ops", allowed, at=NOON, timeout_s=0.2, environ=environ)
    assert verifying.value.kind == "timeout"


def test_an_older_ssh_keygen_is_told_the_local_time(
    keys: Keys, signature: str, file: Path, tmp_path: Path
) -> None:
    # GIVEN an ssh-keygen as it was before 9.1, which does not know a Z behind a time
    real = subprocess.run(["which", "ssh-keygen"], capture_output=True, text=True).stdout.strip()
    fake = tmp_path / "ssh-keygen"
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in *verify-time=*Z*) echo \'Invalid "verify-time" option\' >&2;'
        f' exit 255;; esac\nexec {real} "$@"\n'
    )
    fake.chmod(0o755)
    environ = environ_of(tmp_path)
    environ["PATH"] = f"{tmp_path}:{environ['PATH']}"
    allowed = signers(file, line("alice@ops", keys.alice, 'valid-before="20260801120000Z"'))
    # WHEN signatures of two times are verified THEN the times count as they should
    assert verify(TEXT, signature, "alice@ops", allowed, at=NOON, environ=environ)
    with pytest.raises(SigningError) as verifying:
        verify(TEXT, signature, "alice@ops", allowed, at=NOON + timedelta(seconds=1),
               environ=environ)  # fmt: skip
    assert verifying.value.kind == "expired"


@pytest.mark.parametrize("place", ["memory", "tmp", "TMPDIR"])
def test_nothing_of_it_reaches_the_screen_or_stays_behind(
    signature: str,
    allowed: Signers,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    # GIVEN a place for what lies on disk while ssh-keygen runs
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(ssh_run, "MEMORY", work if place == "memory" else tmp_path / "nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path if place == "memory" else work))
    monkeypatch.setenv("TMPDIR", str(work) if place == "TMPDIR" else "")
    before = work.stat().st_mtime_ns
    # WHEN signatures are verified, good and bad ones
    verify(TEXT, signature, "alice@ops", allowed, at=NOON)
    refused(signature, allowed, "bad-signature", "fit", text=b"x")
    refused(signature, allowed, "wrong-key", "not of eve", identity="eve")
    # THEN it was used, nothing lies there any more, and nobody saw anything
    assert work.stat().st_mtime_ns != before
    assert list(work.iterdir()) == []
    assert capfd.readouterr() == ("", "")
