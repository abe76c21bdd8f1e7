"""Who is at the keyboard."""

from __future__ import annotations

import getpass

import pytest

from opsdeck.catalog.config import Config
from opsdeck.errors import UsageError
from opsdeck.operator import OperatorNeededError, checked_name, find_operator, login, writer_name


@pytest.fixture(autouse=True)
def _login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "deploy")


def test_the_flag_wins_over_the_environment_the_configuration_and_the_login() -> None:
    config = Config(operator="carol")
    environ = {"OPSDECK_OPERATOR": "bob"}
    assert find_operator("alice", environ, config) == "alice"
    assert find_operator(None, environ, config) == "bob"
    assert find_operator(None, {}, config) == "carol"
    assert find_operator(None, {}, Config()) == "deploy"


def test_nobody_is_guessed_on_a_shared_account() -> None:
    config = Config(operator="carol", shared_accounts=("deploy",))
    with pytest.raises(OperatorNeededError, match="--operator"):
        find_operator(None, {}, config)
    assert find_operator(None, {"OPSDECK_OPERATOR": "bob"}, config) == "bob"
    assert find_operator("alice", {}, config) == "alice"


def test_another_account_is_not_shared() -> None:
    assert find_operator(None, {}, Config(shared_accounts=("root",))) == "deploy"


@pytest.mark.parametrize("name", ["alice", "Anna-Lena Ö.", "日本", "[red]", "a" * 64])
def test_a_name_is_taken_as_it_is(name: str) -> None:
    assert checked_name(name) == name


def test_blanks_around_and_within_a_name_are_put_in_order() -> None:
    assert checked_name("  alice \t smith\n") == "alice smith"


@pytest.mark.parametrize("name", ["", "  ", "a" * 65, "\x1b[31m", "a\u202eb", "\x00", "a\u200bb"])
def test_what_is_no_name_is_refused_harmlessly(name: str) -> None:
    with pytest.raises(UsageError, match="no name for an operator") as caught:
        checked_name(name)
    assert "\x1b" not in str(caught.value)


def test_an_account_without_a_name_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert login().startswith("uid-")


def test_a_writer_is_an_account_at_a_machine_as_a_file_may_be_called() -> None:
    account, _, machine = writer_name("../a b").partition("@")
    assert "/" not in account
    assert machine
