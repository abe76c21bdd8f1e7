"""One `checklists.toml` as values, before files are laid over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from opsdeck.catalog.expectations import expectation_problem
from opsdeck.catalog.faults import Report, names_of, shown
from opsdeck.catalog.model import CADENCES, Cadence, Item
from opsdeck.catalog.validate import Table, folded, trimmed

if TYPE_CHECKING:
    from opsdeck.catalog.locate import TomlPath

FILE_KEYS = ("checklist", "omit")
CHECKLIST_KEYS = ("id", "title", "section", "cadence", "read_do", "item")
ITEM_KEYS = (
    "id",
    "text",
    "guide",
    "uses",
    "valid_for",
    "playbook",
    "group",
    "note",
    "assist",
    "probe",
    "expect",
)


class RawChecklist(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[checklist]]` block: what it gives, which may be only a part of a checklist.

    `given` are the keys that the block has, faulty ones too; `position` is its place in the file.
    """

    id: str
    position: int
    given: frozenset[str]
    title: str | None = None
    section: str | None = None
    cadence: Cadence | None = None
    read_do: bool | None = None
    items: tuple[Item, ...] = ()


class RawCatalog(msgspec.Struct, frozen=True, kw_only=True):
    """What one file says: its checklists and what it hides of those beneath it."""

    checklists: tuple[RawChecklist, ...] = ()
    omit: tuple[str, ...] = ()


def read_raw(report: Report, data: dict[str, Any]) -> RawCatalog:
    """The checklists in a parsed file; whatever is wrong goes into the report."""
    top = Table(report, data)
    top.only(FILE_KEYS)
    if not data.keys() & set(FILE_KEYS):
        top.fault(
            "has no checklists: add [[checklist]] blocks, or remove the file", named="checklist"
        )
    omit = top.strings("omit")
    first: dict[str, TomlPath] = {}
    checklists: list[RawChecklist] = []
    for position, values in top.tables("checklist", "[[checklist]] blocks"):
        table = Table(
            report,
            values,
            ("checklist", position),
            checklist=names_of(values) or f"number {position + 1}",
        )
        checklist = _read_checklist(table, position)
        if checklist is None:
            continue
        if _is_first(table, "checklist", checklist.id, first):
            checklists.append(checklist)
    return RawCatalog(checklists=tuple(checklists), omit=omit)


def _read_checklist(table: Table, position: int) -> RawChecklist | None:
    """One block, or None when it has no usable id (its faults are then all reported)."""
    table.only(CHECKLIST_KEYS)
    identity = table.identifier("id", required=True)
    title = table.line("title")
    section = table.line("section")
    cadence = table.choice("cadence", CADENCES)
    read_do = table.boolean("read_do")
    first: dict[str, TomlPath] = {}
    items: list[Item] = []
    for item_position, values in table.tables("item", "[[checklist.item]] blocks"):
        item_table = Table(
            table.report,
            values,
            (*table.path, "item", item_position),
            checklist=table.checklist,
            item=names_of(values) or f"number {item_position + 1}",
        )
        item = _read_item(item_table)
        if item is not None and _is_first(item_table, "item", item.id, first):
            items.append(item)
    if identity is None:
        return None
    return RawChecklist(
        id=identity,
        position=position,
        given=frozenset(table.values),
        title=title,
        section=section,
        cadence=cadence,
        read_do=read_do,
        items=tuple(items),
    )


def _is_first(table: Table, kind: str, identity: str, first: dict[str, TomlPath]) -> bool:
    """Whether this id was not seen before here; if it was, both places are reported."""
    earlier = first.setdefault(identity, table.path)
    if earlier == table.path:
        return True
    line = table.report.line_of((*earlier, "id"))
    where = f" (first on line {line})" if line is not None else ""
    table.fault(f'duplicate {kind} id "{identity}"{where}; give each {kind} its own', "id")
    return False


def _read_item(table: Table) -> Item | None:
    """One item, or None when it has no usable id (its faults are then all reported)."""
    table.only(ITEM_KEYS)
    values = table.values
    identity = table.identifier("id", required=True)
    text = table.line("text", required=True)
    guide = trimmed(table.raw("guide", str, "a string in quotes") or "")
    group = tuple(map(folded, table.strings("group"))) if "group" in values else ()
    probe = _read_probe(table) if "probe" in values else None
    expect = _read_expect(table) if "expect" in values else ()
    uses = table.identifier("uses", capitals=True)
    valid_for_s = table.duration("valid_for")
    playbook = table.line("playbook")
    note = table.string("note")
    assist = table.boolean("assist")
    if identity is None:
        return None
    return Item(
        id=identity,
        text=text or "",
        guide=guide,
        uses=uses,
        valid_for_s=valid_for_s,
        playbook=playbook,
        group=group,
        note=note,
        assist=bool(assist),
        probe=probe,
        expect=expect,
    )


def _read_probe(table: Table) -> dict[str, Any] | None:
    """A probe's table; what else it may hold is known to its kind."""
    probe = table.table("probe", 'probe = { kind = "tls", target = "web" }')
    if probe is None:
        return None
    kind = probe.get("kind")
    if kind is None:
        table.fault('has no kind; write for example { kind = "tls", ... }', "probe")
    elif not isinstance(kind, str) or not kind.strip():
        found = "empty" if kind == "" else shown(kind)
        table.fault(f"its kind is {found}; it must be the name of a probe", "probe")
    elif not table.report.proven:
        # Imported here: a catalog that was checked before must not pay for it.
        from opsdeck.probes import registry

        for problem in registry.problems(probe):
            table.fault(problem, "probe")
    return probe


def _read_expect(table: Table) -> tuple[str, ...]:
    """The expectations; they need a probe that they can judge."""
    expressions = table.strings("expect")
    for expression in () if table.report.proven else expressions:
        problem = expectation_problem(expression)
        if problem is not None:
            table.fault(problem, "expect")
    if "probe" not in table.values:
        table.fault("there is no probe whose document it could judge; add a probe", "expect")
    return expressions
