"""Which of what looks like a secret in a repository is one, and which a name, a label, a sample."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from opsdeck.probes._file_rules import RULES, Rule
from opsdeck.probes._file_strength import WEAK_BITS, entropy_bits, is_placeholder
from opsdeck.probes._secret_names import is_harmless_name

_PIECE = 8_192
_OVERLAP = 512
_ALLOWED = re.compile(r"(?:gitleaks|opsdeck):allow")

_HARD_BITS = 40.0
_RANDOM_BITS = 72.0
"""What nobody makes up for a test: twenty random characters have about as much."""

_SAMPLE_PATH = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec|specs|e2e|cypress|playwright|fixtures?|__fixtures__|testdata"
    r"|test-data|mocks?|__mocks__|__snapshots__|examples?|samples?|docs?|stories|locales?|i18n|lang"
    r"|translations?|messages|\.github|\.circleci)/"
    r"|(?:^|/)[^/]*\.(?:test|spec|stories|e2e|mock|fixture)\.\w+$"
    r"|\.(?:md|mdx|markdown|rst|adoc|snap|example|sample|template|tmpl|dist)$"
    r"|(?:^|/)(?:test_[^/]+|[^/]+_test|conftest)\.\w+$"
    r"|(?:^|/)\.env\.(?:example|sample|template|test|ci)[^/]*$|(?:^|/)\.(?:gitlab-ci|travis)\.yml$"
    r"|(?:^|/)(?:docker-)?compose\.(?:dev|development|test|ci|local|override)\.ya?ml$"
    r"|(?:^|/)(?:jest|vitest|cypress|playwright)\.[\w.]+$",
    re.IGNORECASE,
)
_KEY_FOR_TESTS = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec|e2e|fixtures?|__fixtures__|testdata)/", re.IGNORECASE
)
_SETTINGS = re.compile(
    r"\.(?:ya?ml|ini|cfg|conf|properties|env|sh|bash|service|tfvars|credentials)$"
    r"|(?:^|/)(?:\.env[^/]*|[^/]*Dockerfile[^/]*|\.npmrc|\.pgpass|credentials|[^./]+)$"
)
_SEALED = re.compile(r"(?m)^kind: SealedSecret\b|^sops:")
"""Files whose secrets are encrypted, as they should be."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LABEL_NAMES = """
    password passwort passwd pwd pass passphrase passcode secret secrets token tokens key keys auth
    authorization authentication credential credentials session cookie jwt bearer basic csrf xsrf
    access refresh client api private public id name user username login logout signin signup email
    new current old confirm confirmation repeat reset forgot forgotten change changed set update
    updated create delete verify verification validate request success failure failed fail error
    required invalid missing incorrect wrong mismatch match matches do does not is are must be have
    has a an the to of or and at in for with your contain contains too short long weak strong length
    characters least empty optional string text hidden number boolean object array null none nil
    undefined true false yes no on off input field form value type label plain env environment db
    database app application service account settings config default expired expires expiry redacted
    passed please enter choose show hide message code hash param params query header body local
    storage aws gcp azure ssm vault secretsmanager external file manual prompt inherit disabled
    enabled
"""
_LABELS = frozenset(_LABEL_NAMES.split())
"""Words that names and messages about secrets are made of."""
_ABOUT_SECRETS = frozenset({"password", "secret", "secrets", "token", "key", "credentials"})
_OWN = frozenset({"my", "super", "very", "top", "our", "ultra", "this", "some"})
_KNOWN_NAMES = """
    postgres postgresql mongo mongodb mysql mariadb redis rabbitmq guest minio minioadmin docker
    admin root username user elastic kibana grafana localstack neo4j sa vagrant
