"""Worlds of the items that AWS answers: who we are, backups, network, certificates, monitoring.

The partner is moto. Two things it does not know are answered as the AWS API reference shows them:
recovery points and jobs of AWS Backup (moto has none), who asks when the root user does, and
whether a certificate will be renewed (moto says INELIGIBLE of every one).
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from tests.probes.partners_aws import KEYS, NO_FILES, Moto, Told, in_front, moto, stub
from tests.worlds.harness import Setting, World

Verdict = Literal["passed", "failed"]
Fill = Callable[[Moto], Mapping[str, Any] | None]
"""Brings moto into the world's state; what it gives is added to the target."""

SERVICES = {
    "environment-configuration": ["sts"],
    "database-readiness": ["cloudwatch"],
    "infrastructure": ["ec2", "elbv2"],
    "monitoring-logging": ["ec2", "cloudwatch", "logs", "sns", "xray"],
}
"""What moto has to answer for, by the beginning of the item's address."""

DATABASE = "arn:aws:rds:eu-central-1:123456789012:cluster:orders"


def setting(url: str, **values: Any) -> Setting:
    """The target aws at this address, and an environment with keys for it."""
    target = {"kind": "aws", "region": "eu-central-1", "endpoint_url": url, **values}
    return Setting({"aws": target}, {**NO_FILES, **KEYS})


def world(item: str, verdict: Verdict, about: str, fill: Fill, **values: Any) -> World:
    """A world in moto."""

    @contextlib.contextmanager
    def setup(folder: Path) -> Iterator[Setting]:
        server = moto()
        server.reset()
        server.awake(*SERVICES[item.partition("/")[0]])
        more = fill(server)
        yield setting(server.url, **values, **(more or {}))

    return World(item, verdict, about, setup)


def told(item: str, verdict: Verdict, about: str, answer: Told, **values: Any) -> World:
    """A world in which AWS gives one answer, as its API reference shows it."""

    @contextlib.contextmanager
    def setup(folder: Path) -> Iterator[Setting]:
        with stub(answer) as server:
            yield setting(server.url, **values)

    return World(item, verdict, about, setup)


def table(content: Any) -> Told:
    """An answer in JSON."""
    return Told(200, json.dumps(content), {"Content-Type": "application/json"})


def nothing(server: Moto) -> None:
    """An account as AWS hands it out."""


# who we are

ROOT = Told(
    200,
    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
    "<Arn>arn:aws:iam::123456789012:root</Arn><UserId>123456789012</UserId>"
    "<Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>",
    {"Content-Type": "text/xml"},
)
WHO = "environment-configuration/aws-credentials"
IDENTITY = [
    world(WHO, "passed", "a user of the account", nothing),
    world(WHO, "passed", "a user of the account expected", nothing, account="123456789012"),
    world(WHO, "failed", "a user of another account", nothing, account="999999999999"),
    told(WHO, "failed", "the root user", ROOT),
]

# backups: answers as the reference of AWS Backup shows them


def points(*, hours: float, status: str = "COMPLETED") -> Told:
    """One recovery point of this age, and an old one."""
    entries = [
        {
            "RecoveryPointArn": f"arn:aws:backup:eu-central-1:123456789012:recovery-point:{n}",
            "CreationDate": time.time() - 3600 * age,
            "Status": state,
            "BackupVaultName": "Default",
            "BackupSizeBytes": 4_000_000,
        }
        for n, (age, state) in enumerate([(hours, status), (200, "COMPLETED")])
    ]
    return table({"RecoveryPoints": entries})


def jobs(*states: str) -> Told:
    """Backup jobs with these states, the newest first."""
    entries = [
        {
            "BackupJobId": f"job-{n}",
            "ResourceArn": DATABASE,
            "State": state,
            "CreationDate": time.time() - 3600 * (n + 1),
        }
        for n, state in enumerate(states)
    ]
    return table({"BackupJobs": entries})


