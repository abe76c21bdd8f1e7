"""Worlds of AWS: balancers, scaling, metrics, backups and logs, as they should be or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.probes.partners_aws import REGION
from tests.probes.partners_cloud import (
    OTHER_REGION,
    alarms,
    balancer,
    bandwidth,
    cache_cluster,
    in_zones,
    instances,
    nowhere,
    regions,
    scaling_group,
    web_tier,
    with_spare,
)
from tests.probes.partners_records import (
    DATABASE,
    backups,
    copies,
    costs,
    findings,
    keys_of,
    log_groups,
    plan,
    replicated,
    selections,
    trail,
    unused,
    zone,
)
from tests.worlds.harness import World
from tests.worlds.moto_world import moto_alone, world

_GOOD: dict[str, Any] = {"RequestCount": 1_000.0, "TargetResponseTime": 0.12}
_KMS: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key"}
_WANTED: dict[str, Any] = {"instance_type": "m5.large"}

_RELEASE = "deployment-execution/error-rate-latency"
_SPIKES = "deployment-execution/traffic-spikes"
_ERRORS = "post-deployment-verification/error-rate-acceptable"
_CLEAR = "post-deployment-verification/security-clear"
_DAILY = "daily-operations/backups-completed"
_COSTS = "weekly-operations/infrastructure-costs"
_RETENTION = "monthly-operations/log-retention"
_LB = "horizontal-scaling/load-balancer"
_POLICIES = "horizontal-scaling/auto-scaling-policies"
_REDIS = "horizontal-scaling/redis-cache"
_NETWORK = "horizontal-scaling/network-headroom"
_TYPE = "vertical-scaling/instance-type"
_GBPS = "vertical-scaling/network-upgrade"
_PLANS = "backup-strategy/automated-backups"
_PLACES = "backup-strategy/multiple-locations"
_ENCRYPTED = "backup-strategy/backup-encryption"
_FAILOVER = "single-server-failure/automatic-failover"
_CHECKS = "single-server-failure/health-checks"
_REGISTERED = "single-server-failure/balancer-reconfiguration"
_REGIONS = "data-center-outage/multi-region-deployment"
_DNS = "data-center-outage/dns-failover"
_FORENSICS = "security-breach/forensics-capability"

_HOURS_28 = timedelta(hours=28)

_WEEK = 7 * 24 * 60.0


ASSISTING: list[World] = [
    world("deployment-execution/metrics-during-deploy", "passed", "40 % CPU", instances(40.0)),
    world("deployment-execution/metrics-during-deploy", "failed", "90 % CPU", instances(90.0)),
    world("daily-operations/errors-and-alerts", "passed", "nothing rings", alarms("disk")),
    world(
        "daily-operations/errors-and-alerts", "failed", "one rings", alarms("disk", state="ALARM")
    ),
    world("monthly-operations/security-audit", "passed", "a new key", keys_of("ada")),
    world(
        "monthly-operations/security-audit",
        "failed",
        "a key of 100 days",
        keys_of("ada"),
        later=timedelta(days=100),
    ),
    world("monthly-operations/cost-optimization", "passed", "nothing unused", unused()),
    world(
        "monthly-operations/cost-optimization", "failed", "an unused volume", unused(volume=True)
    ),
    world(
        "monthly-operations/cost-optimization", "failed", "an unused address", unused(address=True)
    ),
    world("data-center-outage/data-synchronization", "passed", "copied", replicated()),
    world(
        "data-center-outage/data-synchronization",
        "failed",
        "switched off",
        replicated(status="Disabled"),
    ),
    world(
        "weekly-operations/performance-metrics",
        "passed",
        "quicker than last week",
        balancer(RequestCount=5.0, TargetResponseTime=[(_WEEK + 200, 0.3), (200, 0.2)]),
        fake=moto_alone,
    ),
    world(
        "weekly-operations/performance-metrics",
        "failed",
        "slower than last week",
        balancer(RequestCount=5.0, TargetResponseTime=[(_WEEK + 200, 0.2), (200, 0.3)]),
        fake=moto_alone,
    ),
]
"""Of items that stay manual, and whose probe only shows what it found."""

WORLDS: list[World] = [
    world(
        _RELEASE,
        "passed",
        "few errors, quick",
        balancer(**_GOOD, HTTPCode_Target_5XX_Count=2.0),
        fake=moto_alone,
    ),
    world(
        _RELEASE,
        "failed",
        "1 % of answers are errors",
        balancer(**_GOOD, HTTPCode_Target_5XX_Count=10.0),
        fake=moto_alone,
    ),
    world(
        _RELEASE,
        "failed",
        "the balancer itself answers 502",
        balancer(**_GOOD, HTTPCode_ELB_5XX_Count=10.0),
        fake=moto_alone,
    ),
    world(
        _RELEASE,
        "failed",
        "p95 is 1.4 s",
        balancer(RequestCount=1_000.0, TargetResponseTime=1.4),
        fake=moto_alone,
    ),
    world(
        _RELEASE, "failed", "no request at all", balancer(TargetResponseTime=0.1), fake=moto_alone
    ),
    world(
        _SPIKES,
        "passed",
        "as many as expected",
        balancer(RequestCount=[(28, 1_500), (12, 1_900), (2, 1_700)]),
    ),
    world(
        _SPIKES,
        "failed",
        "five minutes above it",
        balancer(RequestCount=[(28, 1_500), (12, 2_100), (2, 1_700)]),
    ),
    world(_SPIKES, "failed", "no request at all", balancer(HTTPCode_Target_2XX_Count=5.0)),
    world(
        _ERRORS,
        "passed",
        "hardly any errors",
        balancer(
            RequestCount=20_000.0, HTTPCode_Target_5XX_Count=10.0, HTTPCode_Target_4XX_Count=900.0
        ),
    ),
    world(
        _ERRORS,
        "failed",
        "0.2 % of answers are errors",
        balancer(RequestCount=20_000.0, HTTPCode_Target_5XX_Count=40.0),
    ),
    world(
        _ERRORS,
        "failed",
        "the balancer itself answers 502",
        balancer(RequestCount=20_000.0, HTTPCode_ELB_5XX_Count=40.0),
    ),
    world(
        _ERRORS,
        "failed",
        "clients are refused",
        balancer(RequestCount=20_000.0, HTTPCode_Target_4XX_Count=4_000.0),
    ),
    world(_ERRORS, "failed", "no request at all", balancer(HTTPCode_Target_2XX_Count=5.0)),
    world(_CLEAR, "passed", "nothing critical", findings("LOW", "HIGH")),
    world(_CLEAR, "failed", "a critical finding", findings("LOW", "CRITICAL")),
    world(_CLEAR, "failed", "nothing reports to the hub", findings()),
    world(
        _CLEAR,
        "failed",
        "nothing reported for weeks",
        findings("LOW", updated="2026-01-20T00:00:00Z"),
    ),
    world(_DAILY, "passed", "a fresh dump", backups()),
    world(_DAILY, "failed", "the newest dump is 28 hours old", backups(), later=_HOURS_28),
    world(_DAILY, "failed", "the dump is a stump", backups(size=300)),
    world(_DAILY, "failed", "no dump below the prefix", backups(size=None)),
    world(_COSTS, "passed", "even days", costs(100, 104, 99, 101, 98, 110, 102, 97)),
    world(_COSTS, "failed", "one day far too dear", costs(100, 104, 99, 101, 98, 110, 310, 97)),
    world(_COSTS, "failed", "days are missing", costs(100, 104, 99)),
    world(_RETENTION, "passed", "every group has a limit", log_groups(30, 90)),
    world(_RETENTION, "failed", "one group is kept for ever", log_groups(30, None)),
    world(_RETENTION, "failed", "there are no groups", log_groups()),
    world(_LB, "passed", "two healthy targets in two zones", web_tier()),
    world(_LB, "passed", "a spare group behind nothing", with_spare(web_tier(), target_groups=[])),
    world(
        _LB,
        "failed",
        "a group that counts is behind nothing",
        with_spare(web_tier(), target_groups=["web", "spare"]),
    ),
    world(_LB, "failed", "one target is down", web_tier(stopped=True)),
    world(_LB, "failed", "no target is registered", web_tier(targets=False)),
    world(_LB, "failed", "one zone only", web_tier(zones=1)),
    world(_LB, "failed", "no listener", web_tier(listener=False)),
    world(_LB, "failed", "requests are not drained", web_tier(delay=0)),
    world(_LB, "failed", "no such target group", nowhere(target_groups=["web"])),
    world(_POLICIES, "passed", "target tracking, 2 to 6", scaling_group()),
    world(_POLICIES, "failed", "no policy", scaling_group(policy=False)),
    world(_POLICIES, "failed", "a floor of one", scaling_group(minimum=1)),
    world(_POLICIES, "failed", "no room to grow", scaling_group(minimum=2, maximum=2)),
    world(_POLICIES, "failed", "scaling out is suspended", scaling_group(suspended="Launch")),
    world(_POLICIES, "failed", "no such group", nowhere(auto_scaling_group="web")),
    world(_REDIS, "passed", "95 % hits", cache_cluster(95)),
    world(_REDIS, "failed", "half the reads miss", cache_cluster(50)),
    world(_REDIS, "failed", "nearly full", cache_cluster(95, 97)),
    world(_REDIS, "failed", "memcached is no Redis", cache_cluster(95, engine="memcached")),
    world(_REDIS, "failed", "no such cluster", nowhere(cache_cluster="cache")),
    world(
        _NETWORK,
        "passed",
        "the counters stand still",
        bandwidth((7, 7), (0, 0)),
    ),
    world(
        _NETWORK,
        "failed",
        "inward packets were held up",
        bandwidth((7, 9), (0, 0)),
    ),
    world(
        _NETWORK,
        "failed",
        "outward packets were held up",
        bandwidth((7, 7), (0, 40)),
    ),
    world(_NETWORK, "failed", "measured for half an hour", bandwidth((0, 0), (0, 0), count=4)),
    world(_NETWORK, "failed", "nothing is measured", nowhere(auto_scaling_group="web")),
    world(_TYPE, "passed", "all of the new type", scaling_group(**_WANTED)),
    world(_TYPE, "failed", "still the old type", scaling_group(kind="t3.micro", **_WANTED)),
    world(_TYPE, "failed", "nothing runs", nowhere(auto_scaling_group="web", **_WANTED)),
    world(
        _GBPS,
        "passed",
        "a baseline of 6.25 Gbit/s",
        scaling_group(kind="m6i.4xlarge", network_gbps_min=5),
    ),
    world(_GBPS, "failed", "a baseline of 0.75 Gbit/s", scaling_group(network_gbps_min=5)),
    world(_GBPS, "failed", "nothing runs", nowhere(auto_scaling_group="web", network_gbps_min=5)),
    world(
        _PLANS,
        "passed",
        "every day at five",
        plan("cron(0 5 ? * * *)"),
        fake=selections("database"),
    ),
    world(
        _PLANS,
        "passed",
        "every six hours",
        plan("cron(0 0/6 * * ? *)"),
        fake=selections("database"),
    ),
    world(
        _PLANS, "failed", "only on Sundays", plan("cron(0 5 ? * 1 *)"), fake=selections("database")
    ),
    world(_PLANS, "failed", "the plan saves nothing", plan("cron(0 5 ? * * *)"), fake=selections()),
    world(
        _PLANS,
        "failed",
        "the plan saves something else: only a person saved the database",
        plan("cron(0 5 ? * * *)"),
        fake=selections("files", by=""),
    ),
    world(
        _PLANS,
        "failed",
        "the database did not get through",
        plan("cron(0 5 ? * * *)"),
        fake=selections("database", state="FAILED"),
    ),
    world(_PLANS, "failed", "no plan", nowhere(database_arn=DATABASE), fake=selections("database")),
    world(_PLACES, "passed", "a fresh copy in another region", copies()),
    world(_PLACES, "failed", "the copy is in the same region", copies(region="eu-central-1")),
    world(_PLACES, "failed", "nothing was copied", copies(size=None)),
    world(_PLACES, "failed", "the copy is a stump", copies(size=300)),
    world(_PLACES, "failed", "both are 28 hours old", copies(), later=_HOURS_28),
    world(_ENCRYPTED, "passed", "a KMS key, no plain snapshot", backups(**_KMS)),
    world(_ENCRYPTED, "failed", "without a KMS key", backups(ServerSideEncryption="AES256")),
    world(_ENCRYPTED, "failed", "a plain snapshot", backups(plain_snapshot=True, **_KMS)),
    world(_ENCRYPTED, "failed", "no backup", backups(size=None)),
    world(_FAILOVER, "passed", "two in two zones", scaling_group(), edit=in_zones("ab")),
    world(
        _FAILOVER,
        "passed",
        "by the balancer's check and others",
        scaling_group(check="EC2,ELB"),
        edit=in_zones("ab"),
    ),
    world(_FAILOVER, "failed", "both in one zone", scaling_group(), edit=in_zones("a")),
    world(_FAILOVER, "failed", "one server", scaling_group(minimum=1)),
    world(_FAILOVER, "failed", "one zone", scaling_group(zones=1)),
    world(
        _FAILOVER,
        "failed",
        "hung servers stay",
        scaling_group(check="EC2"),
        edit=in_zones("ab"),
    ),
    world(
        _FAILOVER,
        "failed",
        "nothing is replaced",
        scaling_group(suspended="ReplaceUnhealthy"),
        edit=in_zones("ab"),
    ),
    world(_CHECKS, "passed", "a path, out after 20 s", web_tier()),
    world(
        _CHECKS, "passed", "a spare group behind nothing", with_spare(web_tier(), target_groups=[])
    ),
    world(_CHECKS, "failed", "the root page", web_tier(path="/")),
    world(_CHECKS, "failed", "out after 150 s", web_tier(interval=30, failures=5)),
    world(_CHECKS, "failed", "the group does not go by it", web_tier(check="EC2")),
    world(
        _CHECKS,
        "failed",
        "no such target group",
        nowhere(target_groups=["web"], auto_scaling_group="web"),
    ),
    world(_REGISTERED, "passed", "the group registers its own", web_tier()),
    world(_REGISTERED, "failed", "nothing is attached", web_tier(targets=False)),
    world(
        _REGISTERED, "failed", "registering is suspended", web_tier(suspended="AddToLoadBalancer")
    ),
    world(
        _REGIONS,
        "passed",
        "ready in another region",
        regions(scaling_group(region=OTHER_REGION, minimum=1, maximum=4)),
    ),
    world(_REGIONS, "failed", "nothing there", regions(None)),
    world(
        _REGIONS,
        "failed",
        "cannot grow there",
        regions(scaling_group(region=OTHER_REGION, minimum=1, maximum=2)),
    ),
    world(_REGIONS, "failed", "the other region is this one", regions(None, REGION)),
    world(_DNS, "passed", "two records and a check", zone()),
    world(_DNS, "failed", "no health check", zone(check=False)),
    world(_DNS, "failed", "kept for an hour", zone(ttl=3600)),
    world(_DNS, "failed", "no second record", zone(secondary=False)),
    world(_DNS, "failed", "the second record is another name's", zone(other="blog")),
    world(_FORENSICS, "passed", "a trail and flow logs", trail()),
    world(_FORENSICS, "failed", "the trail is stopped", trail(logging=False)),
    world(_FORENSICS, "failed", "one region only", trail(regions=False)),
    world(_FORENSICS, "failed", "files may be changed unseen", trail(validated=False)),
    world(_FORENSICS, "failed", "no flow logs", trail(flow_logs=False)),
    world(_FORENSICS, "failed", "flow logs of another VPC", trail(elsewhere=True)),
    world(_FORENSICS, "failed", "only what was refused", trail(traffic="REJECT")),
    *ASSISTING,
]
