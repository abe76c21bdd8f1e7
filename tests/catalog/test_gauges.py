"""`[[gauge]]` blocks: what they may say, and what is told of what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsdeck.catalog.config import load_config
from opsdeck.catalog.gauges import Gauges, Limit
from opsdeck.errors import OpsDeckError
from opsdeck.probes import registry

TARGETS = """
[targets.web]
kind = "web"
url = "https://shop.example"
[targets.db]
kind = "mongodb"
uri = "mongodb://127.0.0.1"
[targets.aws]
kind = "aws"
region = "eu-central-1"
"""
PROBE = 'probe = { kind = "http", target = "web", path = "/metrics.json" }\n'
GAUGE = f'[[gauge]]\nid = "g"\n{PROBE}value = "queues.mail.waiting"\n'
ROOT = Path(__file__).resolve().parents[2]


def read(folder: Path, text: str) -> Gauges:
    file = folder / "opsdeck.toml"
    file.write_text(TARGETS + text, encoding="utf-8")
    return load_config(file, {"HOME": str(folder)}).gauges


def fault(folder: Path, text: str) -> str:
    """What is said of a file with this in it."""
    with pytest.raises(OpsDeckError) as caught:
        read(folder, text)
    return str(caught.value)


def test_a_block_in_full(tmp_path: Path) -> None:
    more = (
        'title = "Mails"\nunit = "%"\nwarn = 50\ncrit = 90\nfor = "2m"\nevery = "10s"\n'
        'playbook = "high-cpu-usage"\nstat = "p95"\nover = 30\nfills = true\n'
    )
    [spec] = read(tmp_path, GAUGE + more).specs
    assert (spec.id, spec.title, spec.source, spec.value) == (
        "g",
        "Mails",
        "web",
        "queues.mail.waiting",
    )
    assert (spec.warn, spec.crit) == (Limit(">=", 50.0), Limit(">=", 90.0))
    assert (spec.for_s, spec.every_s, spec.over, spec.stat) == (120.0, 10.0, 30, "p95")
    assert (spec.fills, spec.known_scale, spec.playbook) == (True, (0.0, 100.0), "high-cpu-usage")


def test_a_block_in_short(tmp_path: Path) -> None:
    [spec] = read(tmp_path, GAUGE).specs
    assert (spec.title, spec.warn, spec.crit, spec.for_s, spec.every_s) == ("g", None, None, 0, 10)


@pytest.mark.parametrize(
    ("limits", "warn", "crit"),
    [
        ("warn = 80\ncrit = 95", Limit(">=", 80.0), Limit(">=", 95.0)),
        ("warn = 20\ncrit = 5", Limit("<=", 20.0), Limit("<=", 5.0)),
        ('warn = "< 20"', Limit("<", 20.0), None),
        ('crit = "> 1.5"', None, Limit(">", 1.5)),
        ('warn = ">= -5"\ncrit = ">= 0"', Limit(">=", -5.0), Limit(">=", 0.0)),
        ("warn = 1\ncrit = 1", Limit(">=", 1.0), Limit(">=", 1.0)),
    ],
)
def test_limits_look_either_way(
    tmp_path: Path, limits: str, warn: Limit | None, crit: Limit | None
) -> None:
    [spec] = read(tmp_path, f"{GAUGE}{limits}\n").specs
    assert (spec.warn, spec.crit) == (warn, crit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[gauge]]\nid = "g"\nvalue = "x"\n', "probe"),
        (f'[[gauge]]\nid = "g"\n{PROBE}', "value"),
        (f'[[gauge]]\n{PROBE}value = "x"\n', "id"),
        (GAUGE + "wran = 5\n", "warn"),
        (GAUGE + 'warn = "hot"\n', 'write a number, or for example "> 80"'),
        (GAUGE + "warn = true\n", "write a number"),
        (GAUGE + "warn = inf\n", "write a number"),
        (GAUGE + 'warn = "> 80"\ncrit = "< 20"\n', "looks the other way than warn"),
        (GAUGE + 'warn = "> 80"\ncrit = "> 20"\n', "lies before warn"),
        (GAUGE + 'every = "0.1s"\n', "every"),
        (GAUGE + 'for = "soon"\n', "for"),
        (GAUGE + "scale = [100, 0]\n", "the lower first"),
        (GAUGE + "over = 0\n", "over"),
        (GAUGE + 'stat = "median"\n', "p95"),
        (GAUGE + "fills = true\n", "needs to know what full is"),
        (GAUGE + GAUGE, 'duplicate gauge id "g"'),
        (GAUGE.replace('"g"', '"host-mine"'), "as this machine's own gauges do"),
        (GAUGE.replace("queues.mail.waiting", "queues["), "value"),
        (GAUGE.replace('"web"', '"wed"'), "there is no target"),
        (GAUGE.replace('"http"', '"htp"'), "kind"),
        (
            GAUGE.replace('path = "/metrics.json"', 'method = "POST", changes = true'),
            "a gauge only looks",
        ),
        ('[[gauge]]\nset = "ecs"\ntarget = "aws"\n', "ec2"),
        ('[[gauge]]\nset = "http"\n', "target"),
        ('[[gauge]]\nset = "http"\ntarget = "nobody"\n', "there is no target"),
        ('[[gauge]]\nset = "ec2"\ntarget = "aws"\n', "needs instances"),
        ('[[gauge]]\nset = "http"\ntarget = "web"\nwarn = 5\n', "warn"),
        ('[[gauge]]\nid = "host-cpu"\nprobes = 1\n', "probe"),
        ('[[gauge]]\nid = "host-cpu"\n[[gauge]]\nid = "host-cpu"\n', "is changed twice"),
        ('gauge = "cpu"\n', "[[gauge]]"),
    ],
)
def test_a_fault_says_what_and_where(tmp_path: Path, text: str, said: str) -> None:
    told = fault(tmp_path, text) if not text.startswith("gauge") else fault_of(tmp_path, text)
    assert said in told
    assert f"{tmp_path / 'opsdeck.toml'}:" in told


def fault_of(folder: Path, text: str) -> str:
    """The same for what must stand before the first table."""
    file = folder / "opsdeck.toml"
    file.write_text(text + TARGETS, encoding="utf-8")
    with pytest.raises(OpsDeckError) as caught:
        load_config(file, {"HOME": str(folder)})
    return str(caught.value)


def test_this_machines_own_are_changed_and_hidden(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '[[gauge]]\nid = "host-memory"\nwarn = 70\nfor = "5m"\n'
        '[[gauge]]\nid = "host-swap"\nhide = true\n',
    )
    memory, swap = found.adjustments
    assert memory.changes == {"warn": Limit(">=", 70.0), "for_s": 300.0}
    assert (swap.id, swap.hide) == ("host-swap", True)
    assert found.specs == ()


SETS = [
    ('set = "ec2"\ntarget = "aws"\ninstances = ["i-1", "i-2"]', 8),
    ('set = "ec2"\ntarget = "aws"\nauto_scaling_group = "web"\nperiod = 300', 4),
    ('set = "alb"\ntarget = "aws"\nload_balancer = "app/web/1"\ntarget_groups = ["t/a/1"]', 5),
    ('set = "rds"\ntarget = "aws"\ndatabases = ["a"]\nconnection_limit = 200\nstorage_gb = 100', 6),
    ('set = "documentdb"\ntarget = "aws"\ncluster = "c"\ninstances = ["d"]', 9),
    ('set = "alarms"\ntarget = "aws"\nalarm_prefix = "shop-"', 1),
    ('set = "mongodb"\ntarget = "db"\ndatabase = "shop"', 8),
    ('set = "http"\ntarget = "web"\npath = "/health"', 3),
]


@pytest.mark.parametrize(("text", "count"), SETS, ids=[text.split('"')[1] for text, _ in SETS])
def test_a_set_makes_gauges_without_a_fault(tmp_path: Path, text: str, count: int) -> None:
    # WHEN a set is asked for with all that it knows
    found = read(tmp_path, f"[[gauge]]\n{text}\n").specs
    # THEN each of its gauges has a probe that its kind takes, and a playbook that is there
    assert len({spec.id for spec in found}) == len(found) == count
    for spec in found:
        assert list(registry.problems(spec.probe)) == []
        if spec.playbook is not None:
            assert (ROOT / "runbooks" / f"{spec.playbook}.md").is_file()
    # AND all of them together are no fault either
    both = "".join(f"[[gauge]]\n{text}\n" for text, _ in SETS if "auto_scaling" not in text)
    assert len(read(tmp_path, both).specs) == sum(n for t, n in SETS if "auto_scaling" not in t)
