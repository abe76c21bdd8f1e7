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
from typing import Any

from tests.probes.partners_aws import KEYS, NO_FILES, REGION, Moto, Told, in_front, moto, stub
from tests.worlds.harness import Setting, Verdict, World

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


def security_group(*rules: tuple[str, int, int, str], used: bool = True) -> Fill:
    """A group with these rules (protocol, from, to, source), and an instance of some other."""

    def fill(server: Moto) -> None:
        ec2 = server.client("ec2")
        if used:
            instances(server, 1)
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
    world(GROUPS, "passed", "ping from everywhere", security_group(HTTPS, ("icmp", -1, -1, WORLD))),
    world(GROUPS, "failed", "what AWS hands out", nothing),
    world(GROUPS, "failed", "nothing to protect", security_group(HTTPS, used=False)),
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


def network(*, zones: str = "ab", bits: int = 24, used: bool = True, named: bool = True) -> Fill:
    """A VPC with a subnet of this size in each zone, and an instance in the first."""

    def fill(server: Moto) -> Mapping[str, Any]:
        ec2 = server.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=f"10.7.{number}.0/{bits}",
                AvailabilityZone=f"eu-central-1{zone}",
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate(zones)
        ]
        if used and subnets:
            ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, SubnetId=subnets[0])
        return {"vpc_ids": [vpc]} if named else {}

    return fill


def handed_out(*, named: bool = False) -> Fill:
    """An instance in the VPC that AWS hands out, which the target names or does not."""

    def fill(server: Moto) -> Mapping[str, Any]:
        instances(server, 1)
        vpc = server.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        return {"vpc_ids": [vpc]} if named else {}

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
    world(VPC, "passed", "two zones with room, beside what AWS hands out", network(named=False)),
    world(VPC, "passed", "what AWS hands out, if it is meant", handed_out(named=True)),
    world(VPC, "failed", "what AWS hands out, with an instance", handed_out()),
    world(VPC, "failed", "what AWS hands out", nothing),
    world(VPC, "failed", "nothing runs in it", network(used=False)),
    world(VPC, "passed", "small subnets that are meant", network(bits=28), free_addresses=8),
    world(VPC, "failed", "two subnets in one zone", network(zones="aa")),
    world(VPC, "failed", "subnets almost full", network(bits=28)),
    World(VPC, "failed", "a route into a black hole", blackhole),
    world(VPC, "failed", "no subnets", network(zones="")),
]


def balancer(
    *,
    healthy: int = 2,
    stopped: int = 0,
    zones: str = "ab",
    attached: bool = True,
    spare: bool = False,
    **keys: Any,
) -> Fill:
    """A balancer in these zones before a group with running and stopped instances; `spare` is a
    further group that stands behind nothing."""

    def fill(server: Moto) -> Mapping[str, Any]:
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
        if spare:
            vpc = found[0]["VpcId"]
            elb.create_target_group(Name="spare", Protocol="HTTP", Port=3000, VpcId=vpc)
        return keys

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
    world(BALANCER, "passed", "a spare group behind nothing", balancer(spare=True)),
    world(
        BALANCER,
        "failed",
        "a group that counts is behind nothing",
        balancer(spare=True, target_groups=["web", "spare"]),
    ),
    world(BALANCER, "failed", "one target", balancer(healthy=1)),
    world(BALANCER, "failed", "a third target that is stopped", balancer(stopped=1)),
    world(BALANCER, "failed", "no targets", balancer(healthy=0)),
    world(BALANCER, "failed", "a group no balancer sends to", balancer(attached=False)),
    world(BALANCER, "failed", "no balancer", nothing),
]

# certificates


def certificates(
    verdict: Verdict,
    about: str,
    *,
    used: bool = True,
    regions: tuple[str, ...] = (REGION,),
    at: str = "",
    **fields: Any,
) -> World:
    """A certificate in ACM in each of these regions; moto's answers about those whose ARN has
    `at` in it are given these fields."""

    @contextlib.contextmanager
    def setup(folder: Path) -> Iterator[Setting]:
        server = moto()
        server.reset()
        server.awake("acm")
        for region in regions:
            acm = server.client("acm", region)
            acm.request_certificate(DomainName="app.example.com", ValidationMethod="DNS")

        def edit(content: bytes) -> bytes:
            answer = json.loads(content)
            for entry in answer.get("CertificateSummaryList", []):
                entry["InUse"] = used
            if "Certificate" in answer:
                users = ["arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/f/1"]
                shown = {"RenewalEligibility": "ELIGIBLE", "InUseBy": users if used else []}
                more = fields if at in answer["Certificate"]["CertificateArn"] else {}
                answer["Certificate"].update({**shown, **more})
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
    certificates("passed", "CloudFront's alone", regions=("us-east-1",)),
    certificates(
        "failed",
        "CloudFront's is imported",
        regions=(REGION, "us-east-1"),
        at=":us-east-1:",
        RenewalEligibility="INELIGIBLE",
    ),
    certificates("unknown", "none in use", used=False),
    certificates("unknown", "none at all", regions=()),
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
    world(DASHBOARD, "unknown", "none", nothing),
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
    world(PERFORMANCE, "failed", "none since five hours", traces(hours_ago=5)),
    world(PERFORMANCE, "unknown", "traces of yesterday", traces(hours_ago=26)),
    world(PERFORMANCE, "unknown", "no traces", nothing),
]

WORLDS = [
    *IDENTITY,
    *BACKUPS,
    *SECURITY_GROUPS,
    *NETWORKS,
    *BALANCERS,
    *CERTIFICATES,
    *LINES,
    *DASHBOARDS,
    *TRACES,
]