BEFORE, RUNNING = "database-readiness/pre-deploy-backup", "before-going-live/backup-running"
BACKUPS = [
    told(BEFORE, "passed", "one of an hour ago", points(hours=1), database_arn=DATABASE),
    told(BEFORE, "failed", "one of 5 hours ago", points(hours=5), database_arn=DATABASE),
    told(
        BEFORE, "failed", "one not whole", points(hours=1, status="PARTIAL"), database_arn=DATABASE
    ),
    told(BEFORE, "failed", "none at all", table({}), database_arn=DATABASE),
    told(RUNNING, "passed", "completed", jobs("COMPLETED"), database_arn=DATABASE),
    told(
        RUNNING,
        "passed",
        "failed, then completed",
        jobs("COMPLETED", "FAILED"),
        database_arn=DATABASE,
    ),
    told(
        RUNNING,
        "failed",
        "completed, then failed",
        jobs("FAILED", "COMPLETED"),
        database_arn=DATABASE,
    ),
    told(RUNNING, "failed", "under way", jobs("RUNNING", "COMPLETED"), database_arn=DATABASE),
    told(RUNNING, "failed", "none since yesterday", table({}), database_arn=DATABASE),
]

# network


def security_group(*rules: tuple[str, int, int, str], six: bool = False) -> Fill:
    """A group with these rules: protocol, from, to, source."""

    def fill(server: Moto) -> None:
        ec2 = server.client("ec2")
        group = ec2.create_security_group(GroupName="web", Description="of a test")["GroupId"]
        ranges = [
            {
                "IpProtocol": protocol,
                "FromPort": first,
                "ToPort": last,
                **(
                    {"Ipv6Ranges": [{"CidrIpv6": s}]} if ":" in s else {"IpRanges": [{"CidrIp": s}]}
                ),
            }
            for protocol, first, last, s in rules
        ]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=ranges)

    return fill


WORLD = "0.0.0.0/0"
HTTPS = ("tcp", 443, 443, WORLD)
GROUPS = "infrastructure/security-groups"
SECURITY_GROUPS = [
    world(
        GROUPS,
        "passed",
        "80 and 443 to the world, 22 to one network",
        security_group(("tcp", 80, 80, WORLD), HTTPS, ("tcp", 22, 22, "10.1.0.0/16")),
    ),
    world(
        GROUPS,
        "passed",
        "another port that the target allows",
        security_group(("tcp", 8443, 8443, WORLD)),
        world_ports=[8443],
    ),
    world(GROUPS, "failed", "SSH to the world", security_group(HTTPS, ("tcp", 22, 22, WORLD))),
    world(
        GROUPS,
        "failed",
        "MongoDB to the world by IPv6",
        security_group(HTTPS, ("tcp", 27017, 27017, "::/0")),
    ),
    world(GROUPS, "failed", "a range about 443", security_group(HTTPS, ("tcp", 443, 9000, WORLD))),
    world(GROUPS, "failed", "every port", security_group(HTTPS, ("-1", -1, -1, WORLD))),
]


def network(*, zones: str = "ab", bits: int = 24) -> Fill:
    """A VPC with a subnet in each zone, of this size."""

    def fill(server: Moto) -> Mapping[str, Any]:
        ec2 = server.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        for number, zone in enumerate(zones):
            ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=f"10.7.{number}.0/{bits}",
                AvailabilityZone=f"eu-central-1{zone}",
            )
        return {"vpc_ids": [vpc]}

    return fill


VPC = "infrastructure/vpc-configuration"


@contextlib.contextmanager
def blackhole(folder: Path) -> Iterator[Setting]:
    """A network whose routes lead nowhere, as EC2 says it once their gateway is deleted."""
    server = moto()
    server.reset()
    server.awake("ec2")
    more = network()(server) or {}

    def edit(content: bytes) -> bytes:
        return content.replace(b"<state>active</state>", b"<state>blackhole</state>")

    with in_front(server, edit) as front:
        yield setting(front.url, **more)


