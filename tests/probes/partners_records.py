"""What is kept in AWS, for worlds: dumps, bills, findings, logs, records, trails, leftovers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.probes.partners_aws import REGION, Moto, Told, moto
from tests.probes.partners_cloud import OTHER_REGION, Build, Fake

DATABASE = f"arn:aws:rds:{REGION}:123456789012:cluster:orders"

# Backups


def bucket(aws: Moto, name: str, region: str, size: int | None, **put: Any) -> None:
    s3 = aws.client("s3", region)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_object(Bucket=name, Key="other/readme", Body=b"not a backup")
    if size is not None:
        s3.put_object(Bucket=name, Key="mongo/2026-11-23.gz", Body=b"x" * size, **put)


def backups(size: int | None = 20_000, *, plain_snapshot: bool = False, **put: Any) -> Build:
    def build(aws: Moto) -> Mapping[str, Any]:
        bucket(aws, "backups", REGION, size, **put)
        ec2 = aws.client("ec2")
        volume = ec2.create_volume(
            AvailabilityZone=f"{REGION}a", Size=1, Encrypted=not plain_snapshot
        )
        ec2.create_snapshot(VolumeId=volume["VolumeId"])
        return {"backup_bucket": "backups"}

    return build


def copies(size: int | None = 20_000, region: str = OTHER_REGION) -> Build:
    def build(aws: Moto) -> Mapping[str, Any]:
        bucket(aws, "backups", REGION, 20_000)
        bucket(aws, "copies", region, size)
        keys = {"backup_copy_bucket": "copies", "backup_copy_region": region}
        return {"backup_bucket": "backups", **keys}

    return build


def plan(schedule: str) -> Build:
    def build(aws: Moto) -> Mapping[str, Any]:
        backup = aws.client("backup")
        backup.create_backup_vault(BackupVaultName="vault")
        rule = {
            "RuleName": "rule",
            "TargetBackupVaultName": "vault",
            "ScheduleExpression": schedule,
        }
        backup.create_backup_plan(BackupPlan={"BackupPlanName": "plan", "Rules": [rule]})
        return {"database_arn": DATABASE}

    return build


def selections(*names: str, by: str | None = None, state: str = "COMPLETED") -> Fake:
    """What a backup plan saves, and the last job, made `by` the plan unless something else is
    said: moto keeps neither."""

    def fake(handler: BaseHTTPRequestHandler, body: bytes) -> Told | None:
        found: dict[str, Any]
        if "/selections" in handler.path:
            named = [{"SelectionName": name, "SelectionId": name} for name in names]
            found = {"BackupSelectionsList": named}
        elif "/backup-jobs" in handler.path:
            plans = moto().client("backup").list_backup_plans()["BackupPlansList"]
            plan = by if by is not None else "".join(one["BackupPlanId"] for one in plans)
            job = {"BackupJobId": "job", "State": state, "CreationDate": time.time() - 3600}
            found = {"BackupJobs": [{**job, "CreatedBy": {"BackupPlanId": plan} if plan else {}}]}
        else:
            return None
        return Told(200, json.dumps(found), {"Content-Type": "application/json"})

    return fake


# Bills, findings, logs, names


def costs(*amounts: float) -> Build:
    def build(aws: Moto) -> Mapping[str, Any]:
        start = datetime.now(UTC).date() - timedelta(days=len(amounts))
        days = [
            {
                "TimePeriod": {
                    "Start": str(start + timedelta(days=i)),
                    "End": str(start + timedelta(days=i + 1)),
                },
                "Total": {"UnblendedCost": {"Amount": f"{amount}", "Unit": "USD"}},
                "Groups": [],
                "Estimated": False,
            }
            for i, amount in enumerate(amounts)
        ]
        result = {"ResultsByTime": days, "DimensionValueAttributes": []}
        told = {"account_id": "123456789012", "region": "us-east-1", "results": [result]}
        aws.post("/moto-api/static/ce/cost-and-usage-results", json.dumps(told).encode())
        return {"daily_cost_max": 120}

    return build


YESTERDAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"


def findings(*labels: str, updated: str = YESTERDAY) -> Build:
    def build(aws: Moto) -> None:
        client = aws.client("securityhub")
        client.enable_security_hub()
        findings = [
            {
                "SchemaVersion": "2018-10-08",
                "Id": f"finding-{i}",
                "ProductArn": f"arn:aws:securityhub:{REGION}::product/aws/guardduty",
                "GeneratorId": "generator",
                "AwsAccountId": "123456789012",
                "Types": ["Software and Configuration Checks"],
                "CreatedAt": updated,
                "UpdatedAt": updated,
                "Severity": {"Label": label},
                "Title": "a finding",
                "Description": "a finding",
                "Resources": [{"Type": "Other", "Id": "thing"}],
                "RecordState": "ACTIVE",
            }
            for i, label in enumerate(labels)
        ]
        if findings:
            client.batch_import_findings(Findings=findings)

    return build


def log_groups(*days: int | None) -> Build:
    def build(aws: Moto) -> None:
        logs = aws.client("logs")
        for i, kept in enumerate(days):
            logs.create_log_group(logGroupName=f"/app/{i}")
            if kept:
                logs.put_retention_policy(logGroupName=f"/app/{i}", retentionInDays=kept)

    return build


def zone(*, check: bool = True, ttl: int = 60, secondary: bool = True, other: str = "app") -> Build:
    """Failover records of app, the secondary of which may be some `other` name's."""

    def build(aws: Moto) -> Mapping[str, Any]:
        route53 = aws.client("route53")
        zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")
        made = route53.create_health_check(
            CallerReference="1",
            HealthCheckConfig={
                "Type": "HTTPS",
                "FullyQualifiedDomainName": "app.example.com",
                "Port": 443,
            },
        )["HealthCheck"]["Id"]
        for i, role in enumerate(("PRIMARY", "SECONDARY")[: 2 if secondary else 1]):
            record = {
                "Name": f"{other if i else 'app'}.example.com",
                "Type": "A",
                "SetIdentifier": role.lower(),
                "Failover": role,
                "TTL": ttl,
                "ResourceRecords": [{"Value": f"192.0.2.{i + 1}"}],
            }
            if check and role == "PRIMARY":
                record["HealthCheckId"] = made
            route53.change_resource_record_sets(
                HostedZoneId=zone["HostedZone"]["Id"],
                ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
            )
        return {"hosted_zone_id": zone["HostedZone"]["Id"].rpartition("/")[2]}

    return build


