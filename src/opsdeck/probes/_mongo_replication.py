"""Looks at a MongoDB replica set: members, lag, votes, the oplog's window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opsdeck.probes import _mongo_uri
from opsdeck.probes._mongo_client import Reader
from opsdeck.probes._mongo_json import iso, plain
from opsdeck.probes._mongo_values import count, number, table
from opsdeck.probes.base import Document, ProbeError

_NO_SET = ("not running with --replSet", "NoReplicationEnabled", "NotYetInitialized")
_WELL = ("PRIMARY", "SECONDARY", "ARBITER")


def replication(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """Who is in the set and how far behind; `set` is None where there is no replica set."""
    status = _status(reader)
    members = _members(status, _config(reader))
    named = set(reader.uri.hosts)
    away = [] if reader.uri.srv else [m["name"] for m in members if m["name"] not in named]
    concern = reader.maybe("admin", {"getDefaultRWConcern": 1})
    return {
        "set": plain(status.get("set")),
        "members": members,
        "primaries": _states(members, "PRIMARY"),
        "secondaries": _states(members, "SECONDARY"),
        "arbiters": sum(m["state"] == "ARBITER" or m["arbiter"] is True for m in members),
        "unhealthy": [m["name"] for m in members if not m["healthy"]],
        "voters": count(status.get("votingMembersCount")) or _votes(members),
        "lag_s": _worst(members),
        "oplog": _oplog(reader) if members else None,
        "default_write_concern": plain(table(concern, "defaultWriteConcern").get("w")),
        "not_in_uri": away,
        "pool": _mongo_uri.pool(reader.uri),
    }


def worst_lag(reader: Reader) -> float | None:
    """The largest lag of the secondaries that are not delayed on purpose; None without a set."""
    status = _status(reader)
    found = _worst(_members(status, {}))
    # Who is late on purpose stands in the configuration: it is asked for where somebody is late.
    return _worst(_members(status, _config(reader))) if found else found


def _worst(members: list[Document]) -> float | None:
    lags = [m["lag_s"] for m in members if m["state"] == "SECONDARY" and not m["delay_s"]]
    return max(lags) if lags and None not in lags else None


def _config(reader: Reader) -> dict[str, dict[str, Any]]:
    """Host -> what the set's configuration says of it; {} where that is not told."""
    config = table(reader.maybe("admin", {"replSetGetConfig": 1}), "config")
    return {str(member.get("host")): member for member in _tables(config)}


def _status(reader: Reader) -> dict[str, Any]:
    try:
        return reader.command("admin", {"replSetGetStatus": 1})
    except ProbeError as error:
        if error.cause == "missing" and any(text in str(error) for text in _NO_SET):
            return {}
        raise


def _members(status: Mapping[str, Any], config: Mapping[str, Mapping[str, Any]]) -> list[Document]:
    found = _tables(status)
    newest = _newest(found)
    return [_member(m, config.get(str(m.get("name")), {}), newest) for m in found[:50]]


def _member(
    member: Mapping[str, Any], config: Mapping[str, Any], newest: datetime | None
) -> Document:
    state = str(member.get("stateStr"))
    at = _moment(member)
    behind = max(0.0, round((newest - at).total_seconds(), 1)) if newest and at else None
    healthy = number(member.get("health")) == 1 and state in _WELL
    return {
        "name": plain(str(member.get("name"))),
        "state": plain(state),
        "healthy": healthy,
        "self": member.get("self") is True,
        "lag_s": behind if healthy and state != "ARBITER" else None,
        "uptime_s": count(member.get("uptime")),
        "ping_ms": count(member.get("pingMs")),
        "sync_source": plain(member.get("syncSourceHost")) or None,
        "message": plain(member.get("lastHeartbeatMessage") or member.get("infoMessage")) or None,
        "votes": count(config.get("votes")),
        "priority": number(config.get("priority")),
        "hidden": config.get("hidden") if isinstance(config.get("hidden"), bool) else None,
        "arbiter": config.get("arbiterOnly") is True if config else None,
        "delay_s": count(config.get("secondaryDelaySecs", config.get("slaveDelay"))) or 0,
        "tags": plain(config.get("tags")) or {},
    }


def _newest(members: list[dict[str, Any]]) -> datetime | None:
    """The primary's last operation, or the newest of all where there is no primary."""
    primary = [m for m in members if m.get("stateStr") == "PRIMARY"]
    found = [at for m in (primary or members) if (at := _moment(m)) is not None]
    return max(found, default=None)


def _moment(member: Mapping[str, Any]) -> datetime | None:
    """When the member's last operation was; a member never heard of says 1970."""
    found = member.get("optimeDate")
    return found if isinstance(found, datetime) and found.year > 1971 else None


def _oplog(reader: Reader) -> Document | None:
    try:
        return oplog(reader)
    except ProbeError as error:
        if error.cause == "rights":
            return None
        raise


def oplog(reader: Reader) -> Document | None:
    """How far back a member may have been away and still catch up; None without an oplog."""
    ends: list[datetime] = []
    for direction in (1, -1):
        found = reader.find("local", "oplog.rs", {}, {"$natural": direction}, 1, {"ts": 1})
        stamp = found[0].get("ts") if found else None
        if stamp is None or not hasattr(stamp, "as_datetime"):
            return None
        ends.append(stamp.as_datetime().replace(tzinfo=None))
    seconds = (ends[1] - ends[0]).total_seconds()
    return {
        "window_h": round(seconds / 3600, 2) if seconds >= 0 else None,
        "first_at": iso(ends[0]),
        "last_at": iso(ends[1]),
    }


def _tables(holder: Mapping[str, Any]) -> list[dict[str, Any]]:
    members = holder.get("members")
    return [m for m in members if isinstance(m, dict)] if isinstance(members, list) else []


def _states(members: list[Document], state: str) -> int:
    return sum(member["state"] == state and member["healthy"] for member in members)


def _votes(members: list[Document]) -> int | None:
    votes = [member["votes"] for member in members]
    return sum(votes) if votes and None not in votes else None