NETWORKS = [
    world(VPC, "passed", "two zones with room", network()),
    world(VPC, "passed", "what AWS hands out", nothing),
    world(VPC, "passed", "small subnets that are meant", network(bits=28), free_addresses=8),
    world(VPC, "failed", "two subnets in one zone", network(zones="aa")),
    world(VPC, "failed", "subnets almost full", network(bits=28)),
    World(VPC, "failed", "a route into a black hole", blackhole),
    world(VPC, "failed", "no subnets", network(zones="")),
]


def balancer(
    *, healthy: int = 2, stopped: int = 0, zones: str = "ab", attached: bool = True
) -> Fill:
    """A balancer in these zones before a group with running and stopped instances."""

    def fill(server: Moto) -> None:
        ec2, elb = server.client("ec2"), server.client("elbv2")
        found = ec2.describe_subnets()["Subnets"]
        subnets = [s["SubnetId"] for s in found if s["AvailabilityZone"][-1] in zones]
        arn = elb.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"][0]
        group = elb.create_target_group(
            Name="web", Protocol="HTTP", Port=3000, VpcId=found[0]["VpcId"]
        )["TargetGroups"][0]["TargetGroupArn"]
        if attached:
            elb.create_listener(
                LoadBalancerArn=arn["LoadBalancerArn"],
                Protocol="HTTP",
                Port=80,
                DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
            )
        ids = instances(server, healthy + stopped)
        if ids:
            elb.register_targets(TargetGroupArn=group, Targets=[{"Id": i} for i in ids])
        if stopped:
            ec2.stop_instances(InstanceIds=ids[-stopped:])

    return fill


def instances(server: Moto, count: int) -> list[str]:
    """The ids of as many new instances."""
    if not count:
        return []
    made = server.client("ec2").run_instances(ImageId="ami-1", MinCount=count, MaxCount=count)
    return [entry["InstanceId"] for entry in made["Instances"]]


BALANCER = "infrastructure/load-balancer"
BALANCERS = [
    world(BALANCER, "passed", "two healthy targets in two zones", balancer()),
    world(BALANCER, "failed", "one target", balancer(healthy=1)),
    world(BALANCER, "failed", "a third target that is stopped", balancer(stopped=1)),
    world(BALANCER, "failed", "no targets", balancer(healthy=0)),
    world(BALANCER, "failed", "a group no balancer sends to", balancer(attached=False)),
    world(BALANCER, "failed", "no balancer", nothing),
]

# certificates


def certificates(verdict: Verdict, about: str, *, used: bool = True, **fields: Any) -> World:
    """One certificate in ACM; moto's answer about it is given these fields."""

    @contextlib.contextmanager
    def setup(folder: Path) -> Iterator[Setting]:
        server = moto()
        server.reset()
        server.awake("acm")
        acm = server.client("acm")
        acm.request_certificate(DomainName="app.example.com", ValidationMethod="DNS")

        def edit(content: bytes) -> bytes:
            answer = json.loads(content)
            for entry in answer.get("CertificateSummaryList", []):
                entry["InUse"] = used
            if "Certificate" in answer:
                users = ["arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/f/1"]
                shown = {"RenewalEligibility": "ELIGIBLE", "InUseBy": users if used else []}
                answer["Certificate"].update({**shown, **fields})
            return json.dumps(answer).encode()

        with in_front(server, edit) as front:
            yield setting(front.url)

    return World("infrastructure/cert-renewal", verdict, about, setup)


