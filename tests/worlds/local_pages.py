"""Worlds of pages: what a team wrote down, when it last touched it, and what it left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.probes.partners_local import git, repository, write
from tests.worlds.harness import Setting, World
from tests.worlds.local import days_ago, repo_setting

Setup = Callable[[Path], AbstractContextManager[Setting]]


class Page(NamedTuple):
    """A section that says all that its item asks for, and the sentence it cannot do without."""

    item: str
    heading: str
    text: str
    needed: str
    fresh_days: int
    """How long after it was touched it counts."""


FILLER = """
This page is for whoever is on call. Read it once in a quiet hour, walk through it with a
colleague, and write down what was unclear while it is fresh in your mind; nobody learns a
page for the first time at night. Names stand in the address book that hangs beside the door.
"""

PAGES = [
    Page(
        "database-readiness/backup-strategy-doc",
        "Backups",
        "A dump of every database is made daily at two by a timer on the database server. It goes"
        " to a bucket in another region.\nThe security lead keeps the key that archives are"
        " encrypted with.\nDumps are kept for 35 days.\nA restore is rehearsed monthly.\n",
        "A run that fails pages the person on call.",
        180,
    ),
    Page(
        "deployment-preparation/rollback-documented",
        "Rolling back",
        "The trigger is an error rate above 2 % for 5 minutes. The release lead decides.\n\n"
        "```sh\n./deploy.sh production PREVIOUS_TAG\n```\n\nIt takes 4 minutes and brings the"
        " previous build into service.\n",
        "Migrated data stays as it is: each migration suits the older code.",
        180,
    ),
    Page(
        "deployment-preparation/blue-green-strategy",
        "Deployment strategy",
        "We deploy blue-green. Traffic is turned by the listener of the load balancer."
        " Both colours share one database, so each schema must suit both.\n",
        "Turning it back is the same command with the other colour, for an hour.",
        365,
    ),
    Page(
        "deployment-preparation/support-contacts",
        "Support contacts",
        "- Hosting: +49 30 1234567, account 4711, business plan\n"
        "- Database: https://support.mongodb.com/ticket, customer number 42\n",
        "- DNS: hotline@registrar.opsdeck.dev, contract 23, support around the clock",
        90,
    ),
    Page(
        "critical-issues/escalation-procedures",
        "Escalation",
        "Severity 1 is an outage for customers, severity 2 a part of them. The pager rings the"
        " first person, who acknowledges. The manager is called for every severity 1.\n",
        "After 15 minutes without an answer the second person is paged.",
        180,
    ),
    Page(
        "critical-issues/post-incident-review",
        "Post-incident review",
        "Every severity 1 has a blameless review within 5 working days. It has a timeline from"
        " the log and the causes.\n",
        "Each action has an owner and a date.",
        180,
    ),
    Page(
        "critical-issues/stakeholder-notification",
        "Telling stakeholders",
        "In a major outage the communications lead tells customers by mail and on the status"
        " page. Templates for seen, found and fixed lie beside this page.\n",
        "The first notice goes out within 30 minutes, the next ones hourly.",
        180,
    ),
    Page(
        "critical-issues/response-team",
        "Incident response team",
        "- Incident commander: Ada, +49 30 1234567; deputy: Grace, +49 30 1234568\n"
        "- Operations: Alan, +49 30 1234569; deputy: Edsger\n",
        "- Communications: Joan; deputy: Mary",
        90,
    ),
    Page(
        "backup-strategy/restore-documented",
        "Restoring the database",
        "Archives lie in the bucket of the backup account; the role restorer may read them and"
        " decrypt them with its key. First stop the writers, then:\n\n"
        "```sh\nmongorestore --gzip --archive=KEY.gz --drop\n```\n\n",
        "Verify it with the smoke test and the counts of each collection.",
        180,
    ),
    Page(
        "backup-strategy/retention-policy",
        "Retention of backups",
        "Older ones are deleted by the bucket's lifecycle rule, on the day after. Whoever"
        " wants to hold one asks the data protection officer.\n",
        "Daily dumps are kept for 35 days, monthly ones for 12 months.",
        365,
    ),
    Page(
        "backup-strategy/rto-defined",
        "Recovery objectives",
        "| Service | RPO |\n|---|---|\n| API | 15 min |\n\nSigned by the owner in spring.\n",
        "The RTO (recovery time objective) of the API is 1 h, of reports 24 h.",
        365,
    ),
    Page(
        "backup-strategy/rpo-defined",
        "Recovery objectives",
        "The RTO of the API is 1 h. Signed by the owner in spring.\n",
        "| Service | RPO |\n|---|---|\n| API | 15 min |\n",
        365,
    ),
    Page(
        "security-breach/response-plan",
        "Security incident: the first hour",
        "The security lead decides. Isolate the machine, do not end it. Take a snapshot of its"
        " disks as evidence. Inform the data protection officer at once, by telephone.\n" + FILLER,
        "Deactivate access keys and rotate the signing secrets.",
        180,
    ),
    Page(
        "security-breach/security-contacts",
        "Security contacts",
        "- Security lead: Ada, ada@security.opsdeck.dev\n"
        "- Lawyer: counsel@law.opsdeck.dev\n- Data protection officer: dpo@opsdeck.dev\n",
        "- Insurer: +49 30 1234567, to be rung first",
        90,
    ),
    Page(
        "security-breach/client-notification",
        "Client notification",
        "The data protection officer signs every letter; templates approved by the lawyer lie"
        " beside this page. Contracts with other terms are listed there.\n",
        "The authority is told within 72 hours, clients within 24 hours.",
        180,
    ),
]


def written(page: Page, *, text: str = "", touched_days: float = 2, heading: str = "") -> Setup:
    """A repository whose operations page has this section, touched so many days ago."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        title = heading or page.heading
        whole = text or f"{page.text}{FILLER}\n{page.needed}\n"
        before = "# Operations\n\nHow we run orders-api.\n\n## Deploying\n\nPush a tag.\n\n"
        after = "\n## Glossary\n\nColours are what we call the two stacks.\n"
        body = f"{before}## {title}\n\n{whole}{after}"
        repository(tmp_path, {"docs/operations.md": body}, at=days_ago(touched_days))
        yield repo_setting(tmp_path)

    return setup


