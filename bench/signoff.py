"""The digest of a release beside the SHA-256 of its journal; sign and verify beside ssh-keygen."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.figures import Figure, at_most, paired
from bench.programs import Place, place
from opsdeck.deck import Deck, open_deck
from opsdeck.journal import events as ev
from opsdeck.journal.clock import utc_now
from opsdeck.journal.lines import find_lines
from opsdeck.journal.writing import Draft
from opsdeck.known_signoffs import KnownSignoffs
from opsdeck.runs import acts
from opsdeck.signoff.content import Content, finish, plan_content
from opsdeck.signoff.ssh import NAMESPACE, find_keys, read_signers, sign, verify

RELEASE = "v1.4.2"
EVENTS = 10_000
EVIDENCE = {"lines": ["x" * 60 for _ in range(100)]}
"""About 6 KB, as a probe keeps it."""
DIGEST_LIMIT_MS = 50
KEYGEN_LIMIT = 1.3
WHO = "bench@opsdeck"
STATEMENT = ("OpsDeck sign-off statement 1\n" + "holds: rule\n" * 40).encode()


def run(quick: bool) -> list[Figure]:
    """All in one process; each pair in turn, the order changing."""
    with place() as here:
        digests = _digests(here, 15 if quick else 60)
        keys = _keys(here.folder, here.env, 20 if quick else 100)
    return [*digests, *keys]


def _digests(here: Place, rounds: int) -> list[Figure]:
    deck = _deck(here)
    known = KnownSignoffs(deck, here.env)
    files = sorted(here.journal.glob("*.jsonl"))
    items = deck.catalog.item_count

    def ours() -> Content:
        release, now = known.release(RELEASE), deck.now()
        plan = plan_content(known.facts(RELEASE, now), release, now)
        return finish(plan, find_lines(deck.journal.folder, plan.wanted))

    def theirs() -> list[str]:
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]

    pairs = _in_turn(ours, theirs, rounds)
    what = f"digest of a release, {items} items, {deck.state.count:,} events"
    return [
        at_most(f"{what}, p95", "ms", [a for a, _ in pairs], DIGEST_LIMIT_MS, 95),
        paired(f"{what}, beside SHA-256 of the journal's files", "ms", pairs),
    ]


def _deck(here: Place) -> Deck:
    """A release on the shipped catalog: everything checked, attested and noted again and again."""
    deck = open_deck(environ=here.env, cwd=here.folder, operator="bench")
    deck.load()
    deck.record(acts.start_release(RELEASE, []))
    runs = [(deck.current_run(c), i.id) for c in deck.catalog.checklists for i in c.items]
    drafts = []
    for number in range(EVENTS - 2):
        run, item = runs[number % len(runs)]
        data = {"run": run, "item": item}
        drafts.append(
            (
                Draft(ev.CHECKED, {**data, "verdict": "passed", "evidence": EVIDENCE}),
                Draft(ev.ATTESTED, data),
                Draft(ev.NOTED, {**data, "text": f"note {number}"}),
            )[number // len(runs) % 3]
        )
    for start in range(0, len(drafts), 500):
        deck.record(*drafts[start : start + 500])
    return deck


def _keys(folder: Path, env: Mapping[str, str], rounds: int) -> list[Figure]:
    key = folder / "key"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
    subprocess.run(make, check=True, env=env)
    allowed = folder / "allowed_signers"
    public = key.with_suffix(".pub").read_text(encoding="ascii")
    allowed.write_text(f'{WHO} namespaces="{NAMESPACE}" {public}', encoding="ascii")
    (ours_key,) = find_keys(env, str(key)).keys
    signers, at = read_signers(allowed), utc_now()
    armoured = sign(STATEMENT, ours_key, env)
    file = folder / "statement.sig"
    file.write_text(armoured, encoding="ascii")
    signing = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE]
    verifying = ["ssh-keygen", "-q", "-Y", "verify", "-f", str(allowed), "-I", WHO]
    verifying += ["-n", NAMESPACE, "-s", str(file), "-O", f"verify-time={at:%Y%m%d%H%M%S}Z"]

    def bare(argv: list[str]) -> None:
        subprocess.run(argv, input=STATEMENT, capture_output=True, check=True, env=env)

    signs = _in_turn(lambda: sign(STATEMENT, ours_key, env), lambda: bare(signing), rounds)
    verifies = _in_turn(
        lambda: verify(STATEMENT, armoured, WHO, signers, at=at, environ=env),
        lambda: bare(verifying),
        rounds,
    )
    return [
        paired("sign a statement beside ssh-keygen -Y sign", "ms", signs, KEYGEN_LIMIT),
        paired("verify a signature beside ssh-keygen -Y verify", "ms", verifies, KEYGEN_LIMIT),
    ]


def _in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> list[tuple[float, float]]:
    """Milliseconds of both, after a round that does not count."""
    pairs = []
    for number in range(rounds + 1):
        if number % 2:
            b, a = _ms(theirs), _ms(ours)
        else:
            a, b = _ms(ours), _ms(theirs)
        pairs.append((a, b))
    return pairs[1:]


def _ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3
