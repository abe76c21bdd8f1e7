"""A deck whose every item meets somebody hostile: servers of all kinds, files, programs, words."""

from __future__ import annotations

import json
import shlex
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import bson
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from tests.probes import partners_mongo, partners_tls
from tests.probes.partners_aws import NO_FILES, Told, stub
from tests.probes.partners_dns import dns_server
from tests.probes.partners_http import json_reply, partner, reply
from tests.probes.test_hostile_answers import HOSTILE as HTTP_ANSWERS
from tests.probes.test_mongo_hostile import HOSTILE as MONGO_ANSWERS
from tests.probes.test_mongo_hostile import unlike

EVIL = (
    "\x1b[2J\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x9b31m\x00\x7f\u202egnp.exe\u2066\ufeff"
    "[red]x[/] [/] [@click=app.quit]bye[/] [ERROR] \\[b] $x |a=1;2;3 ]]> # TODO\r\nok 1\u2028."
)
"""What a terminal, markup, a shell, TAP, XML or a monitoring system might obey."""
NO_NUL = EVIL.replace("\x00", "")
MARKUP = "[red]x[/] [/] [@click=app.quit]bye[/] [ERROR]"
SHORT_S = 0.6
"""For those who never answer."""
AWS_KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAOPSDECKTEST00000",
    "AWS_SECRET_ACCESS_KEY": "planted+secret/of+the+screens/012345678",
    **NO_FILES,
}


class Item(NamedTuple):
    """An item of the hostile list."""

    name: str
    probe: dict[str, Any]
    expect: tuple[str, ...] = ("latency_ms >= `0`",)
    text: str = ""
    timeout_s: float = 3.0