def trail(
    *,
    regions: bool = True,
    validated: bool = True,
    logging: bool = True,
    flow_logs: bool = True,
    traffic: str = "ALL",
    elsewhere: bool = False,
) -> Build:
    """A trail, and an instance in a VPC with flow logs; `elsewhere`: those of another VPC."""

    def build(aws: Moto) -> None:
        s3, trails, ec2 = (aws.client(name) for name in ("s3", "cloudtrail", "ec2"))
        place = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket="evidence", CreateBucketConfiguration=place)
        trails.create_trail(
            Name="all",
            S3BucketName="evidence",
            IsMultiRegionTrail=regions,
            EnableLogFileValidation=validated,
        )
        if logging:
            trails.start_logging(Name="all")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, SubnetId=subnet)
        if elsewhere:
            vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        if flow_logs:
            flow_log(aws, vpc, traffic)

    return build


def flow_log(aws: Moto, vpc: str, traffic: str = "ALL") -> None:
    """Logs of what goes in and out of a VPC."""
    aws.client("ec2").create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType=traffic,
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::evidence",
    )


# Leftovers


def unused(*, volume: bool = False, address: bool = False) -> Build:
    """A volume and an address that nothing uses."""

    def build(aws: Moto) -> None:
        ec2 = aws.client("ec2")
        if volume:
            ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8)
        if address:
            ec2.allocate_address(Domain="vpc")

    return build


def keys_of(name: str) -> Build:
    """A person with an access key made just now."""

    def build(aws: Moto) -> None:
        iam = aws.client("iam")
        iam.create_user(UserName=name)
        iam.create_access_key(UserName=name)

    return build


def replicated(*, status: str = "Enabled") -> Build:
    """A bucket of uploads with a rule that copies it to another region."""

    def build(aws: Moto) -> Mapping[str, Any]:
        for name, region in (("uploads", REGION), ("uploads-copy", OTHER_REGION)):
            s3 = aws.client("s3", region)
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        rule = {
            "ID": "all",
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "Status": status,
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": "arn:aws:s3:::uploads-copy"},
        }
        aws.client("s3").put_bucket_replication(
            Bucket="uploads",
            ReplicationConfiguration={
                "Role": "arn:aws:iam::123456789012:role/copy",
                "Rules": [rule],
            },
        )
        return {"uploads_bucket": "uploads"}

    return build