MAIL = [{"DomainName": "app.example.com", "ValidationMethod": "EMAIL"}]
CERTIFICATES = [
    certificates("passed", "in use, and to be renewed"),
    certificates("passed", "renewed before", RenewalSummary={"RenewalStatus": "SUCCESS"}),
    certificates("failed", "imported", RenewalEligibility="INELIGIBLE", Type="IMPORTED"),
    certificates("failed", "renewal failed", RenewalSummary={"RenewalStatus": "FAILED"}),
    certificates("failed", "validated by mail", DomainValidationOptions=MAIL),
    certificates("failed", "none in use", used=False),
]

# monitoring


def metric(server: Moto, namespace: str, name: str, value: float, **dimensions: str) -> None:
    """One datapoint of five minutes ago."""
    server.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Value": value,
                "Timestamp": datetime.now(UTC) - timedelta(minutes=5),
                "Dimensions": [{"Name": key, "Value": v} for key, v in dimensions.items()],
            }
        ],
    )


def agents(*, memory: int, disk: int, count: int = 2) -> Fill:
    """Instances of which so many have an agent that tells memory, and disk use."""

    def fill(server: Moto) -> None:
        for number, instance in enumerate(instances(server, count)):
            if number < memory:
                metric(server, "CWAgent", "mem_used_percent", 40, InstanceId=instance)
            if number < disk:
                metric(server, "CWAgent", "disk_used_percent", 40, InstanceId=instance, path="/")

    return fill


CLOUDWATCH = "monitoring-logging/cloudwatch"
AGENTS = [
    world(CLOUDWATCH, "passed", "memory and disk of both hosts", agents(memory=2, disk=2)),
    world(CLOUDWATCH, "failed", "a host without an agent", agents(memory=1, disk=1)),
    world(CLOUDWATCH, "failed", "memory but no disk", agents(memory=2, disk=0)),
    world(CLOUDWATCH, "failed", "no hosts", nothing),
]


def logs(*ages_h: float, hosts: int = 2, group: str = "/app") -> Fill:
    """A log group in which the first hosts have a stream with an event of these ages."""

    def fill(server: Moto) -> None:
        client = server.client("logs")
        client.create_log_group(logGroupName=group)
        for instance, age in zip(instances(server, hosts), ages_h, strict=False):
            client.create_log_stream(logGroupName=group, logStreamName=f"{instance}/app.log")
            at = int((time.time() - 3600 * age) * 1000)
            client.put_log_events(
                logGroupName=group,
                logStreamName=f"{instance}/app.log",
                logEvents=[{"timestamp": at, "message": "{}"}],
            )

    return fill


AGGREGATION = "monitoring-logging/log-aggregation"
STREAMS = [
    world(AGGREGATION, "passed", "both hosts logged lately", logs(0.1, 0.2), log_group="/app"),
    world(AGGREGATION, "failed", "one host never logged", logs(0.1), log_group="/app"),
    world(AGGREGATION, "failed", "one stopped 5 hours ago", logs(0.1, 5), log_group="/app"),
    world(AGGREGATION, "failed", "no such group", logs(0.1, 0.1, group="/x"), log_group="/app"),
    world(AGGREGATION, "failed", "no hosts", logs(hosts=0), log_group="/app"),
]


def lines(count: float, group: str = "/app") -> Fill:
    """So many lines came in five minutes ago, as CloudWatch Logs counts them itself."""

    def fill(server: Moto) -> None:
        metric(server, "AWS/Logs", "IncomingLogEvents", count, LogGroupName=group)

    return fill


LOGGING = "monitoring-logging/app-logging"
LINES = [
    world(LOGGING, "passed", "lines come in", lines(120), log_group="/app"),
    world(LOGGING, "failed", "lines of another group", lines(120, "/other"), log_group="/app"),
    world(LOGGING, "failed", "no lines at all", nothing, log_group="/app"),
]


