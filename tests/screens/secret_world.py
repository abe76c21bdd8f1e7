"""A deck in which one secret is everywhere, among partners that give it away on every occasion."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from tests.probes import partners_mongo
from tests.probes.partners_aws import NO_FILES, Told, stub
from tests.probes.partners_http import Asked, Partner, partner
from tests.screens.hostile_world import Item, write_deck

AWS_PROBE = {"kind": "aws", "service": "sts", "operation": "GetCallerIdentity"}
POST = {"kind": "http", "target": "web", "method": "POST", "changes": True}
LIMITS_S = {"command": 5.0, "aws": 3.0, "file": 5.0}
"""Seconds for those who do something; the others answer at once or never."""
CUT = 190
"""Messages of what a command printed end soon after so many characters."""


def forms(secret: str) -> set[str]:
    """How the secret may be written."""
    data = secret.encode()
    return {
        secret,
        secret.lower(),
        data.decode("latin-1"),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        html.escape(html.escape(secret)),
        shlex.quote(secret),
        repr(secret)[1:-1],
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode(),
        base64.b64encode(f"app:{secret}".encode()).decode(),
    }


def found_in(secret: str, text: str) -> list[str]:
    """The forms of the secret in a text, which may be a screen that wraps its lines."""
    flat = _flat(text)
    return sorted(form for form in forms(secret) if len(form) > 3 and _flat(form) in flat)


def _flat(text: str) -> str:
    return re.sub(r"\s+", "", text)


class Teller:
    """Partners that know the secret and tell it in every answer."""

    def __init__(self) -> None:
        self.secret = ""
        self.http: Partner
        self.aws = ""
        self.mongo = 0

    def answer(self, asked: Asked) -> bytes:
        """By path: as JSON, as HTML, in headers, in cookies, in redirects."""
        secret, quoted = self.secret, quote(self.secret, safe="")
        echoed = {"asked": asked.target, "headers": asked.headers, "body": asked.body.decode()}
        body = json.dumps({**echoed, "said": secret, secret: [secret]}, ensure_ascii=False)
        status, kind = b"200 ", b"application/json"
        extra = b""
        if asked.target.startswith("/html"):
            kind, body = b"text/html", f"<b>{html.escape(secret)}</b><i>{quoted}</i>"
        if asked.target.startswith("/base64"):
            pair = base64.b64encode(f"app:{secret}".encode()).decode()
            kind, body = b"text/plain", f"{base64.b64encode(secret.encode()).decode()} {pair}"
        if asked.target.startswith("/away"):
            status = b"302 "
            extra = f"Location: /html/{quoted}?token={quoted}#{quoted}\r\n".encode()
        if asked.target.startswith("/host"):
            status = b"302 "
            extra = f"Location: http://{quoted}:{quoted}@[bad/{quoted}\r\n".encode()
        in_header = secret.encode() if secret.isprintable() else quoted.encode()
        content = body.encode("utf-8")
        return (
            b"HTTP/1.1 " + status + in_header + b"\r\n"
            b"Content-Type: " + kind + b"\r\nX-Echo: " + in_header + b"\r\n"
            b"Content-Security-Policy: default-src " + in_header + b"\r\n"
            b"Set-Cookie: sid=" + in_header + b"; path=/" + in_header + b"\r\n"
            b"Server: " + in_header + b"\r\n" + extra
            + f"Content-Length: {len(content)}\r\n\r\n".encode() + content
        )  # fmt: skip

    def reply(self, request: bytes) -> bytes:
        """A MongoDB that refuses, and says why."""
        identity = struct.unpack_from("<i", request, 4)[0]
        said = f"no: mongodb://app:{quote(self.secret, safe='')}@db/ {self.secret!r} {self.secret}"
        return partners_mongo.message({"ok": 0.0, "errmsg": said, "code": 13}, 1, identity)

    def told(self, handler: BaseHTTPRequestHandler, body: bytes) -> Told:
        """An AWS that refuses, and says why."""
        said = html.escape(f"{self.secret} {body.decode()} {handler.headers}")
        said = re.sub("[^ -\ud7ff]", "?", said)
        text = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{said}</Message></Error>"
        return Told(403, text + "</ErrorResponse>", {"Content-Type": "text/xml"})


@contextmanager
def tellers() -> Iterator[Teller]:
    """Partners for any number of secrets, one after the other."""
    teller = Teller()
    with (
        partner(teller.answer) as http,
        stub(teller.told) as aws,
        partners_mongo.answering(teller.reply) as mongo,
    ):
        teller.http, teller.aws, teller.mongo = http, aws.url, mongo
        yield teller


def environ_of(folder: Path, secret: str) -> dict[str, str]:
    """An environment that holds the secret under several names."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "OPSDECK_HOME": str(folder / "home"),
        "XDG_DATA_HOME": str(folder / "data"),
        "OPSDECK_OPERATOR": "alice",
        "APP_VALUE": secret,
        "APP_QUOTED": quote(secret, safe=""),
        "APP_URI": f"https://app:{quote(secret, safe='')}@db.example.com/x",
        "AWS_ACCESS_KEY_ID": "AKIAOPSDECKTEST00000",
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": secret,
        **NO_FILES,
    }