"""
_KNOWN = frozenset(_KNOWN_NAMES.split())
"""What programs come with, or what is set for them in everybody's example: nobody's secret."""
_MADE_UP = re.compile(
    r"(?:^|[-_. ])(?:dev|develop\w*|local\w*|test\w*|dummy|fake|sample|example|mock\w*|demo|ci"
    r"|unused|insecure|not[-_]?(?:a[-_]?)?(?:real|secret)\w*)"
    r"(?:$|[-_. \d]|pass|pwd|secret|token|key)",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"(?:arn:|https?://|s3://|file:|projects/|/|\./|\.\./|~/|@|\^|process\.env|import\.meta|os\.|var\."
    r"|npm:|git\+|workspace:|github:|ENC\[|vault:|ssm:|secretsmanager:|\$2[aby]\$)|(?:[a-z]{1,12}://)?[\w.-]+:\d+$"
)
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_TEST_FORM = re.compile(
    r"eyJ[\w-]+\.eyJ[\w-]+\.|[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$", re.I
)
"""Tokens as libraries make them in tests by the dozen: JSON web tokens, UUIDs."""
_LOCAL = re.compile(r"(?:localhost|127\.[\d.]+|0\.0\.0\.0|\[::1\]|[\w-]+|host\.docker\.internal)$")
_EXAMPLE_HOST = re.compile(
    r"(?:^|\.)(?:example\.(?:com|org|net)|example|invalid|test|localdomain)$|^(?:your|my)?[-_.]?host",
    re.IGNORECASE,
)
_PASSWORDS = ("pass", "passw", "pwd")
_TAILS = re.compile(
    r"(?:s|key|_?\d{1,2}|_?value|_(?:old|new|current|prod|production|base64|hex))?$", re.I
)


class Place(NamedTuple):
    """Where something that looks like a secret stands: its line, and by which rule."""

    line: int
    rule: str


class Places(NamedTuple):
    """The secrets of a text, and what would be some, were it not made up for a test or page."""

    secrets: list[Place]
    samples: list[Place]


def secrets_in(text: str, path: str = "", tick: Callable[[], None] = lambda: None) -> Places:
    """What looks like a secret in a file of this path, each line and rule once."""
    found: set[Place] = set()
    samples: set[Place] = set()
    for rule, match, place in _matches(text, path, tick):
        if not is_secret(rule, match) or _is_allowed(text, place):
            continue
        where = Place(text.count("\n", 0, place) + 1, rule.name)
        (samples if _is_sample(rule, match, path) else found).add(where)
    return Places(sorted(found), sorted(samples - found))


def _matches(
    text: str, path: str, tick: Callable[[], None]
) -> Iterator[tuple[Rule, re.Match[str], int]]:
    settings = bool(_SETTINGS.search(path)) and not _SEALED.search(text)
    rules = [rule for rule in RULES if settings or not rule.in_settings]
    for begin in range(0, len(text), _PIECE):
        tick()
        piece = text[begin : begin + _PIECE + _OVERLAP]
        for rule in rules:
            if any(hint in piece for hint in rule.hints):
                for match in rule.pattern.finditer(piece):
                    yield rule, match, begin + match.start()


def is_secret(rule: Rule, match: re.Match[str]) -> bool:
    """Whether what matched is one, wherever it stands."""
    value = _value(match)
    if value is None:
        return True
    if "EXAMPLE" in value or is_placeholder(value):
        return False
    if not rule.judged:
        return entropy_bits(value) > 20
    if rule.name == "uri-with-password":
        return _opens(match, value)
    if _NO_SECRET.match(value) or "${" in value or "$(" in value or _is_made_up(value):
        return False
    key, tail = (match["key"] or "password").lower(), match.groupdict().get("tail") or ""
    if _is_other_name(match, tail):
        return False
    if _is_mixed(value) and entropy_bits(value) >= _HARD_BITS and _jumps(value) >= 4:
        return True
    if not _TAILS.match(tail):
        return False
    if " " in value and (key != "secret" or tail or value.count(" ") > 3):
        return False
    chosen = key.startswith(_PASSWORDS) or (key == "secret" and not _is_yaml_name(rule, match))
    return chosen and _is_chosen(value)


def _is_other_name(match: re.Match[str], tail: str) -> bool:
    """Whether the name is that of something else: `secretArn`, `tokenizer`, `publicKeyToken`."""
    if tail and (is_harmless_name(tail) or (tail[0].isalpha() and not _TAILS.match(tail))):
        begins_word = tail[0].isupper() and not match["key"].isupper()
        if not begins_word or is_harmless_name(tail):
            return True
    before = match.string[max(0, match.start("key") - 20) : match.start("key")].lower()
    return before.rstrip("_-").endswith(("public", "publickey"))


def _value(match: re.Match[str]) -> str | None:
    groups = match.groupdict()
    return groups.get("value") or groups.get("value2")


def _opens(match: re.Match[str], value: str) -> bool:
    """Whether the password in a URI opens anything beyond this machine."""
    host = match["host"]
    if _EXAMPLE_HOST.search(host):
        return entropy_bits(value) >= _RANDOM_BITS
    if _LOCAL.match(host):
        known = value.lower() in _KNOWN or value == match["user"] or _is_made_up(value)
        return not known and entropy_bits(value) >= 20
    return True


def _is_made_up(value: str) -> bool:
    return bool(_MADE_UP.search(value)) and entropy_bits(value) < WEAK_BITS


def _is_mixed(value: str) -> bool:
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def _jumps(value: str) -> int:
    """How often it goes from letters to digits, back, and to capitals: random text often does."""
    kinds = [
        "d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "" for c in value
    ]
    pairs = itertools.pairwise(kinds)
    return sum(bool(a and b) and a != b and (a, b) != ("u", "l") for a, b in pairs)


def _is_yaml_name(rule: Rule, match: re.Match[str]) -> bool:
    """`existingSecret: shop` names a secret of the cluster; `JWT_SECRET: shop` is one."""
    return rule.name == "secret-in-settings" and not match["key"].isupper()


def _is_chosen(value: str) -> bool:
    """Whether a value is a password as people choose them, and no name or message."""
    if value.isdigit():
        return True
    words = [word.lower() for word in _WORDS.findall(value)]
    if not words or value.lower() in _KNOWN or value[0] == "-" or _CONSTANT.fullmatch(value):
        return False
    if all(word in _LABELS for word in words):
        return _is_mixed(value) and len(value) >= 8 and len(words) == 1
    # `shop-db-password` is the name of a secret, `my-secret-key` one.
    names_one = len(words) > 1 and words[-1] in _ABOUT_SECRETS and value[-1].isalpha()
    return not names_one or bool(_OWN & set(words))


def _is_sample(rule: Rule, match: re.Match[str], path: str) -> bool:
    """Whether it was made up for a test, an example or a page: there only random ones count."""
    if rule.name == "private-key":
        return bool(_KEY_FOR_TESTS.search(path))
    if not rule.judged or not _SAMPLE_PATH.search(path):
        return False
    value = _value(match) or ""
    if rule.name == "uri-with-password":
        return entropy_bits(value) < WEAK_BITS
    return bool(_TEST_FORM.match(value)) or entropy_bits(value) < _RANDOM_BITS or _jumps(value) < 4


def _is_allowed(text: str, place: int) -> bool:
    begin = text.rfind("\n", max(0, place - 2_000), place) + 1
    end = text.find("\n", place, place + 2_000)
    return bool(_ALLOWED.search(text[begin : end if end >= 0 else place + 2_000]))
