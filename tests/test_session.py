"""Where the operator stood, kept so that losing it costs nothing but the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsdeck.session import Place, Session

PLACE = Place(mode="checklists", checklist="infra", run="release/v1/infra", key="tls")


def test_a_place_is_found_again(tmp_path: Path) -> None:
    Session(tmp_path, "alice").keep(PLACE)
    assert Session(tmp_path, "alice").read() == PLACE


def test_each_operator_has_a_place(tmp_path: Path) -> None:
    Session(tmp_path, "alice").keep(PLACE)
    assert Session(tmp_path, "bob").read() is None


def test_leaving_by_choice_forgets_it(tmp_path: Path) -> None:
    session = Session(tmp_path, "alice")
    session.keep(PLACE)
    session.forget()
    assert session.read() is None
    session.forget()
    session.keep(PLACE)
    assert session.read() == PLACE


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"\xff", b'{"mode": 7}', b"null"])
def test_a_damaged_place_is_none(tmp_path: Path, junk: bytes) -> None:
    session = Session(tmp_path, "alice")
    session.keep(PLACE)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(junk)
    assert Session(tmp_path, "alice").read() is None


def test_looking_creates_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    session = Session(home, "alice")
    assert session.read() is None
    session.keep(PLACE)
    session.forget()
    assert not home.exists()


def test_where_it_cannot_be_kept_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    session = Session(tmp_path, "alice")
    session.keep(PLACE)
    assert session.read() is None
    session.forget()


def test_it_is_private_and_no_name_leads_elsewhere(tmp_path: Path) -> None:
    Session(tmp_path, "../../etc/passwd").keep(PLACE)
    (file,) = (tmp_path / "cache").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["cache"]
