"""Everything the shipped catalog looks at, at once: the partners of the tests, all well.

A web application over HTTPS with two instances, a replica set (SecantusDB behind proxies), AWS
(moto, behind a server that answers what moto lacks, as AWS documents it), a checkout, this host.
Stand-ins, since no registry can be had offline: `npm` and `eslint` print what the real ones do.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from tests.probes import partners_cloud as cloud
from tests.probes import partners_fleet as fleet
from tests.probes import partners_mongo as mongo
from tests.probes import partners_records as records
from tests.probes import partners_tls as tls
from tests.probes.partners_aws import KEYS, NO_FILES, REGION, Moto, Told, moto, stub
from tests.probes.partners_http import Answering, Asked, Partner, json_reply, reply
from tests.probes.partners_local import GIT_ENVIRON, repository, write
from tests.worlds import aws_a, local, local_host, local_npm, local_pages, local_records
from tests.worlds.web import OWN, STRICT
from tests.worlds.web_sites import COOKIE, HTML

from opsdeck.catalog.load import load_catalog, shipped_checklists_path

HOST = "127.0.0.1"
TOKEN = "t0ken-of-a-test-account"
BURST = 30
GB = 1024**3


class Partners(NamedTuple):
    """What `opsdeck.toml` and the environment say of them."""

    targets: dict[str, dict[str, Any]]
    environ: dict[str, str]

    def configuration(self) -> str:
        """`opsdeck.toml` with these targets and every feature of the shipped catalog in use."""
        checklists = load_catalog(shipped_checklists_path()).checklists
        uses = sorted({item.uses for c in checklists for item in c.items if item.uses})
        return tomlkit.dumps({"deck": {"name": "whole", "uses": uses}, "targets": self.targets})


@contextmanager
def partners(folder: Path) -> Iterator[Partners]:
    """All of them for as long as it lasts; files go below `folder`."""
    with ExitStack() as stack:
        web = stack.enter_context(_web())
        database = stack.enter_context(_database(folder / "shop"))
        aws = stack.enter_context(_aws())
        host, environ = stack.enter_context(_host(folder))
        _checkout(folder / "shop")
        repo = {"kind": "repository", "path": str(folder / "shop")}
        targets = {"web": web, "mongodb": database, "aws": aws, "repo": repo, "host": host}
        path = f"{folder / 'bin'}:{os.environ['PATH']}"
        yield Partners(targets, {**environ, **GIT_ENVIRON, **NO_FILES, **KEYS, "PATH": path})


# The web application


@contextmanager
def _web() -> Iterator[dict[str, Any]]:
    context = tls.server_context(tls.leaf(HOST))
    application = _application()
    with ExitStack() as stack:
        instances = [Partner(application, context) for _ in range(2)]
        for instance in instances:
            stack.callback(instance.close)
        private = [stack.enter_context(tls.silent_port()) for _ in range(4)]
        urls = [f"https://{HOST}:{instance.port}" for instance in instances]
        yield {
            "kind": "web",
            "url": urls[0],
            "ca": str(tls.ca_file()),
            "instances": urls,
            "certificate_hosts": [f"{HOST}:{instance.port}" for instance in instances],
            "token": TOKEN,
            "session_cookie": COOKIE,
            "origin": OWN,
            "csrf_path": "/api/profile",
            "rate_limit_path": "/limited",
            "rate_limit_burst": BURST,
            "asset_path": "/app.4711.js",
            "api_paths": ["/api/plans"],
            "api_data": [{"path": "/api/plans", "has": [{"id": 1}]}],
            "dependencies_path": "/ready",
            "integrations": ["stripe", "mail"],
            "feature_paths": ["/"],
            "performance_path": "/api/plans",
            "maintenance_url": f"{urls[0]}/maintenance",
            "closed_ports": private,
        }


def _application() -> Answering:
    """What answers at each instance."""
    seen: set[str] = set()
    asked_lately: list[float] = []

    def limited() -> bytes:
        now = time.monotonic()
        if asked_lately and now - asked_lately[-1] > 0.5:
            asked_lately.clear()
        asked_lately.append(now)
        lasting = len(asked_lately) > BURST // 2
        return reply("", 429, {"Retry-After": "1"}) if lasting else reply("")

    def asset(asked: Asked) -> bytes:
        state = "Hit" if asked.target in seen else "Miss"
        seen.add(asked.target)
        kept = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Encoding": "br"}
        about = {"Content-Type": "text/javascript", "x-amz-cf-id": "abc"}
        return reply(b"\x0b\x02", 200, {**about, **kept, "X-Cache": f"{state} from cloudfront"})

    def private(asked: Asked) -> bytes:
        known = asked.headers.get("cookie") == COOKIE
        good = known or asked.headers.get("authorization") == f"Bearer {TOKEN}"
        return json_reply("{}", 200 if good else 401, X_Cache="Miss from cloudfront")

    count = itertools.count(1)

    def page(asked: Asked) -> bytes:
        policy_now = STRICT.replace("4AEemGb0", f"4AEemGb0{next(count)}")
        allowed = {"Access-Control-Allow-Origin": OWN} if asked.headers.get("origin") == OWN else {}
        policy = {"Content-Security-Policy": policy_now, "X-Content-Type-Options": "nosniff"}
        field = '<input type="hidden" name="_csrf" value="r4nd0m">'
        return reply(f"<form>{field}</form>", headers={**HTML, **policy, **allowed})

    sorry = {"Retry-After": "600", "Cache-Control": "no-store", **HTML}
    dependencies = '{"checks": {"stripe": {"status": "up"}, "mail": "ok", "db": true}}'
    pages: dict[str, Callable[[Asked], bytes]] = {
        "/": page,
        "/health": lambda _: json_reply('{"status": "ok", "checks": {"db": "up"}}'),
        "/ready": lambda _: json_reply(dependencies),
        "/limited": lambda _: limited(),
        "/app.4711.js": asset,
        "/api/me": private,
        "/api/plans": lambda _: json_reply('[{"id": 1, "currency": "EUR"}]'),
        "/api/profile": lambda _: reply("", 403),
        "/maintenance": lambda _: reply("<h1>Back soon</h1>" + "<p>sorry</p>" * 10, 503, sorry),
    }

    def answer(asked: Asked) -> bytes:
        if not asked.headers["host"].startswith(HOST):
            return reply("", 421)
        found = pages.get(asked.target.partition("?")[0])
        return reply("", 404) if found is None else found(asked)

    return answer


# The database


@contextmanager
def _database(checkout: Path) -> Iterator[dict[str, Any]]:
    """Three servers that say they are one set, with data, and a service that uses them."""
    with mongo.database() as name, mongo.trio(patches=_patches()) as proxies, _used(name):
        members = [
            mongo.member(number, "SECONDARY" if number else "PRIMARY", name=proxy.address)
            for number, proxy in enumerate(proxies)
        ]
        for proxy in proxies:
            proxy.patches |= mongo.replica_set(members)
        hosts = ",".join(proxy.address for proxy in proxies)
        options = "replicaSet=rs0&maxPoolSize=20&waitQueueTimeoutMS=5000"
        yield {
            "kind": "mongodb",
            "uri": f"mongodb://{hosts}/{name}?{options}",
            "path": str(checkout),
            "expected": f"{proxies[0].address}/{name}",
            "wanted_indexes": {"orders": ["customer, -created"]},
            "jobs_collection": "agendaJobs",
            "max_processes": 20,
            "memory_gb": 16,
            "cores": 4,
        }


def _patches() -> mongo.Patches:
    """What the server lacks, as a well one says it: memory, sizes, use of indexes, connections."""
    cache = {
        "maximum bytes configured": int(7.3 * GB),
        "bytes currently in the cache": 5 * GB,
        "tracked dirty bytes in the cache": GB // 20,
    }
    sizes = {"size": GB, "storageSize": GB, "freeStorageSize": 0}
    return {
        **mongo.status(
            connections={"current": 80, "available": 720},
            globalLock={"currentQueue": {"total": 0, "readers": 0, "writers": 0}},
            wiredTiger={"cache": cache},
        ),
        **mongo.index_stats(45),
        **mongo.coll_stats(dict.fromkeys(("orders", "agendaJobs", "changelog"), sizes)),
        **mongo.current_op([]),
        **mongo.oplog(72),
        "hostInfo": mongo.merged({"system": {"memSizeMB": int(15.6 * 1024), "numCores": 4}}),
    }


@contextmanager
def _used(name: str) -> Iterator[None]:
    """Data, and somebody who reads it again and again."""
    shop, now = mongo.admin()[name], datetime.now(UTC)
    shop.orders.insert_many([{"customer": n, "created": n} for n in range(300)])
    shop.orders.create_index([("customer", 1), ("created", -1)])
    shop.changelog.insert_one({"fileName": "1-names.js", "appliedAt": now})
    due, done = now + timedelta(minutes=30), now - timedelta(minutes=5)
    shop.agendaJobs.insert_one({"name": "mail", "nextRunAt": due, "lastFinishedAt": done})
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            shop.orders.find_one({"customer": 7})

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# AWS


@contextmanager
def _aws() -> Iterator[dict[str, Any]]:
    server = moto()
    server.reset()
    keys = _filled(server)
    with stub(_in_front(server)) as front:
        yield {"kind": "aws", "region": REGION, "endpoint_url": front.url, **keys}


def _filled(server: Moto) -> dict[str, Any]:
    """Put into moto what a team has that is ready; the target's keys."""
    kms: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key"}
    elsewhere = cloud.scaling_group(region=cloud.OTHER_REGION, minimum=1, maximum=6)
    elsewhere(server)
    records.bucket(server, "copies", cloud.OTHER_REGION, 20_000, **kms)
    builds: list[cloud.Build] = [
        cloud.web_tier(),
        cloud.balancer(RequestCount=1_000.0, TargetResponseTime=0.12),
        cloud.bandwidth((7, 7), (0, 0)),
        cloud.cache_cluster(95),
        records.backups(**kms),
        records.plan("cron(0 5 ? * * *)"),
        records.costs(100, 104, 99, 101, 98, 110, 102, 97),
        records.findings("LOW", "HIGH"),
        records.log_groups(30, 90),
        records.zone(),
        records.trail(),
        records.replicated(),
        records.keys_of("ada"),
        fleet.database(*fleet.TRIO),
        _topic,
        aws_a.dashboard(aws_a.GRAPH),
        aws_a.traces(hours_ago=0.1),
        aws_a.lines(120),
        _watched,
    ]
    keys: dict[str, Any] = {}
    for build in builds:
        keys |= build(server) or {}
    server.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName="web",
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 55.0,
        },
    )
    web = server.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]
    subnets = server.client("ec2").describe_subnets(SubnetIds=web["VPCZoneIdentifier"].split(","))
    vpc = subnets["Subnets"][0]["VpcId"]
    records.flow_log(server, vpc)
    return keys | {
        "vpc_ids": [vpc],
        "account": "123456789012",
        "database_arn": aws_a.DATABASE,
        "log_group": "/app",
        "backup_copy_bucket": "copies",
        "backup_copy_region": cloud.OTHER_REGION,
        "dr_region": cloud.OTHER_REGION,
        "dr_auto_scaling_group": "web",
        "instance_type": "m5.large",
        "network_gbps_min": 0.5,
    }


