"""The IAM actions that AWS operations need, and the smallest policy for the probes in use."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "amp": "aps",
    "apigatewayv2": "apigateway",
    "appconfigdata": "appconfig",
    "appintegrations": "app-integrations",
    "application-insights": "applicationinsights",
    "bedrock-agent": "bedrock",
    "bedrock-agentcore-control": "bedrock-agentcore",
    "bedrock-data-automation": "bedrock",
    "chime-sdk-identity": "chime",
    "chime-sdk-media-pipelines": "chime",
    "chime-sdk-meetings": "chime",
    "chime-sdk-messaging": "chime",
    "chime-sdk-voice": "chime",
    "cleanroomsml": "cleanrooms-ml",
    "cloudcontrol": "cloudformation",
    "cloudhsmv2": "cloudhsm",
    "codeguruprofiler": "codeguru-profiler",
    "connectcampaigns": "connect-campaigns",
    "connectcampaignsv2": "connect-campaigns",
    "connectcases": "cases",
    "customer-profiles": "profile",
    "docdb": "rds",
    "dynamodbstreams": "dynamodb",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "greengrassv2": "greengrass",
    "iot-data": "iot",
    "ivs-realtime": "ivs",
    "keyspaces": "cassandra",
    "keyspacesstreams": "cassandra",
    "kinesis-video-archived-media": "kinesisvideo",
    "kinesisanalyticsv2": "kinesisanalytics",
    "launch-wizard": "launchwizard",
    "lex-models": "lex",
    "lexv2-models": "lex",
    "location": "geo",
    "mailmanager": "ses",
    "marketplace-agreement": "aws-marketplace",
    "marketplace-catalog": "aws-marketplace",
    "marketplace-deployment": "aws-marketplace",
    "marketplace-entitlement": "aws-marketplace",
    "migration-hub-refactor-spaces": "refactor-spaces",
    "migrationhub-config": "mgh",
    "migrationhuborchestrator": "migrationhub-orchestrator",
    "migrationhubstrategy": "migrationhub-strategy",
    "mturk": "mechanicalturk",
    "mwaa": "airflow",
    "neptune": "rds",
    "neptunedata": "neptune-db",
    "opensearch": "es",
    "opensearchserverless": "aoss",
    "payment-cryptography-data": "payment-cryptography",
    "pinpoint": "mobiletargeting",
    "pinpoint-email": "ses",
    "pinpoint-sms-voice": "sms-voice",
    "pinpoint-sms-voice-v2": "sms-voice",
    "qconnect": "wisdom",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "s3outposts": "s3-outposts",
    "sagemaker-featurestore-runtime": "sagemaker",
    "sagemaker-metrics": "sagemaker",
    "service-quotas": "servicequotas",
    "servicecatalog-appregistry": "servicecatalog",
    "sesv2": "ses",
    "socialmessaging": "social-messaging",
    "sso-admin": "sso",
    "stepfunctions": "states",
    "supplychain": "scn",
    "taxsettings": "tax",
    "timestream-query": "timestream",
    "timestream-write": "timestream",
    "voice-id": "voiceid",
    "workspaces-thin-client": "thinclient",
}
"""boto3's name of a service -> the prefix of its IAM actions, where they differ."""

_ACTIONS = {
    "s3.GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3.GetBucketCors": "s3:GetBucketCORS",
    "s3.GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3.GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3.GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3.GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3.GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3.GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3.HeadBucket": "s3:ListBucket",
    "s3.HeadObject": "s3:GetObject",
    "s3.ListBuckets": "s3:ListAllMyBuckets",
    "s3.ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3.ListObjectVersions": "s3:ListBucketVersions",
    "s3.ListObjects": "s3:ListBucket",
    "s3.ListObjectsV2": "s3:ListBucket",
    "s3control.GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "sts.GetCallerIdentity": "",
}
"""Operations whose action is named otherwise; "" where nobody needs a right."""


def iam_action(service: str, operation: str) -> str:
    """The IAM action an operation needs, e.g. `elasticloadbalancing:DescribeTargetHealth`;
    "" where it needs none."""
    known = _ACTIONS.get(f"{service}.{operation}")
    if known is not None:
        return known
    prefix = _PREFIXES.get(service, service)
    return f"{prefix}:{'GET' if prefix == 'apigateway' else operation}"


def operations(probe: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every call an aws probe makes: service, operation and parameters, as far as they are
    written down; what is not a string is left to `problems`."""
    service = str(probe.get("service", ""))
    yield service, str(probe.get("operation", "")), _table(probe.get("parameters"))
    for name in ("also", "each"):
        for call in _calls(probe.get(name)):
            own = str(call.get("service") or service)
            yield own, str(call.get("operation", "")), _table(call.get("parameters"))


def policy_text(probes: Iterable[Mapping[str, Any]]) -> str:
    """The smallest IAM policy, as JSON, that the aws probes among these need; "" for none."""
    actions = {
        action
        for probe in probes
        if probe.get("kind") == "aws"
        for service, operation, _ in operations(probe)
        if (action := iam_action(service, operation))
    }
    if not actions:
        return ""
    statement = {
        "Sid": "OpsDeckReads",
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def _calls(value: Any) -> list[Mapping[str, Any]]:
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
