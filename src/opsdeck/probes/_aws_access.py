"""How an AWS target is reached: its session, its credentials, its clients, and their limits.

Nothing here waits for long: connecting and reading are bounded, an answer is read to at most
`LARGEST_ANSWER` and until the look's deadline, and a look for credentials that found none is not
repeated for a few seconds, since asking an instance's metadata service takes that long.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import functools
import gzip
import io
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import msgspec

from opsdeck.probes._aws_errors import no_credentials, problem
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.blocking import import_module, in_thread
from opsdeck.probes.resolve import endpoints_of

CONNECT_S = 0.8
READ_S = 1.5
RESOLVE_S = 1.5
LARGEST_ANSWER = 8 * 1024 * 1024
REMEMBERED_S = 5.0
AT_ONCE = 8
"""Calls under way at a time: more threads than that hold up the event loop."""

_DEADLINE = threading.local()
_VARIABLES = {
    "profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "config_file": ("AWS_CONFIG_FILE",),
    "credentials_file": ("AWS_SHARED_CREDENTIALS_FILE",),
    "ca_bundle": ("AWS_CA_BUNDLE",),
    "ec2_metadata_service_endpoint": ("AWS_EC2_METADATA_SERVICE_ENDPOINT",),
}
"""What a target's own environment may say, when it is not the process's."""


class Access:
    """One target's session and clients; everything that blocks is called in threads."""

    def __init__(self, target: Target, botocore: ModuleType) -> None:
        self._target = target
        self._session_module = botocore
        self._session: Any = None
        self._lock = threading.Lock()
        self._pages_lock = threading.Lock()
        self._clients: dict[tuple[str, str, float], Any] = {}
        self._asking: asyncio.Task[None] | None = None
        self._refused: tuple[float, ProbeError] | None = None
        self.credentials: Any = None
        self.slots = asyncio.Semaphore(AT_ONCE)
        self.default_region: str | None = None

    async def ready(self) -> None:
        """Find credentials, once for all who ask at the same time; raises ProbeError."""
        if self.credentials is not None:
            return
        if self._refused is not None and time.monotonic() - self._refused[0] < REMEMBERED_S:
            raise ProbeError(self._refused[1].cause, str(self._refused[1]))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._find())
        await asyncio.shield(self._asking)

    async def _find(self) -> None:
        try:
            await in_thread(self._authenticate)
        except ProbeError as error:
            self._refused = (time.monotonic(), error)
            raise

    def _authenticate(self) -> None:
        values = self._target.values
        try:
            session = self._new_session(values)
            found = session.get_credentials()
            if found is None:
                raise no_credentials(values.get("profile"))
            if role := values.get("role_arn"):
                found = self._assumed(session, found, str(role))
            self.hide(found)
            self.default_region = values.get("region") or session.get_config_variable("region")
        except ProbeError:
            raise
        except Exception as error:
            raise problem(error, "credentials") from None
        self._session, self.credentials = session, found

    def _new_session(self, values: dict[str, Any]) -> Any:
        session = self._session_module.Session()
        session.register_component("data_loader", _loader(self._session_module))
        environ = self._target.environ
        given = {"profile": values.get("profile"), "region": values.get("region")}
        if environ is not os.environ:
            for name, variables in _VARIABLES.items():
                given[name] = given.get(name) or next(filter(None, map(environ.get, variables)), "")
        for name, value in given.items():
            if value:
                session.set_config_variable(name, str(value))
        # An instance role answers at once; elsewhere nobody should wait for one.
        session.set_config_variable("metadata_service_timeout", 1)
        session.set_config_variable("metadata_service_num_attempts", 1)
        session.set_default_client_config(_config(self._session_module, READ_S))
        key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
        if environ is not os.environ and not values.get("profile") and key and secret:
            session.set_credentials(key, secret, environ.get("AWS_SESSION_TOKEN"))
        return session

    def _assumed(self, session: Any, source: Any, role: str) -> Any:
        made = self._session_module.botocore.credentials
        fetcher = made.AssumeRoleCredentialFetcher(
            client_creator=functools.partial(
                session.create_client, endpoint_url=self._target.values.get("endpoint_url") or None
            ),
            source_credentials=source,
            role_arn=role,
            extra_args={"RoleSessionName": "opsdeck"},
        )
        assumed = made.DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
        session._credentials = assumed
        return assumed

    def hide(self, credentials: Any = None) -> None:
        """Keep the keys in use out of what is kept; blocks where they are to be renewed."""
        frozen = (credentials or self.credentials).get_frozen_credentials()
        for secret in (frozen.secret_key, frozen.token):
            self._target.hide(secret or "")

    async def client(self, service: str, region: str, read_s: float) -> Any:
        """The client of a service in a region, made once; raises ProbeError."""
        key = (service, region, read_s)
        found = self._clients.get(key)
        return found or await in_thread(lambda: self._the_one(key))

    def _the_one(self, key: tuple[str, str, float]) -> Any:
        with self._lock:
            found = self._clients.get(key)
            if found is None:
                found = self._clients[key] = self._made(*key)
        return found

    def _made(self, service: str, region: str, read_s: float) -> Any:
        if service not in (known := self._session.get_available_services()):
            near = difflib.get_close_matches(service, known, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ProbeError("missing", f"there is no AWS service {service}{hint}")
        try:
            client = self._session.create_client(
                service,
                region_name=region or None,
                endpoint_url=self._target.values.get("endpoint_url") or None,
                config=_config(self._session_module, read_s),
            )
        except Exception as error:
            raise problem(error, service) from None
        client.meta.events.register("before-send", _bounded_sender(client))
        return client

    async def close(self) -> None:
        """Let go of every connection."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def pages(self, service: str) -> Any:
        """How the service's operations are paged, as botocore's data says; raises its errors."""
        with self._pages_lock:  # not behind the clients that others are waiting for
            return self._session.get_paginator_model(service)


async def access(target: Target) -> Access:
    """The target's access, with credentials; raises ProbeError."""

    async def make() -> Access:
        try:
            module = await import_module("botocore.session")
        except ImportError:
            raise ProbeError(
                "missing", "boto3 is not installed here: install OpsDeck anew"
            ) from None
        made = Access(target, module)
        target.on_close(made.close)
        return made

    found = await target.shared("aws", make)
    await found.ready()
    return found


async def resolvable(url: str) -> None:
    """Raise ProbeError where the name in the URL is not answered for in `RESOLVE_S`.

    A resolver that is cut off keeps a thread for ten seconds whatever the client's timeouts say.
    """
    parts = urlsplit(url)
    if parts.hostname and not _has_proxy(parts.scheme):
        await endpoints_of(parts.hostname, parts.port or 443, RESOLVE_S)


@functools.cache
def _loader(botocore: ModuleType) -> Any:
    """The reader of services' models: one for all targets, for EC2's alone takes 0.1 s."""
    loaders = botocore.botocore.loaders
    return loaders.Loader(file_loader=_Models(loaders.JSONFileLoader()))


class _Models:
    """Reads botocore's JSON in a third of the time that it takes botocore."""

    def __init__(self, plain: Any) -> None:
        self.exists = plain.exists

    def load_file(self, path: str) -> Any:
        """What the file holds, without its ending; None when there is none."""
        for name, opened in ((f"{path}.json", open), (f"{path}.json.gz", gzip.open)):
            with contextlib.suppress(FileNotFoundError), opened(name, "rb") as file:
                return msgspec.json.decode(file.read())
        return None


def _has_proxy(scheme: str) -> bool:
    """Whether a proxy asks the resolver in this machine's stead."""
    from urllib.request import getproxies

    return bool(getproxies().get(scheme))


def within(deadline: float, call: Callable[[], Any]) -> Any:
    """What the call returns; answers it reads in this thread are read until the deadline."""
    _DEADLINE.at = deadline
    try:
        return call()
    finally:
        _DEADLINE.at = None


def left() -> float:
    """Seconds until this thread's deadline."""
    at = getattr(_DEADLINE, "at", None)
    return 60.0 if at is None else float(at) - time.monotonic()


def _config(botocore: ModuleType, read_s: float) -> Any:
    return botocore.botocore.config.Config(
        connect_timeout=CONNECT_S,
        read_timeout=read_s,
        retries={"total_max_attempts": 1},
        user_agent_extra="opsdeck",
    )


def _bounded_sender(client: Any) -> Callable[..., Any]:
    """Sends as the client would, but reads the answer bounded in size and in time."""
    send = client._endpoint.http_session.send

    def bounded(request: Any, **_: Any) -> Any:
        request.stream_output = True
        response = send(request)
        raw, kept = response.raw, io.BytesIO()
        try:
            while True:
                chunk = raw.read1(65_536)
                if not chunk:
                    break
                kept.write(chunk)
                if kept.tell() > LARGEST_ANSWER:
                    raise ProbeError(
                        "protocol",
                        f"AWS {client.meta.service_model.service_name} sends an answer of more "
                        f"than {LARGEST_ANSWER // 2**20} MB: narrow the parameters",
                    )
                if left() <= 0:
                    raise TimeoutError
        except BaseException:
            raw.close()
            raise
        raw.release_conn()
        response._content = kept.getvalue()
        return response

    return bounded


def now() -> datetime:
    """The time that ages count from."""
    return datetime.now(UTC)