def _topic(server: Moto) -> None:
    """Whom alarms tell."""
    topic = server.client("sns").create_topic(Name="pager")["TopicArn"]
    server.client("sns").subscribe(TopicArn=topic, Protocol="sms", Endpoint="+4915112345678")


def _watched(server: Moto) -> None:
    """Each instance tells its load, has alarms on it, and logs; a certificate was issued."""
    server.client("acm").request_certificate(DomainName="app.example.com", ValidationMethod="DNS")
    logs = server.client("logs")
    logs.create_log_group(logGroupName="/app")
    logs.put_retention_policy(logGroupName="/app", retentionInDays=30)
    at = int(time.time() * 1000) - 60_000
    for reservation in server.client("ec2").describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            own = instance["InstanceId"]
            of = {"InstanceId": own}
            for namespace, metric, dimensions in (
                ("CWAgent", "mem_used_percent", of),
                ("CWAgent", "disk_used_percent", {**of, "path": "/"}),
                ("AWS/EC2", "CPUUtilization", of),
            ):
                fleet.tell(server, namespace, metric, dimensions)
                fleet.alarm(server, f"{metric} {own}", namespace, metric, dimensions)
            stream = {"logGroupName": "/app", "logStreamName": f"{own}/app.log"}
            logs.create_log_stream(**stream)
            logs.put_log_events(**stream, logEvents=[{"timestamp": at, "message": "{}"}])


