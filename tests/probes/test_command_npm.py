"""npm as it is: the real program against a registry of the test's own.

It shows that what the stand-in in tests/worlds/local_npm.py prints is what npm prints.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from opsdeck.probes.engine import Seen
from tests.probes.partners_local import write
from tests.worlds.harness import Setting, items, look
from tests.worlds.local_npm import AUDIT, OUTDATED, PACKAGE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed here"),
]

PUBLISHED = {
    "minimist": ["1.2.5", "1.2.8"],
    "ms": ["2.1.1", "2.1.3", "3.0.0"],
    "isarray": ["1.0.0", "1.0.1"],
}
ADVISORY = {
    "id": 1,
    "url": "https://github.com/advisories/GHSA-xvch-5gv4-984h",
    "title": "Prototype Pollution in minimist",
    "severity": "critical",
    "vulnerable_versions": "<1.2.6",
    "cwe": ["CWE-1321"],
    "cvss": {"score": 9.8, "vectorString": None},
}


def tarball(name: str, version: str) -> bytes:
    """A package with nothing but its package.json."""
    text = json.dumps({"name": name, "version": version}).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/package.json")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return buffer.getvalue()


class Registry(BaseHTTPRequestHandler):
    """What npm asks of a registry here: packuments, archives, advisories."""

    def do_GET(self) -> None:
        name, _, rest = self.path.strip("/").partition("/-/")
        if rest:
            self.answer(tarball(name, rest.rpartition("-")[2].removesuffix(".tgz")))
        else:
            self.answer(json.dumps(self.packument(name)).encode())

    def packument(self, name: str) -> dict[str, Any]:
        versions = {}
        for version in PUBLISHED[name]:
            digest = hashlib.sha512(tarball(name, version)).digest()
            host = self.headers["Host"]
            versions[version] = {
                "name": name,
                "version": version,
                "dist": {
                    "tarball": f"http://{host}/{name}/-/{name}-{version}.tgz",
                    "integrity": "sha512-" + base64.b64encode(digest).decode(),
                },
            }
        return {"name": name, "dist-tags": {"latest": PUBLISHED[name][-1]}, "versions": versions}

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(json.dumps({"minimist": [ADVISORY]}).encode())

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: tests are quiet."""


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


async def seen_with(
    folder: Path, registry: str, item: str, installed: dict[str, str], **package: Any
) -> Seen:
    """What the item's probe sees of a project where these versions are installed."""
    asked = {**PACKAGE, **package}
    root = {key: asked[key] for key in asked if key.endswith("ependencies")}
    lock = {"name": "orders-api", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    places = {
        f"node_modules/{name}": {
            "version": version,
            "resolved": f"{registry}{name}/-/{name}-{version}.tgz",
        }
        for name, version in installed.items()
    }
    packages = {"": {"name": "orders-api", "version": "1.0.0", **root}, **places}
    write(
        folder,
        {
            "package.json": json.dumps(asked),
            "package-lock.json": json.dumps({**lock, "packages": packages}),
            **{
                f"node_modules/{name}/package.json": json.dumps({"name": name, "version": version})
                for name, version in installed.items()
            },
        },
    )
    environ = {
        **os.environ,
        "npm_config_registry": registry,
        "npm_config_cache": str(folder / "cache"),
        "npm_config_userconfig": str(folder / "npmrc"),
    }
    target = {"repo": {"kind": "repository", "path": str(folder)}}
    return await look(items()[item], Setting(target, environ, folder))


async def test_outdated(tmp_path: Path, registry: str) -> None:
    # GIVEN one dependency behind, one that is not installed, one pinned where a patch exists
    installed = {"minimist": "1.2.5", "isarray": "1.0.0"}
    seen = await seen_with(tmp_path, registry, OUTDATED, installed)
    assert seen.document is not None, seen.message
    assert seen.document["json"] == {
        "asked": 3,
        "behind": ["minimist", "ms"],
        "pinned": ["isarray"],
    }


async def test_nothing_outdated(tmp_path: Path, registry: str) -> None:
    # GIVEN everything at the newest that its range lets in; a new major does not matter
    installed = {"minimist": "1.2.8", "ms": "2.1.3", "isarray": "1.0.1"}
    ranges = {"isarray": "~1.0.0"}
    seen = await seen_with(tmp_path, registry, OUTDATED, installed, devDependencies=ranges)
    assert seen.document is not None, seen.message
    assert (seen.document["json"]["behind"], seen.document["json"]["pinned"]) == ([], [])


async def test_audit(tmp_path: Path, registry: str) -> None:
    # GIVEN a dependency with an advisory, and then the mended one
    installed = {"minimist": "1.2.5", "ms": "2.1.3", "isarray": "1.0.0"}
    seen = await seen_with(tmp_path, registry, AUDIT, installed)
    assert seen.document is not None, seen.message
    assert (seen.document["json"]["critical"], seen.document["json"]["total"]) == (1, 1)
    seen = await seen_with(tmp_path, registry, AUDIT, {**installed, "minimist": "1.2.8"})
    assert seen.document is not None, seen.message
    assert (seen.document["exit_code"], seen.document["json"]["total"]) == (0, 0)


async def test_node_without_npm_is_no_verdict(tmp_path: Path) -> None:
    # GIVEN a machine that has node and no npm
    for name in ("node", "sh"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    write(tmp_path, {"package.json": json.dumps(PACKAGE)})
    target = {"repo": {"kind": "repository", "path": str(tmp_path)}}
    seen = await look(items()[OUTDATED], Setting(target, {"PATH": f"{tmp_path}/bin"}, tmp_path))
    assert seen.document is None
    assert "npm" in seen.message


@pytest.mark.parametrize("item", [OUTDATED, AUDIT])
async def test_no_registry_is_no_verdict(tmp_path: Path, item: str) -> None:
    seen = await seen_with(tmp_path, "http://127.0.0.1:1/", item, {"ms": "2.1.3"})
    assert seen.document is None
    assert seen.cause in ("protocol", "timeout"), seen.message
    # AND the probe left no log behind
    assert not list((tmp_path / "cache").glob("_logs/*"))
