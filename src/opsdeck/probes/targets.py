"""The kinds of target that `opsdeck.toml` may name, and the keys each may have.

Probes take what they need by name, so this table is for people: `opsdeck doctor` holds
configurations against it and `docs/targets.md` shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from opsdeck.probes._target_keys import ITEM_KEYS
from opsdeck.probes.fill import placeholders


class Key(NamedTuple):
    """One key of a target: `default` is what is assumed without it, as people write it."""

    about: str
    default: str = ""
    required: bool = False
    secret: bool = False
    """Whether its value gives access, so that it must come from a `${VARIABLE}`."""


class TargetKind(NamedTuple):
    """One kind of target; of `one_of` at least one key must be there."""

    about: str
    keys: Mapping[str, Key]
    one_of: tuple[str, ...] = ()


SHARED: dict[str, Key] = {
    "kind": Key("the kind of target", required=True),
    "concurrency": Key("how many looks at it may be under way at once", "16"),
}
"""What every target may have."""

_CA = Key("a PEM file of certificate authorities to trust as well, relative to this file")

_WEB = TargetKind(
    "a web application, by its public address",
    {
        "url": Key("where it is, e.g. `https://shop.example`", required=True),
        "health_path": Key("the path of its health endpoint", "/health"),
        "ca": _CA,
        "headers": Key("a table of request headers that every look sends, to its own origin only"),
        "token": Key("sent as `Authorization: Bearer` by looks that log in", secret=True),
        "username": Key("of HTTP basic authentication, for looks that log in"),
        "password": Key("that goes with `username`", secret=True),
        "instances": Key("the addresses of its single instances, for looks at each of them"),
    },
)

KINDS: dict[str, TargetKind] = {
    "web": _WEB,
    "http": _WEB,
    "mongodb": TargetKind(
        "a MongoDB server, replica set or cluster",
        {
            "uri": Key(
                "the connection string, any that MongoDB's drivers take",
                required=True,
                secret=True,
            ),
            "database": Key("the database that is looked at", "that of the URI"),
            "path": Key("the checkout with its migration files, relative to this file"),
            "ca": _CA,
        },
    ),
    "aws": TargetKind(
        "an AWS account in one region",
        {
            "region": Key("the region, e.g. `eu-central-1`", "that of the profile"),
            "profile": Key("a profile of `~/.aws/config`", "the default credentials"),
            "role_arn": Key("a role to assume for every look"),
            "endpoint_url": Key("another address than AWS's own, e.g. of an emulator"),
        },
    ),
    "repository": TargetKind(
        "a folder of this machine with the team's code or documents",
        {"path": Key("the folder, relative to this file; `~` is allowed", required=True)},
    ),
    "host": TargetKind("the machine that OpsDeck runs on; `host` exists unconfigured", {}),
    "network": TargetKind(
        "anything else that listens on the network",
        {
            "url": Key("its address, as a URL"),
            "uri": Key("its connection string, of which host and port are used", secret=True),
            "host": Key("its name or IP address, also as `HOST:PORT`"),
            "port": Key("its port", "that of the address"),
            "ca": _CA,
        },
        one_of=("url", "uri", "host"),
    ),
}
"""Every kind of target, by its name in `opsdeck.toml`; `http` is another word for `web`."""

OWN_KEYS: dict[str, Mapping[str, Key]] = {name: kind.keys for name, kind in KINDS.items()}
"""The keys that probes read by themselves; further ones are asked for by items."""

IMPLIED: dict[str, str] = {
    "web": "web",
    "mongodb": "mongodb",
    "aws": "aws",
    "repo": "repository",
    "host": "host",
}
"""The targets that the shipped catalog names, each with its kind."""


def known_keys(kind: str, probes: Iterable[Mapping[str, Any]] = ()) -> dict[str, Key]:
    """What a target of this kind may have: its own keys, and what the shipped items and these
    probes ask of it."""
    own = KINDS[kind].keys if kind in KINDS else {}
    shipped = ITEM_KEYS.get("web" if kind == "http" else kind, {})
    asked = {key: Key("asked for by an item") for probe in probes for key, _ in asked_keys(probe)}
    told = {key: Key(about, secret="${VARIABLE}" in about) for key, about in shipped.items()}
    return {**asked, **told, **SHARED, **own}


def asked_keys(probe: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """The keys that a probe takes from its target, each with the default it brings (or None)."""
    for name, value in probe.items():
        if name not in ("kind", "target"):
            yield from placeholders(value)