def _in_front(server: Moto) -> cloud.Fake:
    """Moto, but for recovery points, jobs and selections of AWS Backup, renewals, percentiles."""
    selected = records.selections("database")
    connections = threading.local()

    def say(handler: BaseHTTPRequestHandler, body: bytes) -> Told | None:
        if "/recovery-points" in handler.path:
            return aws_a.points(hours=1)
        told = selected(handler, body)
        return told or _passed_on(server, connections, handler, body)

    return say


def _passed_on(
    server: Moto, kept: threading.local, handler: BaseHTTPRequestHandler, body: bytes
) -> Told:
    body = body.replace(b'"Stat": "p95"', b'"Stat": "Maximum"')
    connection = getattr(kept, "connection", None)
    if connection is None:
        connection = kept.connection = http.client.HTTPConnection(HOST, server.port, timeout=20)
    headers = {**dict(handler.headers), "Content-Length": str(len(body))}
    connection.request(handler.command, handler.path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    if "CertificateManager" in handler.headers.get("X-Amz-Target", ""):
        content = _to_be_renewed(content)
    if b"<AutoScalingGroups>" in content:
        content = cloud.in_zones("ab")(content)
    shown = ("content-type", "x-amz-server-side-encryption")
    kept_headers = {k: v for k, v in answer.headers.items() if k.lower() in shown}
    return Told(answer.status, content, kept_headers)


def _to_be_renewed(content: bytes) -> bytes:
    answer = json.loads(content)
    for entry in answer.get("CertificateSummaryList", []):
        entry["InUse"] = True
    if "Certificate" in answer:
        user = "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/web/1"
        answer["Certificate"] |= {"RenewalEligibility": "ELIGIBLE", "InUseBy": [user]}
    return json.dumps(answer).encode()


# The checkout, and this host


def _checkout(folder: Path) -> None:
    # Its heading is also that of the RTO, whose page gives both figures.
    pages = [page for page in local_pages.PAGES if page.item != "backup-strategy/rpo-defined"]
    files = {
        f"docs/{number}.md": f"# {page.heading}\n\n{page.text}{local_pages.FILLER}\n{page.needed}\n"
        for number, page in enumerate(pages)
    }
    package = json.dumps(local_npm.PACKAGE)
    more = {**local.CODE, **local.SENTRY, "package.json": package, "migrations/1-names.js": "//\n"}
    example = local.EXAMPLE[".env.example"] + "SESSION_SECRET=\nSENTRY_DSN=\n"
    ignored = {".gitignore": ".env\nnode_modules\n", ".env.example": example}
    code = {f"src/module{n}.js": "export const n = 1\n" * 20 for n in range(300)}
    repository(folder, {**files, **code, **more, **ignored}, at=local.days_ago(1))
    eslint = folder / "node_modules/.bin/eslint"
    write(folder, {".env": local.ENV_FILE + local.DSN, str(eslint): "#!/bin/sh\nexit 0\n"})
    (folder / ".env").chmod(0o600)
    eslint.chmod(0o755)
    npm = folder.parent / "bin" / "npm"
    audit = json.dumps(local_npm.audit())
    write(npm.parent, {"npm": f"#!/bin/sh\n[ $1 = outdated ] && echo '{{}}' || echo '{audit}'\n"})
    npm.chmod(0o755)


@contextmanager
def _host(folder: Path) -> Iterator[tuple[dict[str, Any], Mapping[str, str]]]:
    """This machine, with two services of its own, and Debian's apt over a system of its own."""
    names = [f"{name}-{secrets.token_hex(4)}" for name in ("orders", "worker")]
    limit = 65_535 if local_host.may_open(65_535) else 0
    (folder / "apt").mkdir()
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(local_host.process(name, limit))
        setting = stack.enter_context(local_records.apt("3.0.13-1")(folder / "apt"))
        own = ("APT_CONFIG", "REBOOT_FLAG")
        yield (
            {"kind": "host", "services": names},
            {name: setting.environ[name] for name in own},
        )