def toml(value: Any) -> str:
    """A value as TOML writes it, in one line."""
    if isinstance(value, Mapping):
        pairs = (f"{toml(key)} = {toml(inner)}" for key, inner in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_deck(
    folder: Path, items: Iterable[Item], targets: Mapping[str, Any], head: str = ""
) -> None:
    """`opsdeck.toml` and `checklists.toml` with one list of these items and nothing else."""
    tables = "".join(
        f"[targets.{toml(name)}]\n" + "".join(f"{toml(k)} = {toml(v)}\n" for k, v in keys.items())
        for name, keys in targets.items()
    )
    (folder / "opsdeck.toml").write_text(head + tables, encoding="utf-8")
    rows = "".join(
        f"[[checklist.item]]\nid = {toml(item.name)}\n"
        f"text = {toml(item.text or 'Text of ' + item.name)}\n"
        f"probe = {toml({**item.probe, 'timeout': item.timeout_s})}\n"
        f"expect = {toml(item.expect)}\n"
        for item in items
    )
    (folder / "checklists.toml").write_text(
        'omit = ["*"]\n[[checklist]]\nid = "bad"\ntitle = "Hostile"\nsection = "S"\n'
        'cadence = "standing"\n' + rows,
        encoding="utf-8",
    )


class World:
    """Items and targets, gathered one by one."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.end = stack.close
        """Everybody goes home: what is shown from then on needs nobody."""
        self.items: list[Item] = []
        self.targets: dict[str, dict[str, Any]] = {"repo": {"kind": "repository", "path": "."}}

    def add(self, kind: str, about: str, more: Mapping[str, Any], **fields: Any) -> None:
        """An item of this kind, named after what it meets."""
        number = len(self.items)
        slug = "".join(c if c.isalnum() and c.isascii() else "-" for c in about.lower())[:40]
        probe = {"kind": kind, **more}
        text = fields.pop("text", f"{kind}: {about}")
        self.items.append(Item(f"n{number}-{kind}-{slug}", probe, text=text, **fields))

    def target(self, **keys: Any) -> str:
        """A target with these keys; its name."""
        name = f"t{len(self.targets)}"
        self.targets[name] = keys
        return name


@contextmanager
def hostile_world(folder: Path, *, http: slice = slice(None)) -> Iterator[World]:
    """All hostile partners at once; the deck is written into the folder."""
    with ExitStack() as stack:
        world = World(folder, stack)
        _http(world, stack, http)
        for add in (_mongodb, _tls, _tcp, _dns, _aws, _commands, _files, _processes, _words):
            add(world, stack)
        write_deck(folder, world.items, world.targets)
        yield world


def _http(world: World, stack: ExitStack, chosen: slice) -> None:
    def web(about: str, answer: Any, timeout_s: float = 3.0, **more: Any) -> None:
        server = stack.enter_context(partner(answer))
        name = world.target(kind="web", url=server.url)
        expect = ("status == `200`", "body == 'fine'", "headers")
        world.add("http", about, {"target": name, **more}, expect=expect, timeout_s=timeout_s)

    for one in HTTP_ANSWERS[chosen]:
        sends: Any = one.sends
        answer = sends if isinstance(sends, bytes) else (lambda asked, s=sends: s())
        web(one.about, answer, SHORT_S if one.gives == "timeout" else 3.0)
    web("a body of everything", reply(EVIL))
    web("JSON of everything", json_reply(json.dumps({EVIL: [EVIL, {EVIL: EVIL}]})))
    headers = {"X-Markup": MARKUP, "Server": MARKUP, "Set-Cookie": f"{MARKUP}=\x1b[2J; path=/"}
    web("headers of markup", reply("fine", 200, headers, reason=MARKUP))
    web("a redirect of markup", reply("", 302, {"Location": f"/{MARKUP}?{MARKUP}#\x1b[2J"}))
    web("a redirect to a host of markup", reply("", 302, {"Location": f"http://{MARKUP}/"}))
    web("a charset of markup", reply("x", 200, {"Content-Type": f"text/{MARKUP}; charset=\x1b"}))
    web("a sample of hostile health", json_reply(json.dumps({"status": EVIL})), samples=2)


def _mongodb(world: World, stack: ExitStack) -> None:
    def evil_error(request: bytes) -> bytes:
        identity = struct.unpack_from("<i", request, 4)[0]
        error = {"ok": 0.0, "errmsg": NO_NUL + EVIL, "code": 18, "codeName": NO_NUL}
        return partners_mongo.message(error, 1, identity)

    def evil_values(request: bytes) -> bytes:
        identity = struct.unpack_from("<i", request, 4)[0]
        names = {f"{NO_NUL}": EVIL, "setName": EVIL, "hosts": [EVIL], "msg": EVIL, "me": EVIL}
        hello = {"ok": 1.0, "isWritablePrimary": True, "maxWireVersion": 21, "minWireVersion": 0}
        sizes = {"maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 1 << 25}
        reply_ = {**hello, **sizes, "version": EVIL, "deep": [[[[{"x": EVIL}]]]], **names}
        return partners_mongo.packed(bson.encode(reply_), 1, identity)

    answers: dict[str, Callable[[bytes], bytes]] = {k: unlike(k) for k in MONGO_ANSWERS}
    answers["an error of everything"] = evil_error
    answers["a reply of everything"] = evil_values
    for about, answer in answers.items():
        port = stack.enter_context(partners_mongo.answering(answer))
        uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        name = world.target(kind="mongodb", uri=uri)
        world.add("mongodb", about, {"target": name, "command": {"hello": 1}}, timeout_s=1.0)
    silent = stack.enter_context(partners_mongo.silent())
    name = world.target(kind="mongodb", uri=f"mongodb://127.0.0.1:{silent}/?directConnection=true")
    world.add("mongodb", "silence", {"target": name, "look": "server"}, timeout_s=SHORT_S)


def _evil_certificate() -> partners_tls.Issued:
    """Signed by itself, with everything in its names."""
    made = partners_tls.issue("placeholder", names=("localhost",))
    said = EVIL[:40]
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, said),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, MARKUP + said),
        ]
    )
    valid = made.certificate.not_valid_before_utc, made.certificate.not_valid_after_utc
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(made.key.public_key()).serial_number(7)
    builder = builder.not_valid_before(valid[0]).not_valid_after(valid[1])
    names = [x509.DNSName("\x1b[2J[red]x[/]"), x509.DNSName(MARKUP), x509.DNSName("a\x00b")]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return partners_tls.Issued(builder.sign(made.key, hashes.SHA256()), made.key)


def _tls(world: World, stack: ExitStack) -> None:
    answers: dict[str, Any] = {
        "a certificate of everything": partners_tls.server_context(_evil_certificate()),
        "plain text": partners_tls.plain_text,
        "one who hangs up": partners_tls.hangs_up,
        "one who resets": partners_tls.resets,
        "one who drips": partners_tls.drips,
        "one who says nothing": partners_tls.says_nothing,
        "expired": partners_tls.server_context(partners_tls.leaf("localhost", days=-1)),
    }
    for about, answer in answers.items():
        server = stack.enter_context(partners_tls.serving(answer))
        where = {"host": "127.0.0.1", "port": server.port}
        world.add("tls", about, where, expect=("trusted",), timeout_s=SHORT_S * 2)
        if about in ("a certificate of everything", "one who drips"):
            name = world.target(kind="web", url=f"https://127.0.0.1:{server.port}")
            world.add("http", f"TLS with {about}", {"target": name}, timeout_s=SHORT_S)


def _tcp(world: World, stack: ExitStack) -> None:
    server = stack.enter_context(partners_tls.serving(partners_tls.resets))
    world.add("tcp", "one who resets", {"host": "127.0.0.1", "port": server.port})
    port = stack.enter_context(partners_tls.silent_port())
    world.add("tcp", "silence", {"host": "127.0.0.1", "port": port}, timeout_s=SHORT_S)


def _dns(world: World, stack: ExitStack) -> None:
    evil = '"\\027[2J[red]x[/] [/] [@click=app.quit]\\000\\155\\226\\128\\174"'
    zone = {
        ("evil.example.", "TXT"): (60, [evil, evil.replace("2J", "3J")]),
        ("evil.example.", "CNAME"): (60, ["\\027[2J[red]x.example."]),
        ("loop.example.", "CNAME"): (60, ["loop.example."]),
        ("mx.example.", "MX"): (60, ["10 \\027[2J\\226\\128\\174.example."]),
    }
    server = stack.enter_context(dns_server(zone))
    for name, kind in (("evil.example", "TXT"), ("mx.example", "MX"), ("evil.example", "CNAME")):
        world.add("dns", f"{kind} of evil", {"name": name, "type": kind, "server": server.address})
    for mode in ("servfail", "refused", "junk", "silent", "stranger", "truncated"):
        failing = stack.enter_context(dns_server(mode=mode))
        probe = {"name": "app.example.com", "server": failing.address}
        world.add("dns", mode, probe, timeout_s=SHORT_S)
    world.add("dns", "a name of everything", {"name": EVIL, "server": server.address})


def _aws(world: World, stack: ExitStack) -> None:
    xml = {"Content-Type": "text/xml"}
    said = MARKUP + "\u202e\u2066\u2028"
    error = (
        "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error>"
        "<RequestId>%s</RequestId></ErrorResponse>"
    )
    ok = (
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>%s</Arn><Account>%s</Account>"
        "<UserId>%s</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    answers = {
        "an error of everything": Told(403, error % (said, said, said), xml),
        "an ESC in XML": Told(400, error % ("&#27;[2J", "&#27;[2J", "x"), xml),
        "a raw ESC in XML": Told(400, error % ("\x1b[2J", "\x1b[2J", "x"), xml),
        "a reply of everything": Told(200, ok % (MARKUP, "\u202e\u2066" + MARKUP, MARKUP), xml),
        "an entity bomb": Told(
            200,
            '<!DOCTYPE x [<!ENTITY a "'
            + "x" * 999
            + '"><!ENTITY b "'
            + "&a;" * 999
            + '">]>'
            + ok % ("&b;", "&b;", "&b;"),
            xml,
        ),
        "nothing": Told(200, "", xml),
        "HTML": Told(200, f"<html>{MARKUP}</html>", {"Content-Type": "text/html"}),
        "JSON": Told(200, json.dumps({EVIL: EVIL}), {"Content-Type": "application/json"}),
        "random bytes": Told(500, bytes(range(256)) * 20, xml),
        "XML nested deep": Told(200, "<a>" * 20_000 + "</a>" * 20_000, xml),
    }
    for about, answer in answers.items():
        server = stack.enter_context(stub(answer))
        keys = {"kind": "aws", "region": "eu-central-1", "endpoint_url": server.url}
        probe = {"target": world.target(**keys), "service": "sts"}
        world.add("aws", about, {**probe, "operation": "GetCallerIdentity"}, expect=("Arn",))


def _commands(world: World, stack: ExitStack) -> None:
    evil = world.folder / "evil.py"
    evil.write_text(
        "import sys, os\n"
        f"said = {EVIL!r}\n"
        "what = sys.argv[1]\n"
        "out = sys.stdout.buffer\n"
        "if what == 'text': out.write(said.encode())\n"
        "if what == 'stderr': sys.stderr.buffer.write(said.encode()); sys.exit(3)\n"
        "if what == 'bytes': out.write(bytes(range(256)) * 400)\n"
        "if what == 'json': import json; out.write(json.dumps({said: [said]}).encode())\n"
        "if what == 'deep': out.write(b'[' * 30000 + b']' * 30000)\n"
        "if what == 'nan': out.write(b'[NaN, 1e999, 1' + b'0' * 5000 + b']')\n"
        "if what == 'surrogate': out.write(b'{\"\\\\ud800\": \"\\\\udfff\"}')\n"
        "if what == 'endless':\n"
        "    while True: os.write(1, b'x' * 65536)\n",
        encoding="utf-8",
    )
    run = [sys.executable, str(evil)]
    for what in ("text", "stderr", "bytes"):
        probe = {"argv": [*run, what], "target": "repo"}
        world.add("command", what, probe, expect=("exit_code == `0`", "stdout == 'fine'"))
    for what in ("json", "deep", "nan", "surrogate", "text"):
        probe = {"argv": [*run, what], "output": "json"}
        world.add("command", f"{what} as JSON", probe, expect=("json.fine",))
    world.add("command", "endless", {"argv": [*run, "endless"]}, timeout_s=SHORT_S)
    world.add("command", "argv of everything", {"argv": [*run, NO_NUL]})
    shell = {"argv": f"echo {shlex.quote(NO_NUL)}", "shell": True, "env": {"EVIL": NO_NUL}}
    world.add("command", "a shell line of everything", shell)
    world.add("command", "no such program", {"argv": [NO_NUL], "cwd": "."})


def _files(world: World, stack: ExitStack) -> None:
    folder = world.folder / "files"
    folder.mkdir()
    named = NO_NUL.replace("/", "_")[:60]
    (folder / named).write_text("x")
    (folder / "evil.md").write_text(f"# {EVIL}\nRTO: {EVIL} 5 minutes\n", encoding="utf-8")
    (folder / "evil.json").write_text(json.dumps({EVIL: EVIL, "a": [[EVIL]]}))
    (folder / "evil.toml").write_text(f"{toml(NO_NUL)} = {toml(EVIL)}\n", encoding="utf-8")
    (folder / "evil.env").write_bytes(b"A=\x1b[2J[red]x[/]\nB\x1b=\xe2\x80\xae\nX=${Y}\n")
    (folder / "broken.json").write_bytes(b'{"a": \x1b[2J\xff')
    (folder / "broken.toml").write_text("[red]x[/] = \x1b", encoding="utf-8")
    for name in ("evil.json", "evil.toml", "broken.json", "broken.toml"):
        world.add("file", name, {"target": "repo", "path": f"files/{name}", "content": True})
    world.add("file", "evil.md", {"target": "repo", "path": "files/evil.md", "figure": "RTO"})
    compare = {"path": "files/evil.env", "compare": "files/evil.json"}
    world.add("file", "evil.env", {"target": "repo", **compare})
    world.add("file", "names of everything", {"target": "repo", "glob": "files/*"})
    world.add("file", "a path of everything", {"target": "repo", "path": NO_NUL})
    world.add("env", "names of everything", {"target": "repo", "names": [NO_NUL, MARKUP]})
    world.add("env", "an evil env file", {"name": NO_NUL, "file": "files/evil.env"})


def _processes(world: World, stack: ExitStack) -> None:
    """A process that calls itself everything."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    code = (
        "import ctypes, socket, time\n"
        "ctypes.CDLL(None).prctl(15, b'\\x1b[2J[red]x[/]', 0, 0, 0)\n"
        f"s = socket.create_server(('127.0.0.1', {port}))\n"
        "print(flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [f"\x1b[2J{MARKUP}", "-c", code], executable=sys.executable, stdout=subprocess.PIPE
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    assert process.stdout is not None
    stack.enter_context(process.stdout)
    process.stdout.readline()
    world.add("host", "a process of everything", {"parts": [], "listening": port})
    world.add("run", "a run of everything", {"run": EVIL, "item": EVIL})


def _words(world: World, stack: ExitStack) -> None:
    """What people wrote, or somebody who sent them a file."""
    server = stack.enter_context(partner(json_reply(json.dumps({"status": MARKUP}))))
    web = world.target(kind="web", url=server.url, headers={"X-Evil": MARKUP})
    expect = (
        f"body.status == '{MARKUP}'",
        'body."\\u001b[2J[red]" == `1`',
        f"status != '{MARKUP}'",
    )
    world.add("http", "words", {"target": web}, text=NO_NUL, expect=expect)
    world.add("http", "a path of everything", {"target": web, "path": f"/{NO_NUL}"}, text=MARKUP)
    world.add("http", "no such target", {"target": f"no{NO_NUL}"})
    for about, url in (
        ("a url of everything", f"http://127.0.0.1/{NO_NUL}"),
        ("a host of everything", f"http://{NO_NUL}/"),
        ("a url of markup", f"{MARKUP}://x"),
    ):
        world.add("http", about, {"target": world.target(kind="web", url=url)}, timeout_s=SHORT_S)
    uri = world.target(kind="mongodb", uri=f"mongodb://{NO_NUL}")
    world.add("mongodb", "a URI of everything", {"target": uri, "look": "server"}, timeout_s=1.0)
    region = world.target(kind="aws", region=NO_NUL, endpoint_url=f"http://{MARKUP}")
    probe = {"target": region, "service": "sts", "operation": "GetCallerIdentity"}
    world.add("aws", "a region of everything", probe, timeout_s=1.0)
    world.add("tcp", "a host of everything", {"host": NO_NUL, "port": 1}, timeout_s=SHORT_S)
    world.add("tls", "a host of markup", {"host": MARKUP, "port": 1}, timeout_s=SHORT_S)
    unset = world.target(kind="web", url="http://127.0.0.1:1", token="${NOT_SET}")
    world.add("http", "a variable that is not set", {"target": unset, "auth": True})
