"""What worlds of AWS are made of: each function gives what puts one thing into moto."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.probes.partners_aws import REGION, Moto, Told

OTHER_REGION = "eu-west-1"
BALANCER = "app/web/50dc6c495c0c9188"
ACTION = f"arn:aws:sns:{REGION}:123456789012:pager"

Build = Callable[[Moto], Mapping[str, Any] | None]
"""Puts into an empty AWS what the world has, and gives keys of the target."""

Fake = Callable[[BaseHTTPRequestHandler, bytes], Told | None]
"""Answers what moto cannot; None for what it can."""


# Metrics

Point = tuple[float, float]
"""Minutes ago, value."""


def metrics(
    namespace: str, dimension: tuple[str, str], **series: list[Point] | float
) -> Callable[[Moto], None]:
    """Datapoints by metric; a single value stands for one two minutes ago."""
    name, value = dimension

    def put(aws: Moto) -> None:
        now = datetime.now(UTC)
        data = [
            {
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": value}],
                "Timestamp": now - timedelta(minutes=ago),
                "Value": number,
            }
            for metric, points in series.items()
            for ago, number in ([(2.0, points)] if isinstance(points, int | float) else points)
        ]
        aws.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)

    return put


def balancer(**series: list[Point] | float) -> Build:
    def build(aws: Moto) -> Mapping[str, Any]:
        metrics("AWS/ApplicationELB", ("LoadBalancer", BALANCER), **series)(aws)
        return {"load_balancer": BALANCER, "requests_5min_max": 2_000}

    return build


def instances(cpu: float) -> Build:
    """CPU of the group's instances."""

    def build(aws: Moto) -> Mapping[str, Any]:
        metrics("AWS/EC2", ("AutoScalingGroupName", "web"), CPUUtilization=cpu)(aws)
        return {"auto_scaling_group": "web"}

    return build


def bandwidth(inward: tuple[float, float], outward: tuple[float, float], count: int = 30) -> Build:
    """Counters of packets held up: what they were for most of the time, and are at last."""

    def series(first: float, last: float) -> list[Point]:
        return [(10.0 * (count - i), first if i < count - 1 else last) for i in range(count)]

    def build(aws: Moto) -> Mapping[str, Any]:
        metrics(
            "CWAgent",
            ("AutoScalingGroupName", "web"),
            ethtool_bw_in_allowance_exceeded=series(*inward),
            ethtool_bw_out_allowance_exceeded=series(*outward),
        )(aws)
        return {"auto_scaling_group": "web"}

    return build


def cache_cluster(hit_rate: float, memory: float = 60.0, *, engine: str = "redis") -> Build:
    def build(aws: Moto) -> Mapping[str, Any]:
        aws.client("elasticache").create_cache_cluster(
            CacheClusterId="cache", Engine=engine, NumCacheNodes=1, CacheNodeType="cache.t3.micro"
        )
        metrics(
            "AWS/ElastiCache",
            ("CacheClusterId", "cache"),
            CacheHitRate=hit_rate,
            DatabaseMemoryUsagePercentage=memory,
            Evictions=0.0,
        )(aws)
        return {"cache_cluster": "cache"}

    return build


def nowhere(**keys: Any) -> Build:
    """An account with nothing of the kind in it, though the keys name something."""
    return lambda aws: keys


# Alarms


def alarms(*metrics: str, count: int = 1, namespace: str = "CWAgent", **changed: Any) -> Build:
    """Alarms as they should be, but for what is `changed` in the last of them."""

    def build(aws: Moto) -> None:
        client = aws.client("cloudwatch")
        names = [(metric, i) for metric in metrics for i in range(count)]
        for metric, i in names:
            last = (metric, i) == names[-1]
            state = changed.get("state", "OK") if last else "OK"
            told = {key: value for key, value in changed.items() if last and key != "state"}
            client.put_metric_alarm(
                **{
                    "AlarmName": f"mongo-{metric}-{i}",
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Statistic": "Average",
                    "Period": 60,
                    "EvaluationPeriods": 5,
                    "Threshold": 80.0,
                    "ComparisonOperator": "GreaterThanThreshold",
                    "AlarmActions": [ACTION],
                    "TreatMissingData": "breaching",
                    **told,
                }
            )
            if state != "OK":
                client.set_alarm_state(
                    AlarmName=f"mongo-{metric}-{i}", StateValue=state, StateReason="test"
                )

    return build


# Balancers and scaling