def targets_of(teller: Teller) -> dict[str, dict[str, Any]]:
    """Targets that take the secret from the environment, in every place where one may stand."""
    url, place = teller.http.url, f"127.0.0.1:{teller.http.port}"
    return {
        "repo": {"kind": "repository", "path": "."},
        "web": {
            "kind": "web",
            "url": url,
            "token": "${APP_VALUE}",
            "headers": {
                "X-Api-Key": "${APP_VALUE}",
                "X-Plain": "v=${APP_VALUE}",
                "Cookie": "s=${APP_VALUE}",
            },
        },
        "basic": {"kind": "web", "url": url, "username": "app", "password": "${APP_VALUE}"},
        "inside": {"kind": "web", "url": f"http://app:${{APP_QUOTED}}@{place}"},
        "broken": {"kind": "web", "url": "http://app:${APP_VALUE}@[::1/${APP_VALUE}"},
        "db": {
            "kind": "mongodb",
            "uri": f"mongodb://app:${{APP_QUOTED}}@127.0.0.1:{teller.mongo}/?directConnection=true",
        },
        "bad-db": {
            "kind": "mongodb",
            "uri": "mongodb://app:${APP_VALUE}@@/${APP_VALUE}?${APP_VALUE}",
        },
        "aws": {"kind": "aws", "region": "eu-central-1", "endpoint_url": teller.aws},
        "other": {"kind": "network", "uri": "${APP_URI}", "host": "127.0.0.1", "port": 1},
    }


