"""`opsdeck doctor` on the world: targets tried, rights that are missing, commands never run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from opsdeck.deck import open_deck
from opsdeck.looking import Looks
from tests.cli.conftest import CommandLine
from tests.cli.doctored import SECRET, Doctored, doctored
from tests.probes import partners_aws, partners_http, partners_mongo, partners_tls
from tests.probes.partners_aws import KEYS, REGION, Told
from tests.probes.partners_local import git

__all__ = ["doctored"]

DENIED = (
    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
)
WHO = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/deck</Arn>"
    "<UserId>A</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def test_a_deck_in_good_health(doctored: Doctored, tmp_path: Path) -> None:
    # GIVEN every kind of target, each with a real partner, and an item at each
    folder = tmp_path / "code"
    folder.mkdir()
    git(folder, "init", "-q")
    aws = partners_aws.moto()
    aws.client("ec2").describe_vpcs()  # the first answer of moto takes its time
    doctored.opsdeck.environ |= {**KEYS, "MONGODB_URI": partners_mongo.server_uri("shop")}
    doctored.items(
        [
            {"kind": "http", "target": "web", "path": "/health"},
            {"kind": "mongodb", "target": "mongodb", "look": "server"},
            {"kind": "aws", "target": "aws", "service": "ec2", "operation": "DescribeVpcs"},
            {"kind": "file", "target": "repo", "glob": "*.md"},
            {"kind": "tcp", "target": "cache"},
        ]
    )
    tls = partners_http.good_tls()
    with partners_http.partner({"/health": partners_http.reply("ok")}, tls) as web:
        doctored.deck(
            {
                "web": {"kind": "web", "url": web.url, "ca": partners_http.trusted(tmp_path)},
                "mongodb": {"kind": "mongodb", "uri": "${MONGODB_URI}"},
                "aws": {"kind": "aws", "region": REGION, "endpoint_url": aws.url},
                "repo": {"kind": "repository", "path": "code"},
                "cache": {"kind": "network", "host": "127.0.0.1", "port": web.port},
            }
        )
        # WHEN it is examined
        found = doctored.findings()
    # THEN all is well but that this MongoDB lets anybody in
    assert [(f["where"], f["what"]) for f in found if f["level"] != "ok"] == [
        ("mongodb", "anybody may log in without a password")
    ]
    assert doctored.code == 1
    said = {f["where"]: f["what"] for f in reversed(found) if f["part"] == "targets"}
    assert said.keys() == {"host", "web", "mongodb", "aws", "repo", "cache"}
    assert said["web"].startswith("/health answers 200 in ")
    assert said["aws"].startswith("arn:aws:")
    assert said["repo"] == "a git checkout"
    assert ("items", "5 items could be looked at") in {(f["part"], f["what"]) for f in found}
    assert any(f["what"] == "the certificate is trusted, 40 days left" for f in found)
    # AND nothing was recorded
    assert not doctored.opsdeck.journal.exists()


def test_targets_that_do_not_answer(doctored: Doctored) -> None:
    # GIVEN a closed port, a server that says nothing, a wrong certificate and no such folder
    stranger = partners_http.stranger_tls()
    health = {"/health": partners_http.reply("ok")}
    with (
        partners_tls.closed_port() as closed,
        partners_tls.serving(partners_tls.says_nothing) as mute,
        partners_http.partner(health, stranger) as web,
        partners_http.partner({}) as bare,
    ):
        item = {"kind": "http", "target": "closed", "path": "/"}
        doctored.items([item, {**item, "target": "mute"}])
        doctored.deck(
            {
                "closed": {"kind": "web", "url": f"http://127.0.0.1:{closed}"},
                "mute": {"kind": "mongodb", "uri": f"mongodb://u:{SECRET}@127.0.0.1:{mute.port}"},
                "stranger": {"kind": "web", "url": web.url},
                "bare": {"kind": "web", "url": bare.url},
                "code": {"kind": "repository", "path": "no/such"},
                "plain": {"kind": "repository", "path": "."},
            }
        )
        # WHEN the deck is examined
        began = time.monotonic()
        found = doctored.findings("--timeout", "0.6")
        took_s = time.monotonic() - began
    # THEN each is told apart, all at the same time
    said = {f["where"]: (f["level"], f["what"]) for f in reversed(found) if f["part"] == "targets"}
    assert said["closed"][0] == "bad"
    assert "connection refused" in said["closed"][1]
    assert said["mute"][0] == "bad"
    assert "no answer" in said["mute"][1]
    assert said["bare"] == ("warn", said["bare"][1])
    assert "answers 404" in said["bare"][1]
    assert said["code"][0] == "bad"
    assert "no folder" in said["code"][1]
    assert said["plain"] == ("warn", "a folder, but no git checkout")
    stranger_said = [f["what"] for f in found if f["where"] == "stranger"]
    assert any(what.startswith("the certificate is not trusted: ") for what in stranger_said)
    assert took_s < 4
    # AND the items of those that are away wait
    items = [f for f in found if f["part"] == "items"]
    assert [(f["level"], f["where"], f["items"]) for f in items] == [
        ("unknown", "closed", ["own/i1"]),
        ("unknown", "mute", ["own/i2"]),
    ]
    assert doctored.code == 2


def test_rights_that_are_missing_in_aws(doctored: Doctored) -> None:
    # GIVEN an AWS that says who one is and denies everything else
    def answer(handler: Any, body: bytes) -> Told:
        who = b"GetCallerIdentity" in body
        return Told(200 if who else 403, WHO if who else DENIED, {"Content-Type": "text/xml"})

    doctored.opsdeck.environ |= KEYS
    alarms = {"service": "cloudwatch", "operation": "DescribeAlarms"}
    doctored.items(
        [
            {"kind": "aws", "target": "aws", "service": "iam", "operation": "ListUsers"},
            {"kind": "aws", "target": "aws", **alarms},
            {"kind": "aws", "target": "aws", **alarms, "query": "MetricAlarms"},
        ]
    )
    with partners_aws.stub(answer) as server:
        doctored.deck({"aws": {"kind": "aws", "region": REGION, "endpoint_url": server.url}})
        # WHEN the deck is examined
        found = doctored.findings()
    # THEN the actions to be allowed are named, with the items that need them
    rights = [f for f in found if f["part"] == "items" and f["level"] == "bad"]
    assert [f["items"] for f in rights] == [["own/i1"], ["own/i2", "own/i3"]]
    assert "rights: " in rights[0]["what"]
    assert "allow iam:ListUsers" in rights[0]["what"]
    assert "allow cloudwatch:DescribeAlarms" in rights[1]["what"]
    assert doctored.code == 2


def test_rights_that_are_missing_in_mongodb(doctored: Doctored) -> None:
    # GIVEN a server on which serverStatus is not allowed
    denied = partners_mongo.error(13, "not authorized on admin to execute command serverStatus")
    doctored.items([{"kind": "mongodb", "target": "db", "look": "connections"}])
    with partners_mongo.Proxy({"serverStatus": denied}) as proxy:
        doctored.deck({"db": {"kind": "mongodb", "uri": proxy.uri("shop")}})
        # WHEN the deck is examined THEN it says what is not allowed, and to whom
        found = doctored.findings()
    rights = [f for f in found if f["part"] == "items" and f["level"] == "bad"]
    assert [f["items"] for f in rights] == [["own/i1"]]
    assert "serverStatus" in rights[0]["what"]


def test_commands_are_shown_and_never_run(doctored: Doctored) -> None:
    # GIVEN items that run commands, change something and send a burst
    marker = doctored.opsdeck.folder / "ran"
    touch = ["touch", str(marker)]
    doctored.items(
        [
            {"kind": "command", "target": "repo", "argv": touch},
            {"kind": "command", "target": "repo", "argv": touch, "output": "text"},
            {"kind": "command", "target": "repo", "argv": ["no-such-program", "-v"]},
            {"kind": "http", "target": "web", "path": "/x", "method": "POST", "changes": True},
            {"kind": "http", "target": "web", "path": "/x", "burst": 50},
            {"kind": "command", "target": "repo", "shell": True, "argv": "cd .\ntouch ran\n"},
        ]
    )
    with partners_http.partner(partners_http.reply("ok")) as web:
        doctored.deck(
            {"repo": {"kind": "repository", "path": "."}, "web": {"kind": "web", "url": web.url}}
        )
        # WHEN the deck is examined
        told = doctored.told("commands")
        methods = {asked.method for asked in web.asked}
        count = len(web.asked)
    # THEN each is shown exactly as it would be done
    todo = "not agreed to: check it in the app, or pass --trust"
    absent = "no-such-program is not installed here: install it"
    assert told == [
        ("warn", "own/i1", f"runs: touch {marker}: {todo}"),
        ("warn", "own/i3", f"runs: no-such-program -v: {absent}"),
        ("ok", "own/i4", "sends: POST /x: asked about each time; scripts pass --trust"),
        ("ok", "own/i5", "sends: 50 requests at once: GET /x: only when its item is named"),
        ("warn", "own/i6", f"runs: cd .\ntouch ran\n: {todo}"),
    ]
    lines = doctored.opsdeck("doctor", "--quick").lines
    place = lines.index("  warn     own/i6  runs: cd .")
    assert [line.strip() for line in lines[place + 1 : place + 3]] == ["touch ran", todo]
    # AND nothing of it is done
    assert not marker.exists()
    assert (methods, count) == ({"GET"}, 1)


def test_commands_are_shown_without_their_secrets(doctored: Doctored) -> None:
    # GIVEN a command that is given a secret
    doctored.opsdeck.environ["DEPLOY_PW"] = SECRET
    argv = ["curl", "-u", "deploy:${DEPLOY_PW}", "https://ci.example"]
    doctored.items([{"kind": "command", "target": "host", "argv": argv}])
    doctored.deck({})
    # THEN people see the command, and the secret is in no output
    (_, _, what), *_ = doctored.told("commands", "--quick")
    assert what.startswith("runs: curl -u 'deploy:[redacted]' https://ci.example")
    assert SECRET not in doctored.opsdeck("doctor", "--quick").out


def test_commands_that_were_agreed_to(doctored: Doctored) -> None:
    # GIVEN a command that somebody agreed to on this machine
    marker = doctored.opsdeck.folder / "ran"
    doctored.items([{"kind": "command", "target": "repo", "argv": ["touch", str(marker)]}])
    doctored.deck({"repo": {"kind": "repository", "path": "."}})
    _agree_to_all(doctored.opsdeck)
    # THEN the doctor says so, and runs it no more than any other
    assert doctored.told("commands") == [
        ("ok", "own/i1", f"runs: touch {marker}: agreed to on this machine")
    ]
    assert not marker.exists()


def _agree_to_all(opsdeck: CommandLine) -> None:
    deck = open_deck(environ=opsdeck.environ, cwd=opsdeck.folder, operator="alice")
    looks = Looks(deck, opsdeck.environ)
    looks.remember(looks.asks(looks.subjects()))


def test_the_policy_is_for_the_probes_in_use(doctored: Doctored) -> None:
    # GIVEN two items, one of them at a target that is not configured
    doctored.items(
        [
            {"kind": "aws", "target": "aws", "service": "ec2", "operation": "DescribeVpcs"},
            {"kind": "aws", "target": "other", "service": "rds", "operation": "DescribeDBClusters"},
        ]
    )
    doctored.deck({"aws": {"kind": "aws", "region": REGION}})
    # WHEN the policy is asked for
    result = doctored.opsdeck("doctor", "--policy")
    # THEN it is all that is printed
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["Statement"][0]["Action"] == ["ec2:DescribeVpcs"]
    # AND with no AWS target at all it is for every item
    doctored.deck({})
    everything = json.loads(doctored.opsdeck("doctor", "--policy").out)
    assert everything["Statement"][0]["Action"] == ["ec2:DescribeVpcs", "rds:DescribeDBClusters"]


def test_the_role_is_for_the_probes_in_use(doctored: Doctored) -> None:
    doctored.items(
        [
            {"kind": "mongodb", "target": "db", "look": "connections"},
            {"kind": "mongodb", "target": "db", "look": "indexes"},
        ]
    )
    doctored.opsdeck.environ["MONGODB_URI"] = f"mongodb://u:{SECRET}@db.example/shop"
    doctored.deck({"db": {"kind": "mongodb", "uri": "${MONGODB_URI}"}})
    result = doctored.opsdeck("doctor", "--role")
    assert (result.code, result.err) == (0, "")
    assert "serverStatus" in result.out
    assert "indexStats" in result.out
    assert '"shop"' in result.out
    assert SECRET not in result.out


@pytest.mark.parametrize("option", ["--policy", "--role"])
def test_no_rights_are_needed_for_nothing(doctored: Doctored, option: str) -> None:
    doctored.items([{"kind": "tcp", "host": "127.0.0.1", "port": 1}])
    doctored.deck({})
    result = doctored.opsdeck("doctor", option)
    assert (result.code, result.out) == (0, "")
    assert "no item in use asks" in result.err
    assert doctored.opsdeck("doctor", "--policy", "--role").code == 64


def test_cut_off_itself_it_blames_nobody(doctored: Doctored) -> None:
    # GIVEN a target that nothing is heard of, and no anchor that answers
    with partners_tls.silent_port() as port, partners_tls.closed_port() as closed:
        doctored.items([{"kind": "tls", "target": "web"}])
        doctored.deck(
            {"web": {"kind": "web", "url": f"https://127.0.0.1:{port}"}},
            f'anchors = ["127.0.0.1:{closed}"]',
        )
        # WHEN the deck is examined
        found = doctored.findings("--timeout", "0.4")
    # THEN it is this machine, said once, and the item waits
    assert [f["level"] for f in found if f["level"] != "ok"] == ["unknown"] * 2
    assert any(f["what"] == "it is cut off itself: none of its anchors answers" for f in found)
    assert doctored.code == 3