def scaling_group(
    *,
    region: str = REGION,
    minimum: int = 2,
    maximum: int = 6,
    zones: int = 2,
    check: str = "ELB",
    policy: bool = True,
    kind: str = "m5.large",
    suspended: str | None = None,
    targets: list[str] | None = None,
    subnets: list[str] | None = None,
    **keys: Any,
) -> Build:
    """The auto-scaling group web, with a policy, in front of which nothing need stand."""

    def build(aws: Moto) -> Mapping[str, Any]:
        scaling = aws.client("autoscaling", region)
        aws.client("ec2", region).create_launch_template(
            LaunchTemplateName="web",
            LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": kind},
        )
        scaling.create_auto_scaling_group(
            AutoScalingGroupName="web",
            LaunchTemplate={"LaunchTemplateName": "web"},
            MinSize=minimum,
            MaxSize=maximum,
            VPCZoneIdentifier=",".join(subnets or _subnets(aws, region, zones)[1]),
            TargetGroupARNs=targets or [],
            HealthCheckType=check,
            HealthCheckGracePeriod=60,
        )
        if policy:
            scaling.put_scaling_policy(
                AutoScalingGroupName="web",
                PolicyName="cpu",
                PolicyType="TargetTrackingScaling",
                TargetTrackingConfiguration={
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ASGAverageCPUUtilization"
                    },
                    "TargetValue": 55.0,
                },
            )
        if suspended:
            scaling.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=[suspended])
        return {"auto_scaling_group": "web", **keys}

    return build


def web_tier(
    *,
    zones: int = 2,
    path: str = "/health",
    interval: int = 10,
    failures: int = 2,
    delay: int = 45,
    targets: bool = True,
    listener: bool = True,
    stopped: bool = False,
    check: str = "ELB",
    suspended: str | None = None,
) -> Build:
    """A balancer, its target group and the auto-scaling group behind it, all named web."""

    def build(aws: Moto) -> Mapping[str, Any]:
        ec2, elb = aws.client("ec2"), aws.client("elbv2")
        vpc, subnets = _subnets(aws, REGION, zones)
        balancer = elb.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]
        group = elb.create_target_group(
            Name="web",
            Protocol="HTTP",
            Port=3000,
            VpcId=vpc,
            HealthCheckPath=path,
            HealthCheckIntervalSeconds=interval,
            UnhealthyThresholdCount=failures,
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.modify_target_group_attributes(
            TargetGroupArn=group,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(delay)}],
        )
        if listener:
            elb.create_listener(
                LoadBalancerArn=balancer["LoadBalancerArn"],
                Protocol="HTTP",
                Port=80,
                DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
            )
        behind = scaling_group(
            check=check,
            policy=False,
            suspended=suspended,
            targets=[group] if targets else [],
            subnets=subnets,
        )
        keys = behind(aws) or {}
        if stopped:
            running = ec2.describe_instances()["Reservations"][0]["Instances"][0]
            ec2.stop_instances(InstanceIds=[running["InstanceId"]])
        return {"target_groups": ["web"], **keys}

    return build


def with_spare(build: Build, **keys: Any) -> Build:
    """A further target group that stands behind no balancer, and is checked at "/"."""

    def both(aws: Moto) -> Mapping[str, Any]:
        vpc, _ = _subnets(aws, REGION, 1)
        aws.client("elbv2").create_target_group(
            Name="spare", Protocol="HTTP", Port=3000, VpcId=vpc, HealthCheckPath="/"
        )
        return {**(build(aws) or {}), **keys}

    return both


def _subnets(aws: Moto, region: str, zones: int) -> tuple[str, list[str]]:
    """A new VPC and a subnet of it in each zone."""
    ec2 = aws.client("ec2", region)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{region}{'ab'[i]}"
        )
        for i in range(zones)
    ]
    return str(vpc), [one["Subnet"]["SubnetId"] for one in made]


def in_zones(zones: str) -> Callable[[bytes], bytes]:
    """Has instances of groups stand in these zones in turn: moto draws lots for them."""

    def edit(content: bytes) -> bytes:
        turn = itertools.cycle(f"<AvailabilityZone>{REGION}{zone}<".encode() for zone in zones)
        return re.sub(rb"<AvailabilityZone>[^<]+<", lambda _: next(turn), content)

    return edit


def regions(there: Build | None, region: str = OTHER_REGION) -> Build:
    """Production here, and what is ready in another region."""

    def build(aws: Moto) -> Mapping[str, Any]:
        keys = dict(scaling_group(maximum=4)(aws) or {})
        if there is not None:
            there(aws)
        return {**keys, "dr_region": region, "dr_auto_scaling_group": "web"}

    return build
