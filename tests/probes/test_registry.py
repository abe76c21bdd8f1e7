"""What stands in a probe's table is held against its kind when the catalog is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsdeck.catalog.load import load_catalog
from opsdeck.errors import OpsDeckError
from opsdeck.probes import registry
from opsdeck.probes.registry import consent_of, kind_of, names, parameters_of, problems, seconds

KINDS = (
    "aws",
    "cloudwatch",
    "command",
    "dns",
    "env",
    "file",
    "host",
    "http",
    "mongodb",
    "run",
    "tcp",
    "tls",
)
HTTP = {"kind": "http", "target": "web", "path": "/"}


def test_the_kinds_there_are() -> None:
    assert names() == KINDS
    for name in KINDS:
        kind = kind_of(name)
        assert kind is not None
        assert kind.ABOUT
        assert not set(kind.PARAMETERS) & set(registry.SHARED)


@pytest.mark.parametrize(
    "name", ["", "_x", "__init__", "a.b", "../tcp", "tcp ", "TCP", "os", "ｔcp"]
)
def test_other_names_are_no_kinds(name: str) -> None:
    assert kind_of(name) is None


@pytest.mark.parametrize(
    ("probe", "found"),
    [
        (HTTP, []),
        ({**HTTP, "timeout": "5s"}, []),
        ({**HTTP, "timeout": 0.5, "retries": 3, "pause": 2, "must_answer": True}, []),
        ({"kind": "htpp"}, ['there is no kind of probe "htpp"; did you mean http?']),
        ({"kind": 5}, ['there is no kind of probe "5"; known are aws, cloudwatch, command, dns']),
        ({}, ['there is no kind of probe "None"']),
        ({**HTTP, "pathh": "/"}, ['a http probe has no parameter "pathh"; did you mean path?']),
        ({**HTTP, "timeout": True}, ["timeout is True; it must be a string or a whole number or"]),
        ({**HTTP, "timeout": "soon"}, ["timeout: "]),
        ({**HTTP, "timeout": 0}, ["timeout is 0; it must be more than nothing"]),
        ({**HTTP, "timeout": -1}, ["timeout is -1; it must be more than nothing"]),
        ({**HTTP, "timeout": 601}, ["timeout is 601; it must be more than nothing and at most 10"]),
        ({**HTTP, "timeout": "11m"}, ["timeout is 11m"]),
        ({**HTTP, "timeout": float("nan")}, ["timeout is nan"]),
        ({**HTTP, "timeout": float("inf")}, ["timeout is inf"]),
        ({**HTTP, "pause": "never"}, ["pause: "]),
        ({**HTTP, "retries": 11}, ["retries is 11; it must be 0 to 10"]),
        ({**HTTP, "retries": -1}, ["retries is -1; it must be 0 to 10"]),
        ({**HTTP, "retries": "3"}, ["retries is '3'; it must be a whole number"]),
        # what the engine goes by is no business of a target's table
        ({**HTTP, "retries": "{n}"}, ["retries is '{n}'; it must be a whole number"]),
        ({**HTTP, "must_answer": "{x|false}"}, ["must_answer is '{x|false}'; it must be true or"]),
        ({**HTTP, "timeout": "{t}"}, ["timeout: "]),
        # everything else may be
        ({"kind": "tcp", "target": "t", "port": "{port|443}"}, []),
        (
            {"kind": "tcp", "target": "t", "port": "443"},
            ["port is '443'; it must be a whole number"],
        ),
        ({"kind": "command", "target": "t"}, ["a command probe needs argv: "]),
        (
            {"kind": "command", "target": "t", "argv": ["x"], "output": "xml"},
            ["output is 'xml'; allowed are text, json"],
        ),
    ],
)
def test_what_is_wrong_with_a_table(probe: dict[str, Any], found: list[str]) -> None:
    said = list(problems(probe))
    assert len(said) == len(found), said
    assert all(one.startswith(start) for one, start in zip(said, found, strict=True)), said


def test_an_ill_probe_is_a_fault_of_the_catalog_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "checklists.toml"
    file.write_text(
        '[[checklist]]\nid = "l"\ntitle = "L"\nsection = "S"\ncadence = "standing"\n'
        '[[checklist.item]]\nid = "i"\ntext = "t"\nprobe = { kind = "tcpp", target = "web" }\n'
        '[[checklist.item]]\nid = "j"\ntext = "t"\n'
        'probe = { kind = "aws", service = "ec2", operation = "TerminateInstances" }\n'
    )
    with pytest.raises(OpsDeckError) as raised:
        load_catalog(file)
    assert 'there is no kind of probe "tcpp"; did you mean tcp?' in str(raised.value)
    assert "TerminateInstances" in str(raised.value)
    assert ":9" in str(raised.value)


@pytest.mark.parametrize(("value", "wanted"), [("5s", 5.0), (5, 5.0), (0.5, 0.5), ("2m", 120.0)])
def test_seconds(value: Any, wanted: float) -> None:
    assert seconds(value) == wanted


def test_parameters_come_with_their_defaults_and_without_what_all_have() -> None:
    found = parameters_of({"kind": "command", "target": "t", "timeout": 3, "argv": ["x"]})
    assert found["argv"] == ["x"]
    assert found["output"] == "text"
    assert not set(found) & set(registry.SHARED)
    assert parameters_of({"kind": "none"}) == {}


@pytest.mark.parametrize(
    ("probe", "kind"),
    [
        (HTTP, None),
        ({**HTTP, "method": "HEAD"}, None),
        ({**HTTP, "method": "POST", "changes": True}, "change"),
        ({**HTTP, "method": "{verb}"}, "change"),
        ({**HTTP, "burst": 60}, "burst"),
        ({"kind": "command", "target": "t", "argv": ["x"]}, "command"),
        ({"kind": "tcp", "host": "x", "port": 1}, None),
        ({"kind": "none"}, None),
    ],
)
def test_what_must_be_agreed_to(probe: dict[str, Any], kind: str | None) -> None:
    found = consent_of(probe)
    assert (found.kind if found else None) == kind


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["GET", "POST", "{x}", "{x|[]}", "$out", "/", "a.b", "ec2", "find", "5s"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.parametrize("name", KINDS)
def test_no_table_makes_it_stumble(name: str, data: st.DataObject) -> None:
    """A catalog holds anything: each fault is said, none is a traceback."""
    kind = kind_of(name)
    assert kind is not None
    keys = st.sampled_from([*kind.PARAMETERS, *registry.SHARED])
    given_ = data.draw(st.dictionaries(keys, VALUES, max_size=4))
    probe = {**given_, "kind": name}
    said = list(problems(probe))
    assert all(isinstance(one, str) and one for one in said)
    if not said:
        consent_of(probe)


def test_kinds_cost_nothing_before_they_look() -> None:
    code = (
        "import sys\n"
        "from opsdeck.probes import registry\n"
        "[registry.kind_of(n) for n in registry.names()]\n"
        "heavy = {'httpx', 'pymongo', 'boto3', 'botocore', 'psutil', 'cryptography', 'jmespath'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