def items_of() -> list[Item]:
    """Items whose looks meet the secret, and whose probes have it in their words."""
    python = sys.executable
    secret = "${APP_VALUE}"
    says = "import os, sys; v = os.environ['APP_VALUE']; "
    probes: list[dict[str, Any]] = [
        {"kind": "http", "target": "web", "auth": True},
        {"kind": "http", "target": "web", "path": "/html", "auth": True},
        {"kind": "http", "target": "web", "path": "/base64"},
        {"kind": "http", "target": "web", "path": "/away", "redirects": 0},
        {"kind": "http", "target": "web", "path": "/away"},
        {"kind": "http", "target": "web", "path": "/host"},
        {
            "kind": "http",
            "target": "web",
            "path": f"/x?q={secret}",
            "body": secret,
            "method": "POST",
            "changes": True,
        },
        {"kind": "http", "target": "web", "headers": {"X-More": secret}, "samples": 2},
        {"kind": "http", "target": "web", "host": secret},
        {"kind": "http", "target": "basic", "auth": True},
        {"kind": "http", "target": "inside", "auth": True},
        {"kind": "http", "target": "broken"},
        {"kind": "http", "url": f"http://{secret}/"},
        {"kind": "mongodb", "target": "db", "command": {"hello": 1}},
        {"kind": "mongodb", "target": "db", "look": "uri"},
        {"kind": "mongodb", "target": "bad-db", "look": "server"},
        {**AWS_PROBE, "target": "aws"},
        {**AWS_PROBE, "target": "aws", "region": secret},
        {"kind": "tcp", "target": "other"},
        {"kind": "tcp", "host": secret, "port": 1},
        {"kind": "tls", "host": secret, "port": 1},
        {"kind": "dns", "name": secret, "server": "127.0.0.1:1"},
        {"kind": "command", "argv": ["env"]},
        {"kind": "command", "argv": ["echo", secret, f"--password={secret}", f"it's {secret}"]},
        {"kind": "command", "argv": f"echo '{secret}' >&2; exit 3", "shell": True},
        {"kind": "command", "argv": ["true"], "env": {"MORE": secret}, "cwd": "."},
        {"kind": "command", "argv": [f"./{secret}"]},
        {"kind": "command", "argv": ["env"], "cwd": secret},
        {"kind": "command", "argv": ["env"], "output": "json"},
        {"kind": "command", "argv": ["echo", f"it's {secret}"], "output": "json"},
        {
            "kind": "command",
            "argv": [python, "-c", says + f"print('x' * {CUT} + v)"],
            "output": "json",
        },
        {"kind": "file", "target": "repo", "path": ".env"},
        {"kind": "file", "target": "repo", "path": "app.json", "content": True},
        {"kind": "file", "target": "repo", "path": "app.toml", "content": True},
        {"kind": "file", "target": "repo", "path": "broken.json", "content": True},
        {"kind": "file", "target": "repo", "path": "notes.md", "figure": "RTO"},
        {"kind": "file", "target": "repo", "scan": "secrets"},
        {"kind": "file", "target": "repo", "scan": "variables"},
        {"kind": "file", "target": "repo", "path": secret},
        {"kind": "file", "target": "repo", "glob": f"{secret}*"},
        {"kind": "env", "name": "APP_VALUE"},
        {"kind": "env", "target": "repo", "names": ["DB_PASSWORD", "NOTE"], "file": ".env"},
        {"kind": "run", "run": secret},
    ]
    said = ("latency_ms < `0`", "body != `1` && stdout == 'x'", "headers", "json", "content")
    return [
        Item(
            f"i{n}-{probe['kind']}",
            probe,
            (said[n % len(said)], *said),
            timeout_s=LIMITS_S.get(probe["kind"], 0.7),
        )
        for n, probe in enumerate(probes)
    ]


def write_secret_deck(folder: Path, teller: Teller, secret: str) -> dict[str, str]:
    """The deck and its repository, with the secret in its files; the environment to use."""
    teller.secret = secret
    # Only an item of the operator's own: nothing of it may be in the shown words.
    write_deck(folder, items_of(), targets_of(teller))
    line = secret.replace("\n", " ")
    (folder / ".env").write_text(f"DB_PASSWORD={line}\nNOTE='{line}'\n", encoding="utf-8")
    data = {"note": secret, "db": {"password": secret}, secret: 1}
    (folder / "app.json").write_text(json.dumps(data), encoding="utf-8")
    (folder / "app.toml").write_text(f"note = {_toml(secret)}\n", encoding="utf-8")
    (folder / "broken.json").write_text(f'{{"a": {secret}', encoding="utf-8")
    (folder / "notes.md").write_text(f"# {line}\n\nRTO: 5 minutes {line}\n", encoding="utf-8")
    (folder / "app.py").write_text(f"PASSWORD = {secret!r}\nKEY = {secret!r}\n", encoding="utf-8")
    return environ_of(folder, secret)


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def files_below(*folders: Path) -> Mapping[str, str]:
    """Every file there is, as text."""
    return {
        str(file): file.read_bytes().decode("utf-8", "replace")
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file()
    }
