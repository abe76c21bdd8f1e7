"""A MongoDB that cannot be looked at is told apart in words, soon, and without the password."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pymongo import MongoClient
from secantus.server import SecantusDBServer  # type: ignore[import-untyped]

from opsdeck.probes import registry
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.kinds import mongodb
from tests.probes import partners_mongo as partners

SOON_S = 3.0


async def why(uri: str, look: str = "connections", timeout_s: float = 5, **more: Any) -> ProbeError:
    """Why there is no document, known within three seconds."""
    target = Target("mongodb", {"kind": "mongodb", "uri": uri, **more})
    began = time.monotonic()
    parameters = registry.parameters_of({"kind": "mongodb", "look": look})
    try:
        with pytest.raises(ProbeError) as caught:
            await mongodb.look(target, parameters, timeout_s)
        assert time.monotonic() - began < SOON_S
    finally:
        await target.aclose()
    for secret in target.secrets:
        assert secret not in str(caught.value)
    return caught.value


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server with TLS and SCRAM-SHA-256 and its CA's file: users root, and weak (no roles)."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    certificate = ca.issue_cert("localhost")
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    server = SecantusDBServer(
        port=0,
        storage_path=":memory:",
        tls_cert_file=str(folder / "cert.pem"),
        tls_key_file=str(folder / "key.pem"),
    )
    server.start()
    uri = f"mongodb://localhost:{server.port}/?tls=true&tlsCAFile={folder / 'ca.pem'}"
    client: MongoClient[Any]
    with MongoClient(uri, directConnection=True, timeoutMS=5000) as client:
        client.admin.command("createUser", "root", pwd="s3/cr@t", roles=["root"])
        client.admin.command("createUser", "weak", pwd="s3cret", roles=[])
    server.require_auth = True
    yield (
        f"localhost:{server.port}/shop?tls=true&authSource=admin&directConnection=true",
        str(folder / "ca.pem"),
    )
    server.stop()


async def test_scram_and_tls_with_a_ca_of_ones_own(guarded: tuple[str, str]) -> None:
    where, ca = guarded
    table = {"kind": "mongodb", "uri": f"mongodb://root:s3%2Fcr%40t@{where}", "ca": ca}
    target = Target("mongodb", table)
    found = await mongodb.look(target, {"look": "connection"}, 5)
    await target.aclose()
    assert found["authenticated"] is True
    assert found["users"] == ["root@admin"]
    assert found["tls"] is True
    assert {"s3/cr@t", "s3%2Fcr%40t"} <= target.secrets


@pytest.mark.parametrize(
    ("user", "cause", "words"),
    [
        ("root:wrong3@", "auth", "user root was refused"),
        ("nobody:s3cret@", "auth", "user nobody was refused"),
        ("", "auth", "names no user"),
        ("weak:s3cret@", "rights", "clusterMonitor"),
    ],
)
async def test_who_may_not_is_told(
    guarded: tuple[str, str], user: str, cause: str, words: str
) -> None:
    where, ca = guarded
    error = await why(f"mongodb://{user}{where}", ca=ca)
    assert (error.cause, words in str(error)) == (cause, True), str(error)


@pytest.mark.parametrize(
    ("change", "cause", "words"),
    [
        (lambda w, ca: (w, ""), "tls", "not trusted"),
        (lambda w, ca: (w.replace("localhost", "127.0.0.1"), ca), "tls", "not trusted"),
        (lambda w, ca: (w.replace("tls=true", "tls=false"), ""), "protocol", "want TLS"),
        (lambda w, ca: (w, ca + ".not-there"), "missing", "cannot be read"),
    ],
    ids=["unknown CA", "wrong host", "no TLS", "no CA file"],
)
async def test_tls_faults_are_told(
    guarded: tuple[str, str],
    change: Callable[[str, str], tuple[str, str]],
    cause: str,
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    where, ca = change(*guarded)
    error = await why(f"mongodb://root:s3cret@{where}", ca=ca)
    assert (error.cause, words in str(error)) == (cause, True), str(error)


async def test_nobody_there_each_in_its_words() -> None:
    # GIVEN a closed port, a silent server, a blackhole, a name that is none, looked at together
    with partners.silent() as silent, partners.blackhole() as hole:
        found = await asyncio.gather(
            why(f"mongodb://app:s3cret@127.0.0.1:{partners.closed_port()}/"),
            why(f"mongodb://127.0.0.1:{silent}/"),
            why(f"mongodb://127.0.0.1:{hole}/"),
            why("mongodb://db.invalid/"),
            why("mongodb+srv://cluster0.db.invalid/"),
            why(f"mongodb://127.0.0.1:{silent}/", timeout_s=0.4),
            why(partners.server_uri() + "?replicaSet=other"),
        )
    # THEN each has its cause
    causes = [error.cause for error in found]
    assert causes == ["refused", "timeout", "timeout", "dns", "dns", "timeout", "missing"]
    assert "connection refused" in str(found[0])


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        (13, "not authorized on admin to execute command { serverStatus: 1 }", "rights"),
        (18, "Authentication failed.", "auth"),
        (8000, "bad auth : Authentication failed.", "auth"),
        (8000, "(CMD_NOT_ALLOWED) serverStatus is not allowed in this tier", "rights"),
        (59, "no such command: 'serverStatus'", "missing"),
        (50, "operation exceeded time limit", "timeout"),
        (9, "unrecognised field", "missing"),
    ],
)
async def test_what_the_server_refuses_is_told_apart(code: int, text: str, cause: str) -> None:
    with partners.Proxy({"serverStatus": partners.error(code, text)}) as proxy:
        error = await why(proxy.uri("shop"))
    assert error.cause == cause, str(error)


async def test_a_huge_reply_is_not_decoded() -> None:
    patches = {"serverStatus": partners.merged({"x": "y" * 5_000_000})}
    with partners.Proxy(patches) as proxy:
        error = await why(proxy.uri())
    assert error.cause == "protocol"
    assert "bytes" in str(error)


async def test_looks_share_one_client_and_the_loop_stays_free() -> None:
    # GIVEN twenty looks at once
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - began - 0.005)

    target = Target("mongodb", {"kind": "mongodb", "uri": partners.server_uri("shop")})
    watcher = asyncio.ensure_future(watch())
    probe = registry.parameters_of({"kind": "mongodb", "look": "storage"})
    await asyncio.gather(*(mongodb.look(target, probe, 5) for _ in range(20)))
    watcher.cancel()
    # THEN there was one client, and the loop never waited for it
    assert len(target._closers) == 1
    await target.aclose()
    assert longest < 0.25


async def test_a_server_that_comes_back_is_seen_at_once() -> None:
    # GIVEN a target that was refused
    port = partners.closed_port()
    target = Target("mongodb", {"kind": "mongodb", "uri": f"mongodb://127.0.0.1:{port}/"})
    parameters = registry.parameters_of({"kind": "mongodb", "look": "server"})
    with pytest.raises(ProbeError):
        await mongodb.look(target, parameters, 5)
    # WHEN somebody listens there THEN the next look has an answer
    with partners.Proxy(listen=port):
        assert (await mongodb.look(target, parameters, 5))["version"]
        await target.aclose()


async def test_a_cancelled_look_leaves_at_once() -> None:
    with partners.silent() as port:
        target = Target("mongodb", {"kind": "mongodb", "uri": f"mongodb://127.0.0.1:{port}/"})
        look = asyncio.ensure_future(mongodb.look(target, {"look": "server"}, 5))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        look.cancel()
        with pytest.raises(asyncio.CancelledError):
            await look
        await target.aclose()
        assert time.monotonic() - began < 0.5


@pytest.mark.slow
async def test_a_stopped_server_on_an_open_connection() -> None:
    # GIVEN a server process that answered once
    command = [str(Path(sys.executable).with_name("secantusd-py")), "--storage-path", ":memory:"]
    port = partners.closed_port()
    process = subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    target = Target("mongodb", {"kind": "mongodb", "uri": f"mongodb://127.0.0.1:{port}/"})
    parameters = registry.parameters_of({"kind": "mongodb", "look": "server"})
    try:
        for _ in range(40):
            try:
                await mongodb.look(target, parameters, 5)
                break
            except ProbeError:
                await asyncio.sleep(0.2)
        # WHEN it is stopped, THEN each look says so in time
        os.kill(process.pid, signal.SIGSTOP)
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(ProbeError) as caught:
                await mongodb.look(target, parameters, 5)
            assert caught.value.cause == "timeout"
            assert time.monotonic() - began < SOON_S
    finally:
        await target.aclose()
        process.kill()
        process.wait()


SILENT_RESOLVER = """
import asyncio, socket, sys, time
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.kinds import mongodb
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
    resolver.bind(("127.0.0.1", 53))
    async def look(uri):
        target = Target("mongodb", {"kind": "mongodb", "uri": uri})
        began = time.monotonic()
        try:
            await mongodb.look(target, {"look": "server"}, 5)
        except ProbeError as error:
            print(error.cause, time.monotonic() - began < 3)
        await target.aclose()
    async def main():
        names = ("mongodb://db.example.com/", "mongodb+srv://db.example.com/")
        await asyncio.gather(*map(look, names))
    asyncio.run(main())
"""


@pytest.mark.slow
def test_a_resolver_that_never_answers_holds_nothing_up(tmp_path: Path) -> None:
    # GIVEN a network of its own, in which the resolver takes questions and gives no answers
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    setup = f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && ip link set lo up"
    inside = ["unshare", "-rnm", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*inside, setup]).returncode != 0:
        pytest.skip("needs unshare, mount and ip, and user namespaces")
    # WHEN names are looked up in it, and the program ends
    began = time.monotonic()
    command = f'{setup} && exec "$0" -c "$1"'
    done = subprocess.run(
        [*inside, command, sys.executable, SILENT_RESOLVER],
        capture_output=True,
        text=True,
        timeout=30,
    )
    # THEN both looks said so in time, and the end waited for no thread
    assert done.stdout.split() == ["dns", "True", "dns", "True"], done.stderr
    assert time.monotonic() - began < 5
