"""Time zones by their IANA names."""

from __future__ import annotations

from opsdeck.catalog.faults import did_you_mean, shown


def zone_problem(name: str) -> str | None:
    """Why this is no time zone, with the nearest one that is; None when it is one."""
    if name == "UTC":
        return None
    # Imported here: most of the time there is nothing to look up.
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError, ImportError):
        hint = did_you_mean(name, sorted(zoneinfo.available_timezones()))
        return f'is {shown(name)}; it must be an IANA time zone such as "Europe/Berlin"{hint}'
    return None