def worlds_of(page: Page) -> list[World]:
    """It passes as written; it fails without its sentence, unfinished, too old, or not there."""
    lacking = f"{page.text}{FILLER}{FILLER}\n"
    unfinished = f"{page.text}{FILLER}\n{page.needed}\nTODO: ask Grace\n"
    old = page.fresh_days + 2
    about = page.needed.strip().splitlines()[0][:50]
    return [
        World(page.item, "passed", "written down", written(page)),
        World(page.item, "failed", f"without: {about}", written(page, text=lacking)),
        World(page.item, "failed", "unfinished", written(page, text=unfinished)),
        World(page.item, "failed", f"untouched for {old} days", written(page, touched_days=old)),
        World(page.item, "failed", "no such section", written(page, heading="Other things")),
    ]


@contextmanager
def reviewed(tmp_path: Path, newest_days: float, oldest_days: float) -> Iterator[Setting]:
    """Two pages, touched so many days ago."""
    repository(tmp_path, {"docs/old.md": "# Old\n"}, at=days_ago(oldest_days))
    write(tmp_path, {"runbooks/new.md": "# New\n"})
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "new", at=days_ago(newest_days))
    yield repo_setting(tmp_path)


REVIEW = "monthly-operations/documentation-review"
REVIEWS = [
    World(REVIEW, "passed", "all within their time", lambda tmp: reviewed(tmp, 10, 100)),
    World(REVIEW, "failed", "one for 200 days", lambda tmp: reviewed(tmp, 10, 200)),
    World(REVIEW, "failed", "nothing this month", lambda tmp: reviewed(tmp, 40, 100)),
]

DENIALS = {
    "backup-strategy/rto-defined": "We have no RTO yet; 4 hours would be nice for most of us.",
    "backup-strategy/rpo-defined": "An RPO of 15 min would be what customers expect from us.",
    "backup-strategy/retention-policy": "The retention is not decided, last year it was 35 days.",
}
DENIED = [
    World(page.item, "failed", "it is denied", written(page, text=f"{FILLER}{FILLER}{denial}\n"))
    for page in PAGES
    if (denial := DENIALS.get(page.item))
]

WORLDS = [world for page in PAGES for world in worlds_of(page)] + REVIEWS + DENIED