def alarms(
    *,
    namespace: str = "AWS/ApplicationELB",
    state: str = "OK",
    enabled: bool = True,
    action: bool = True,
    subscribed: bool = True,
    name: str = "errors",
) -> Fill:
    """One alarm and its topic."""

    def fill(server: Moto) -> None:
        sns, cloudwatch = server.client("sns"), server.client("cloudwatch")
        topic = sns.create_topic(Name="pager")["TopicArn"]
        if subscribed:
            sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+4915112345678")
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace=namespace,
            MetricName="m",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=5,
            ComparisonOperator="GreaterThanThreshold",
            ActionsEnabled=enabled,
            AlarmActions=[topic] if action else [],
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")

    return fill


RULES = "monitoring-logging/alerting-rules"
DB = "database-readiness/db-monitoring"
DOCDB = "AWS/DocDB"
ALARMS = [
    world(RULES, "passed", "an alarm that rings somebody", alarms()),
    world(RULES, "failed", "its actions are switched off", alarms(enabled=False)),
    world(RULES, "failed", "it has no action", alarms(action=False)),
    world(RULES, "failed", "it has no data", alarms(state="INSUFFICIENT_DATA")),
    world(RULES, "failed", "nobody subscribed", alarms(subscribed=False)),
    world(RULES, "failed", "only auto-scaling's own", alarms(name="TargetTracking-asg-1")),
    world(RULES, "failed", "no alarms", nothing),
    world(DB, "passed", "an alarm", alarms(namespace=DOCDB), database_namespace=DOCDB),
    world(
        DB,
        "failed",
        "its actions are switched off",
        alarms(namespace=DOCDB, enabled=False),
        database_namespace=DOCDB,
    ),
    world(
        DB,
        "failed",
        "it has no action",
        alarms(namespace=DOCDB, action=False),
        database_namespace=DOCDB,
    ),
    world(
        DB,
        "failed",
        "it has no data",
        alarms(namespace=DOCDB, state="INSUFFICIENT_DATA"),
        database_namespace=DOCDB,
    ),
    world(DB, "failed", "alarms on other things", alarms(), database_namespace=DOCDB),
]


def dashboard(*widgets: Mapping[str, Any]) -> Fill:
    """A dashboard with these widgets."""

    def fill(server: Moto) -> None:
        server.client("cloudwatch").put_dashboard(
            DashboardName="release", DashboardBody=json.dumps({"widgets": list(widgets)})
        )

    return fill


GRAPH = {"type": "metric", "properties": {"metrics": [["AWS/EC2", "CPUUtilization"]]}}
WORDS = {"type": "text", "properties": {"markdown": "# Release"}}
DASHBOARD = "monitoring-logging/dashboard"
DASHBOARDS = [
    world(DASHBOARD, "passed", "one with a graph", dashboard(WORDS, GRAPH)),
    world(DASHBOARD, "failed", "one with nothing but words", dashboard(WORDS)),
    world(DASHBOARD, "failed", "an empty one", dashboard()),
    world(DASHBOARD, "failed", "none", nothing),
]


def traces(*, hours_ago: float) -> Fill:
    """One request that took 0.2 s, traced."""

    def fill(server: Moto) -> None:
        began = time.time() - 3600 * hours_ago
        segment = {
            "name": "web",
            "id": "70de5b6f19ff9a0a",
            "trace_id": f"1-{int(began):08x}-a006649127e371903a2de979",
            "start_time": began,
            "end_time": began + 0.2,
        }
        server.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])

    return fill


PERFORMANCE = "monitoring-logging/performance-monitoring"
TRACES = [
    world(PERFORMANCE, "passed", "a trace of just now", traces(hours_ago=0.1)),
    world(PERFORMANCE, "failed", "traces of yesterday", traces(hours_ago=26)),
    world(PERFORMANCE, "failed", "no traces", nothing),
]

WORLDS = [
    *IDENTITY,
    *BACKUPS,
    *SECURITY_GROUPS,
    *NETWORKS,
    *BALANCERS,
    *CERTIFICATES,
    *AGENTS,
    *STREAMS,
    *LINES,
    *ALARMS,
    *DASHBOARDS,
    *TRACES,
]
