"""Variables are measured and never shown."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsdeck.probes._file_env import parse_env
from opsdeck.probes._file_strength import entropy_bits, is_placeholder, is_weak
from opsdeck.probes.registry import problems
from tests.probes.partners_local import document, repository, see, write


async def test_a_variable(tmp_path: Path) -> None:
    # GIVEN one long random variable
    value = secrets.token_hex(32)
    seen = await document("env", tmp_path, target="", name="SECRET", environ={"SECRET": value})
    assert (seen["set"], seen["length"], seen["source"]) == (True, 64, "environment")
    assert seen["entropy_bits"] > 200
    assert value not in json.dumps(seen)


async def test_one_that_is_missing_is_a_document(tmp_path: Path) -> None:
    for environ in ({}, {"X": ""}, {"X": "  "}):
        seen = await document("env", tmp_path, target="", name="X", environ=environ)
        assert (seen["set"], seen["missing"], seen["length"]) == (False, ["X"], None)


async def test_several_from_a_file(tmp_path: Path) -> None:
    # GIVEN an env file with a good value, one twice, a placeholder, and one missing
    good = secrets.token_urlsafe(40)
    write(tmp_path, {".env": f"A='{good}'\nB={good}\nC=changeme\n"})
    seen = await document("env", tmp_path, names=["A", "B", "C", "D"], file=".env")
    assert seen["source"] == ".env"
    assert (seen["set"], seen["count"], seen["missing"]) == (False, 3, ["D"])
    assert seen["placeholders"] == ["C"]
    assert seen["alike"] is True
    assert (seen["length"], seen["variables"]["A"]["length"]) == (8, len(good))
    # AND without the file there is nowhere to look
    seen = await document("env", tmp_path, name="A", file="none.env")
    assert (seen["source"], seen["set"]) == (None, False)


async def test_whether_the_code_reads_it(tmp_path: Path) -> None:
    repository(tmp_path, {"a.js": "init(process.env.SENTRY_DSN)"})
    environ = {**os.environ, "SENTRY_DSN": "https://k@o1.ingest.sentry.io/1", "OTHER": "x"}
    seen = await document(
        "env", tmp_path, names=["SENTRY_DSN", "OTHER"], code=True, environ=environ
    )
    assert seen["unread"] == ["OTHER"]
    assert seen["variables"]["SENTRY_DSN"]["uri"] is True


async def test_values_are_secret_from_then_on(tmp_path: Path) -> None:
    seen = await see("env", tmp_path, target="", name="X", environ={"X": "planted-5c1"})
    assert "planted" not in seen.redactor.text("it was planted-5c1")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("export A = 1 # one\n#B=2\n", {"A": "1"}),
        ("A='x # y'\nB=\"a\nb\"\nC=`q`", {"A": "x # y", "B": "a\nb", "C": "q"}),
        ("A=\nB=''\n", {"A": "", "B": ""}),
        ("A=a=b==\nA=2", {"A": "2"}),
        ("A=p#q", {"A": "p#q"}),
        ("no equals\n=x\n1A=2\nA.b-c=3", {"A.b-c": "3"}),
        ("A='open\nB=2", {"A": "'open", "B": "2"}),
    ],
)
def test_env_files(text: str, wanted: dict[str, str]) -> None:
    assert parse_env(text) == wanted


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("", 0, 0),
        ("a" * 64, 0, 2),
        ("0123456789abcdef", 0, 30),
        ("abcabcabcabcabcabcabc", 0, 8),
        ("my-super-secret-session-secret", 0, 30),
        ("Password123!", 0, 20),
        ("correct horse battery staple", 60, 120),
    ],
)
def test_entropy(value: str, low: float, high: float) -> None:
    assert low <= entropy_bits(value) <= high


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_generated_secrets_are_strong(seed: bytes) -> None:
    # GIVEN what `openssl rand -hex 32` prints, unless chance made it a run of the same digit
    value = seed.hex()
    if len(set(seed)) > 20:
        assert entropy_bits(value) > 128
        assert not is_weak("SESSION_SECRET", value)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("changeme", True),
        ("CHANGE_ME_PLEASE", True),
        ("your-api-key", True),
        ("<token>", True),
        ("xxxxxxxx", True),
        ("sk_live_xxxxxxxx", True),
        ("TODO", True),
        ("secret", True),
        ("mongodb://user:password@db/app", True),
        ("https://api.example.com", True),
        ("mongodb://app:h7Gk2pQ9@db.internal/app", False),
        ("8f3a9c1e7b5d", False),
        ("production", False),
        ("3000", False),
        ("", False),
        ("info", False),
        ("eu-central-1", False),
    ],
)
def test_placeholders(value: str, wanted: bool) -> None:
    assert is_placeholder(value) is wanted


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("JWT_SECRET", "hunter2", True),
        ("DB_PASSWORD", "Summer2024", True),
        ("MONGODB_URI", "mongodb://app:shop123@db/app", True),
        ("MONGODB_URI", "mongodb://app:9fK2xQ7vLm4RtZ1p@db/app", False),
        ("API_KEY", "c40d278e43c345e29da0ec93bfda941c", False),
        ("TLS_KEY", "/etc/ssl/app.key", False),
        ("PORT", "3000", False),
        ("TOKEN_TTL", "60", False),
        ("CACHE_KEY", "orders", False),
        ("SIGNING_KEY", "orders", True),
        ("JWT_SECRET", "", False),
    ],
)
def test_weak(name: str, value: str, wanted: bool) -> None:
    assert is_weak(name, value) is wanted


VALUES = st.text(
    st.characters(codec="utf-8", exclude_characters="\"'`\\\r\n#$ \t", exclude_categories=["C"]),
    min_size=10,
    max_size=60,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(VALUES, min_size=1, max_size=4, unique=True))
async def test_no_document_ever_holds_a_value(tmp_path: Path, values: list[str]) -> None:
    # GIVEN an env file with these values, a comparison, and variables
    names = [f"NAME_{n}_SECRET" for n in range(len(values))]
    planted = [f"\u2603{value}\u2603" for value in values]
    text = "\n".join(f"{n}='{v}'" for n, v in zip(names, planted, strict=True))
    (tmp_path / ".env").write_text(text + '\nLONG="a\n' + planted[0] + '\nb"\n', "utf-8")
    (tmp_path / "b.env").write_text("OTHER='" + planted[0] + "'\n", "utf-8")
    # WHEN everything is looked at that can be
    seen = [
        await see("file", tmp_path, path=".env", compare="b.env", content=True, contains=["a"]),
        await see("env", tmp_path, names=names, file=".env"),
        await see("env", tmp_path, names=names, environ=dict(zip(names, planted, strict=True))),
    ]
    # THEN no document has any of them in it
    for look in seen:
        assert look.document is not None
        kept = json.dumps(look.document, ensure_ascii=False)
        assert not any(value in kept for value in planted)
        assert "\u2603" not in kept


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "name (one variable) or names"),
        ({"name": "A", "names": ["B"]}, "not both"),
        ({"names": [1]}, "names of variables"),
        ({"names": [" "]}, "names of variables"),
    ],
)
def test_what_cannot_be_right(parameters: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in problems({"kind": "env", **parameters}))
