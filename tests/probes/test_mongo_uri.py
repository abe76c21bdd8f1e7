"""What a MongoDB connection string says, and that its password is never said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.probes._mongo_uri import for_client, parse, pool, secrets_in
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.kinds import mongodb

ATLAS = "mongodb+srv://app:p%40ss@cluster0.abcde.mongodb.net/shop?retryWrites=true&w=majority"
THREE = (
    "mongodb://app:pw@db1.example.com,db2.example.com:27018,[::1]:27019/shop?replicaSet=rs0"
    "&maxPoolSize=30&minPoolSize=2&waitQueueTimeoutMS=5000&readPreference=secondaryPreferred"
    "&maxStalenessSeconds=90&tls=true&authSource=admin&compressors=zstd&w=2"
    "&serverSelectionTimeoutMS=15000"
)


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        (
            ATLAS,
            {
                "srv": True,
                "hosts": ["cluster0.abcde.mongodb.net"],
                "database": "shop",
                "user": "app",
                "tls": True,
                "retry_writes": True,
                "w": "majority",
                "max_pool_size": None,
            },
        ),
        (
            THREE,
            {
                "hosts": ["db1.example.com:27017", "db2.example.com:27018", "[::1]:27019"],
                "host_count": 3,
                "replica_set": "rs0",
                "max_pool_size": 30,
                "min_pool_size": 2,
                "wait_queue_timeout_ms": 5000,
                "server_selection_timeout_ms": 15000,
                "read_preference": "secondaryPreferred",
                "max_staleness_s": 90,
                "auth_source": "admin",
                "w": 2,
                "options": {"compressors": "zstd"},
            },
        ),
        ("mongodb://db1", {"hosts": ["db1:27017"], "database": None, "tls": False, "user": None}),
        ("mongodb://db1/?retryWrites=false&directConnection=true", {"retry_writes": False}),
        ("mongodb://%2Ftmp%2Fmongodb-27017.sock/shop", {"hosts": ["/tmp/mongodb-27017.sock"]}),
        ("mongodb://db1/?tls=true&tlsInsecure=true", {"tls_verified": False}),
    ],
)
async def test_pool_options_come_from_the_string_alone(uri: str, found: dict[str, Any]) -> None:
    target = Target("mongodb", {"kind": "mongodb", "uri": uri})
    # WHEN the uri is looked at
    document = await mongodb.look(target, {"look": "uri"}, 1)
    # THEN its options have names and types, and nobody was asked
    assert {key: document["pool"][key] for key in found} == found
    assert target._shared == {}
    assert "latency_ms" in document


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("postgres://u:s3cret@db1/shop", "must begin with"),
        ("db1:27017", "must begin with"),
        ("mongodb://u:s3cret@x@db1/shop", "%40"),
        ("mongodb://u:s3cret/x@db1/shop", "%40"),
        ("mongodb://u:s3:cret@db1/shop", "%40"),
        ("mongodb://:s3cret@db1/shop", "no user name"),
        ("mongodb://db1:s3cret/shop", "port"),
        ("mongodb://db1:0/shop", "port"),
        ("mongodb://db1:70000/shop", "port"),
        ("mongodb:///shop", "host name is missing"),
        ("mongodb://db1,,db2/shop", "host name is missing"),
        ("mongodb://::1/shop", "[brackets]"),
        ("mongodb+srv://db1.example.com:27017/shop", "without a port"),
        ("mongodb+srv://a.example.com,b.example.com/shop", "exactly one"),
        ("mongodb://db1/shop?tls=maybe", "true or false"),
        ("mongodb://db1/shop?maxPoolSize=many", "whole number"),
        ("mongodb://db1/shop?replicaSet=", "no value"),
    ],
)
async def test_a_malformed_string_is_named_without_its_password(uri: str, words: str) -> None:
    target = Target("mongodb", {"kind": "mongodb", "uri": uri})
    with pytest.raises(ProbeError) as caught:
        await mongodb.look(target, {"look": "uri"}, 1)
    assert caught.value.cause == "missing"
    assert words in str(caught.value)
    assert "s3" not in str(caught.value)


async def test_an_unset_variable_is_named() -> None:
    target = Target("mongodb", {"kind": "mongodb", "uri": "${MONGODB_URI}"}, environ={})
    with pytest.raises(ProbeError, match="MONGODB_URI is not set"):
        await mongodb.look(target, {"look": "uri"}, 1)


def test_passwords_are_secret_as_written_and_decoded() -> None:
    assert set(secrets_in(ATLAS)) == {"p%40ss", "p@ss"}
    token = "mongodb://db1/?authMechanismProperties=AWS_SESSION_TOKEN:abc%3D"
    assert "AWS_SESSION_TOKEN:abc=" in set(secrets_in(token))
    assert "abc" not in str(pool(parse(token)))


def test_the_probes_own_client_leaves_the_pool_to_the_service() -> None:
    own = for_client(parse(THREE + "&tlsCAFile=ca.pem&appName=shop"), Path("/etc/deck"))
    assert own.startswith("mongodb://app:pw@db1.example.com:27017,db2.example.com:27018,")
    assert "replicaSet" not in own
    assert "replicaset=rs0" in own
    assert "tlscafile=/etc/deck/ca.pem" in own
    for dropped in ("pool", "appname", "compressors", "timeout"):
        assert dropped not in own


@given(st.text(max_size=80), st.sampled_from(["", "mongodb://", "mongodb+srv://"]))
def test_no_string_breaks_it(text: str, scheme: str) -> None:
    try:
        found = parse(scheme + text)
    except ValueError:
        return
    assert pool(found)["host_count"] >= 1


@given(st.text(min_size=8, max_size=20, alphabet="abcXYZ0189!$&()*+,;=:@/?#%[]"))
def test_a_password_is_never_in_a_message(password: str) -> None:
    text = f"mongodb://app:{password}@db.example.com/shop"
    said = ""
    try:
        parse(text)
    except ValueError as error:
        said = str(error)
    assert password not in said
