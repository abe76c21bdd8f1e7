"""What may be asked of AWS at all: decided by names, without a client."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from opsdeck.probes import registry
from opsdeck.probes._aws_names import READING, refusal
from opsdeck.probes._aws_policy import iam_action, policy_text
from opsdeck.probes._aws_times import filled, unknown_marks

REFUSED = [
    # whole words other than the four
    ("ec2", "TerminateInstances", {}),
    ("ec2", "RunInstances", {}),
    ("ec2", "describe_instances", {}),
    ("ec2", "describeInstances", {}),
    ("ec2", "DESCRIBEINSTANCES", {}),
    ("ec2", "DescribeInstances ", {}),
    ("ec2", " DescribeInstances", {}),
    ("ec2", "DescribeInstances\n", {}),
    ("ec2", "Describe Instances", {}),
    ("ec2", "Describeinstances", {}),
    ("ec2", "Listen", {}),
    ("ec2", "Getaway", {}),
    ("ec2", "Header", {}),
    ("ec2", "DeleteGetItem", {}),
    ("ec2", "{operation}", {}),
    ("ec2", "{operation|DescribeVpcs}", {}),
    ("ec2", "", {}),
    ("dynamodb", "PutItem", {}),
    ("dynamodb", "BatchGetItem", {}),
    ("dynamodb", "Scan", {}),
    ("dynamodb", "Query", {}),
    ("dynamodb", "ExecuteStatement", {}),
    ("lambda", "Invoke", {}),
    ("logs", "StartQuery", {}),
    ("logs", "FilterLogEvents", {}),
    ("sts", "AssumeRole", {}),
    ("iam", "CreateAccessKey", {}),
    ("iam", "GenerateCredentialReport", {}),
    ("kms", "Decrypt", {}),
    ("secretsmanager", "BatchGetSecretValue", {}),
    # the right word, and yet a secret
    ("secretsmanager", "GetSecretValue", {}),
    ("secretsmanager", "GetRandomPassword", {}),
    ("sts", "GetSessionToken", {}),
    ("sts", "GetFederationToken", {}),
    ("sts", "GetWebIdentityToken", {}),
    ("sts", "GetDelegatedAccessToken", {}),
    ("ecr", "GetAuthorizationToken", {}),
    ("ecr", "GetDownloadUrlForLayer", {}),
    ("ecr-public", "GetAuthorizationToken", {}),
    ("codeartifact", "GetAuthorizationToken", {}),
    ("ec2", "GetPasswordData", {}),
    ("sso", "GetRoleCredentials", {}),
    ("cognito-identity", "GetCredentialsForIdentity", {}),
    ("cognito-identity", "GetOpenIdToken", {}),
    ("cognito-identity", "GetOpenIdTokenForDeveloperIdentity", {}),
    ("cognito-idp", "GetTokensFromRefreshToken", {}),
    ("redshift", "GetClusterCredentials", {}),
    ("redshift", "GetClusterCredentialsWithIAM", {}),
    ("redshift-serverless", "GetCredentials", {}),
    ("lakeformation", "GetTemporaryGlueTableCredentials", {}),
    ("datazone", "GetEnvironmentCredentials", {}),
    ("emr", "GetClusterSessionCredentials", {}),
    ("emr", "GetOnClusterAppUIPresignedURL", {}),
    ("athena", "GetSessionEndpoint", {}),
    ("s3control", "GetDataAccess", {}),
    ("lightsail", "GetBucketAccessKeys", {}),
    ("lightsail", "GetInstanceAccessDetails", {}),
    ("lightsail", "GetRelationalDatabaseMasterUserPassword", {}),
    ("apigateway", "GetApiKey", {}),
    ("apigateway", "GetApiKeys", {}),
    ("appsync", "ListApiKeys", {}),
    ("wafv2", "GetDecryptedAPIKey", {}),
    ("lambda", "GetFunction", {}),
    ("quicksight", "GetDashboardEmbedUrl", {}),
    ("storagegateway", "DescribeChapCredentials", {}),
    ("ssm", "GetParameter", {"Name": "x", "WithDecryption": True}),
    ("ssm", "GetParameters", {"WithDecryption": "true"}),
    ("ssm", "GetParametersByPath", {"WithDecryption": "{decrypt}"}),
    ("ssm", "GetParameter", {"WithDecryption": 1}),
    # the right word, and yet it makes or takes something
    ("stepfunctions", "GetActivityTask", {}),
    ("iot", "DescribeEndpoint", {}),
    ("cognito-identity", "GetId", {}),
    ("controltower", "ListLandingZones", {}),
    ("sagemaker", "GetScalingConfigurationRecommendation", {}),
    ("importexport", "GetShippingLabel", {}),
    # whole files
    ("s3", "GetObject", {}),
    ("glacier", "GetJobOutput", {}),
    # no service at all
    ("../ec2", "DescribeVpcs", {}),
    ("EC2", "DescribeVpcs", {}),
    ("", "DescribeVpcs", {}),
]


@pytest.mark.parametrize(("service", "operation", "given"), REFUSED)
def test_what_does_more_than_read_is_refused_when_the_catalog_loads(
    service: str, operation: str, given: dict[str, Any]
) -> None:
    main = {"kind": "aws", "service": "sts", "operation": "GetCallerIdentity"}
    own = {"service": service, "operation": operation, "parameters": given}
    # GIVEN a probe that names it, as its main operation or as one that goes along
    probes: list[dict[str, Any]] = [{"kind": "aws", **own}]
    if service:  # in what goes along no service means the main one's
        probes.append({**main, "also": {**own, "into": "x"}})
        probes.append({**main, "each": [{**own, "into": "x", "values": "[]"}]})
    for probe in probes:
        # WHEN it is held against the kind's rules, THEN there is something wrong with it
        assert list(registry.problems(probe))
    assert refusal(service, operation, given) is not None


@pytest.mark.parametrize(
    ("service", "operation", "given"),
    [
        ("ec2", "DescribeInstances", {}),
        ("elbv2", "DescribeTargetHealth", {"TargetGroupArn": "x"}),
        ("sqs", "GetQueueUrl", {"QueueName": "x"}),
        ("iam", "GetCredentialReport", {}),
        ("iam", "GetAccountPasswordPolicy", {}),
        ("iam", "ListAccessKeys", {}),
        ("iam", "GetAccessKeyLastUsed", {}),
        ("s3", "HeadObject", {}),
        ("s3", "HeadBucket", {}),
        ("ssm", "GetParameter", {"Name": "x"}),
        ("ssm", "GetParameter", {"Name": "x", "WithDecryption": False}),
        ("secretsmanager", "DescribeSecret", {}),
        ("lambda", "GetFunctionConfiguration", {}),
        ("cloudwatch", "GetMetricData", {}),
        ("ce", "GetCostAndUsage", {}),
        ("cognito-idp", "GetUserPoolMfaConfig", {}),
    ],
)
def test_what_only_reads_is_allowed(service: str, operation: str, given: dict[str, Any]) -> None:
    assert refusal(service, operation, given) is None


@pytest.mark.slow
def test_every_operation_of_every_service_is_judged_by_its_name() -> None:
    # GIVEN every operation of every service that botocore knows
    loader = importlib.import_module("botocore.loaders").create_loader()
    reading = refused = 0
    for service in loader.list_available_services("service-2"):
        model = loader.load_service_model(service, "service-2")
        for operation, about in model["operations"].items():
            found = refusal(service, operation, {})
            # THEN whatever begins otherwise is refused
            if not re.match(r"(Describe|List|Get|Head)([A-Z0-9]|$)", operation):
                assert found is not None, (service, operation)
                refused += 1
            elif model["metadata"]["protocol"].startswith("rest"):
                # AND nothing that is allowed puts, deletes or patches
                method = about["http"]["method"]
                assert found is not None or method in ("GET", "HEAD", "POST"), (service, operation)
            reading += found is None
    assert refused > 10_000
    assert reading > 5_000


@pytest.mark.slow
def test_no_allowed_operation_answers_with_credentials() -> None:
    # GIVEN the models of the services whose answers hold keys somewhere
    loader = importlib.import_module("botocore.loaders").create_loader()
    model_of = importlib.import_module("botocore.model").ServiceModel
    members = importlib.import_module("opsdeck.probes._aws_calls")._members
    wanted = {"secretaccesskey", "sessiontoken"}
    for service in loader.list_available_services("service-2"):
        data = loader.load_service_model(service, "service-2")
        if not wanted & {
            key.lower() for s in data["shapes"].values() for key in s.get("members", {})
        }:
            continue
        model = model_of(data, service)
        for operation in model.operation_names:
            shape = model.operation_model(operation).output_shape
            if READING.fullmatch(operation) and wanted & set(members(shape, set())):
                # THEN every one that would answer with keys is refused by its name already
                assert refusal(service, operation, {}) is not None, (service, operation)


NOW = datetime(2026, 3, 31, 22, 38, 5, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("<now>", "2026-03-31T22:38:05Z"),
        ("<now-1h>", "2026-03-31T21:38:05Z"),
        ("<now+90s>", "2026-03-31T22:39:35Z"),
        ("<now-2w>", "2026-03-17T22:38:05Z"),
        ("<now_ms>", 1774996685250),
        ("<now_ms-15m>", 1774996685250 - 900_000),
        ("<today>", "2026-03-31"),
        ("<today+1d>", "2026-04-01"),
        ("<today-30d>", "2026-03-01"),
        ("<month_start>", "2026-03-01"),
        ("<last_month_start>", "2026-02-01"),
        ("from <today-1d> on", "from 2026-03-30 on"),
        ("<now-999999w>", "1970-01-01T00:00:00Z"),
        ("<value>", 7),
        ("i-<value>", "i-7"),
        (["<value>", {"a": "<today>"}], [7, {"a": "2026-03-31"}]),
        (5, 5),
        (True, True),
        ("<p>", "<p>"),
        ("a < b", "a < b"),
    ],
)
def test_times_in_parameters(given: Any, meant: Any) -> None:
    assert filled(given, NOW, 7) == meant


def test_marks_that_mean_nothing_are_named() -> None:
    given = {"a": "<yesterday>", "b": ["<now-1h>", "<value>"], "c": {"d": "<nov-1h>"}}
    assert list(unknown_marks(given, value=False)) == ["<yesterday>", "<value>", "<nov-1h>"]
    assert list(unknown_marks(given, value=True)) == ["<yesterday>", "<nov-1h>"]


BASE = {"kind": "aws", "target": "aws", "service": "ec2", "operation": "DescribeVpcs"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"query": "Vpcs[?"}, "no JMESPath"),
        ({"pages": 0}, "pages is 0"),
        ({"pages": 51}, "pages is 51"),
        ({"parameters": {"A": "<value>"}}, "<value> means nothing"),
        ({"parameters": {"A": "<tomorrow>"}}, "<tomorrow> means nothing"),
        ({"percent": {"of": "a"}}, "percent must be"),
        ({"needs": {"query": "a"}}, "needs must be"),
        ({"needs": {"query": "a", "message": ""}}, "must be texts"),
        ({"needs": {"query": "a[", "message": "none"}}, "needs: query is no JMESPath"),
        ({"each": {"operation": "DescribeSubnets", "into": "x"}}, "each needs values"),
        ({"each": {"values": "a", "into": "x"}}, "each needs operation"),
        ({"also": {"operation": "DescribeSubnets"}}, "also needs into"),
        ({"also": {"operation": "DescribeSubnets", "into": "x", "values": "a"}}, '"values"'),
        ({"also": ["x"]}, "must be a table"),
        (
            {"also": {"operation": "DescribeSubnets", "into": "x", "parameters": []}},
            "parameters must be a table",
        ),
        (
            {"each": {"operation": "DescribeSubnets", "into": "x", "values": "a["}},
            "each: values is no JMESPath",
        ),
    ],
)
def test_what_cannot_be_right_is_said_when_the_catalog_loads(
    more: dict[str, Any], said: str
) -> None:
    assert not list(registry.problems(BASE))
    assert any(said in problem for problem in registry.problems({**BASE, **more}))


def test_the_smallest_policy_for_the_probes_in_use() -> None:
    # GIVEN probes of several kinds, two of them the same, with calls that go along
    probes: list[dict[str, Any]] = [
        {"kind": "http", "target": "web"},
        {"kind": "aws", "service": "sts", "operation": "GetCallerIdentity"},
        {
            "kind": "aws",
            "service": "elbv2",
            "operation": "DescribeTargetGroups",
            "each": {"operation": "DescribeTargetHealth", "values": "a", "into": "x"},
            "also": [{"service": "s3", "operation": "ListBuckets", "into": "y"}],
        },
        {"kind": "aws", "service": "elbv2", "operation": "DescribeTargetGroups"},
        {"kind": "aws", "service": "apigatewayv2", "operation": "GetApis"},
    ]
    # WHEN the policy is written
    policy = json.loads(policy_text(probes))
    # THEN it allows exactly what they ask, by IAM's names
    assert policy["Version"] == "2012-10-17"
    [statement] = policy["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == [
        "apigateway:GET",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "s3:ListAllMyBuckets",
    ]
    assert policy_text(probes[:2]) == ""


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("s3", "HeadObject", "s3:GetObject"),
        ("s3", "HeadBucket", "s3:ListBucket"),
        ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("s3control", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
        ("docdb", "DescribeDBClusters", "rds:DescribeDBClusters"),
        ("stepfunctions", "ListExecutions", "states:ListExecutions"),
        ("logs", "DescribeLogGroups", "logs:DescribeLogGroups"),
        ("cloudwatch", "DescribeAlarms", "cloudwatch:DescribeAlarms"),
        ("efs", "DescribeFileSystems", "elasticfilesystem:DescribeFileSystems"),
        ("sts", "GetCallerIdentity", ""),
    ],
)
def test_the_right_an_operation_needs(service: str, operation: str, action: str) -> None:
    assert iam_action(service, operation) == action


def test_judging_a_catalog_imports_no_client() -> None:
    code = (
        "import sys; from opsdeck.probes import registry; from opsdeck.probes._aws_policy import"
        f" policy_text; p = {BASE!r}; assert not list(registry.problems(p)); policy_text([p]);"
        "bad = {'boto3', 'botocore', 'urllib3'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
