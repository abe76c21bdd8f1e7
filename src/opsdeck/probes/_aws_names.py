"""Which AWS operations may be asked: those that only read, decided by their names alone.

Nothing here needs an AWS client: a catalog is judged while it loads. `_aws_calls` judges again,
by the service's own model, before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SERVICE = re.compile(r"[a-z][a-z0-9-]{1,62}")
READING = re.compile(r"(?:Describe|List|Get|Head)(?:[A-Z0-9][A-Za-z0-9]*)?")
"""One of the four words as a whole CamelCase word: `GetItem` reads, `Getaway` is no such word."""

_MINTS = re.compile(
    r"""Get(?:
        \w*Credentials(?:For\w+|With\w+)?
      | \w*Tokens?(?:For\w+|From\w+)?
      | \w*Password(?:Data)?
      | \w*(?:ApiKey|APIKey|AccessKey)s?
      | \w*SecretValue
      | \w*(?:Url|URL|Link)
      | \w*SessionEndpoint
      | \w*DataAccess
      | \w*DataKey\w*
    )""",
    re.VERBOSE,
)
"""Operations whose answer is itself a key: credentials, tokens, signed addresses."""

_HARMLESS = frozenset({"sqs.GetQueueUrl"})
"""Named like the above, and yet only a name."""

SECRET = "its answer is a secret or mints a credential"
CHANGES = "it changes or takes something in spite of its name"
BULK = "its answer is a file of any size"

_REFUSED: dict[str, str] = {
    # answers that are secrets under other names
    "amplifybackend.GetBackendAuth": SECRET,
    "apigateway.GetApiKey": SECRET,
    "apigateway.GetApiKeys": SECRET,
    "appconfigdata.GetLatestConfiguration": SECRET,
    "appsync.ListApiKeys": SECRET,
    "artifact.GetReport": SECRET,
    "artifact.GetTermForReport": SECRET,
    "bedrock-agent-runtime.GetDocumentContent": SECRET,
    "codepipeline.GetJobDetails": SECRET,
    "codepipeline.GetThirdPartyJobDetails": SECRET,
    "cognito-idp.ListUserPoolClientSecrets": SECRET,
    "connect.GetAttachedFile": SECRET,
    "connect.GetPromptFile": SECRET,
    "datazone.GetConnection": SECRET,
    "datazone.ListConnections": SECRET,
    "ec2.GetConsoleScreenshot": SECRET,
    "ecr.GetDownloadUrlForLayer": SECRET,
    "emr-serverless.GetDashboardForJobRun": SECRET,
    "gamelift.GetComputeAccess": SECRET,
    "gamelift.GetInstanceAccess": SECRET,
    "glue.GetUnfilteredTableMetadata": SECRET,
    "greengrassv2.GetComponentVersionArtifact": SECRET,
    "iot.GetRegistrationCode": SECRET,
    "kms.GetParametersForImport": SECRET,
    "lambda.GetFunction": SECRET,
    "lambda.GetLayerVersion": SECRET,
    "lambda.GetLayerVersionByArn": SECRET,
    "lightsail.GetInstanceAccessDetails": SECRET,
    "location.DescribeKey": SECRET,
    "marketplace-reporting.GetBuyerDashboard": SECRET,
    "payment-cryptography.GetParametersForExport": SECRET,
    "payment-cryptography.GetParametersForImport": SECRET,
    "qbusiness.GetDocumentContent": SECRET,
    "snowball.GetJobManifest": SECRET,
    "snowball.GetJobUnlockCode": SECRET,
    "storagegateway.DescribeChapCredentials": SECRET,
    "wafv2.ListAPIKeys": SECRET,
    "wickr.GetOidcInfo": SECRET,
    "wickr.GetOpentdfConfig": SECRET,
    # a new thing is made, or a piece of work is taken from a queue
    "cognito-identity.GetId": CHANGES,
    "continuum.GetCollectorDataAccessAuthorization": CHANGES,
    "controltower.ListLandingZones": CHANGES,
    "frauddetector.GetEventPrediction": CHANGES,
    "glue.GetMapping": CHANGES,
    "imagebuilder.GetMarketplaceResource": CHANGES,
    "importexport.GetShippingLabel": CHANGES,
    "inspector.GetAssessmentReport": CHANGES,
    "iot.DescribeEndpoint": CHANGES,
    "payment-cryptography.GetCertificateSigningRequest": CHANGES,
    "sagemaker.GetScalingConfigurationRecommendation": CHANGES,
    "socialmessaging.GetWhatsAppFlowPreview": CHANGES,
    "stepfunctions.GetActivityTask": CHANGES,
    "taxsettings.GetTaxRegistrationDocument": CHANGES,
    "xray.GetSamplingTargets": CHANGES,
    # whole objects: HeadObject and GetObjectAttributes say what a probe needs to know
    "s3.GetObject": BULK,
    "s3.GetObjectTorrent": BULK,
    "glacier.GetJobOutput": BULK,
    "ebs.GetSnapshotBlock": BULK,
    "codecommit.GetBlob": BULK,
    "codecommit.GetFile": BULK,
}

_READS_SECRETS = frozenset({"GetParameter", "GetParameters", "GetParametersByPath"})


def refusal(service: str, operation: str, parameters: Mapping[str, Any]) -> str | None:
    """Why this may not be asked, as the end of a sentence; None when it only reads."""
    if not SERVICE.fullmatch(service):
        return f'there is no AWS service "{service}": name it as boto3 does, e.g. elbv2'
    name = f"{service}.{operation}"
    if not READING.fullmatch(operation):
        return (
            f"{name} is refused: a probe only reads, so an operation is named in CamelCase and "
            "begins with Describe, List, Get or Head"
        )
    if name in _REFUSED:
        return f"{name} is refused: {_REFUSED[name]}"
    if _MINTS.fullmatch(operation) and name not in _HARMLESS:
        return f"{name} is refused: {SECRET}"
    if operation in _READS_SECRETS and parameters.get("WithDecryption", False) is not False:
        return f"{name} is refused with WithDecryption: {SECRET}"
    return None
