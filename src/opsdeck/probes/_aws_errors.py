"""What went wrong on the way to AWS, in the words of somebody on call.

Classes of botocore and urllib3 are told by their names: nothing is imported for it.
"""

from __future__ import annotations

import re
from typing import Any

from opsdeck.probes._aws_policy import iam_action
from opsdeck.probes.base import Cause, ProbeError

LONGEST_MESSAGE = 300

_NOT_FOUND = re.compile(r"NotFound|^NoSuch|^404$|DoesNotExist|NonExistent|^UnknownResource")
_THROTTLED = re.compile(r"Throttl|TooManyRequests|^RequestLimitExceeded|SlowDown|^429$")
_RIGHTS = re.compile(r"AccessDenied|Unauthorized(?!Client)|NotAuthorized|AuthorizationError|^403$")
_AUTH = re.compile(
    r"Expired|InvalidClientTokenId|UnrecognizedClient|AuthFailure|SignatureDoesNotMatch"
    r"|InvalidAccessKey|MissingAuthentication|IncompleteSignature|InvalidToken|InvalidSignature"
    r"|TooSkewed|^401$|TokenRefreshRequired|NotSignedUp|^AuthorizationHeaderMalformed"
)
_WRONG = re.compile(r"Validation|Invalid|Missing|Malformed|Unsupported|BadRequest|^400$")

_LOGIN = "run `aws sso login`, or set AWS_PROFILE"


def no_credentials(profile: Any = None) -> ProbeError:
    """The error for a machine that has no AWS credentials at all."""
    where = f" for profile {profile}" if profile else ""
    return ProbeError(
        "missing", f"no AWS credentials{where}: set AWS_PROFILE or run `aws sso login`"
    )


def not_found(error: BaseException) -> dict[str, str] | None:
    """The code and message of an answer that says the thing asked for does not exist."""
    code, message, _ = _answered(error)
    if _NOT_FOUND.search(code) or (code == "ValidationError" and "does not exist" in message):
        return {"error": code, "message": message}
    return None


def throttled(error: BaseException) -> bool:
    """Whether AWS said that these were too many requests."""
    code, _, status = _answered(error)
    return status == 429 or bool(_THROTTLED.search(code))


def problem(
    error: BaseException, service: str, operation: str = "", region: str = ""
) -> ProbeError:
    """The error as one that says what, where and what to do."""
    if isinstance(error, ProbeError):
        return error
    what = f"AWS {service} {operation}".strip()
    where = f" in {region}" if region else ""
    code, message, status = _answered(error)
    if code or status:
        return _refusal(what, where, code, message, status, iam_action(service, operation))
    names = {kind.__name__ for kind in type(error).__mro__}
    return (
        _configuration(error, names)
        or _network(error, names, what, where)
        or ProbeError("protocol", f"{what}{where} gave an answer that makes no sense")
    )


def _answered(error: BaseException) -> tuple[str, str, int]:
    """Code, message and HTTP status of an answer AWS gave; empty when it gave none."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return "", "", 0
    told, meta = response.get("Error"), response.get("ResponseMetadata")
    told = told if isinstance(told, dict) else {}
    status = meta.get("HTTPStatusCode", 0) if isinstance(meta, dict) else 0
    code = str(told.get("Code") or "")
    return code, _short(told.get("Message") or ""), status if isinstance(status, int) else 0


def _refusal(
    what: str, where: str, code: str, message: str, status: int, action: str
) -> ProbeError:
    """What an error answer means."""
    said = f"{_short(code)}{': ' + message if message else ''}"
    if status == 429 or _THROTTLED.search(code):
        return ProbeError(
            "throttled", f"{what}{where} is throttled ({_short(code)}): look less often"
        )
    if code == "OptInRequired" or code == "SubscriptionRequiredException":
        return ProbeError(
            "missing", f"{what}{where}: this account does not use the service ({code})"
        )
    if _AUTH.search(code):
        hint = "set this machine's clock" if "Skewed" in code else _LOGIN
        return ProbeError("auth", f"AWS does not accept these credentials ({_short(code)}): {hint}")
    if _RIGHTS.search(code) or (status == 403 and not _WRONG.search(code)):
        return ProbeError("rights", f"{what}{where} is denied: allow {action} to these credentials")
    if status >= 500 or re.search(r"Internal|Unavailable|ServiceFailure", code):
        return ProbeError("protocol", f"{what}{where} failed at AWS ({status} {said}): try again")
    if _WRONG.search(code):
        return ProbeError("protocol", f"{what}{where} does not accept the parameters ({said})")
    return ProbeError("protocol", f"{what}{where} answered {status} {said}")


def _configuration(error: BaseException, names: set[str]) -> ProbeError | None:
    """What is missing or wrong on this machine."""
    if "NoCredentialsError" in names or "NoAuthTokenError" in names:
        return no_credentials()
    if "PartialCredentialsError" in names:
        return ProbeError(
            "missing", "the AWS credentials are incomplete: an access key needs its secret key too"
        )
    if "ProfileNotFound" in names or "ConfigNotFound" in names:
        return ProbeError("missing", f"{_short(error)}: see `aws configure list-profiles`")
    if "NoRegionError" in names:
        return no_region()
    if names & {"InvalidRegionError", "InvalidConfigError", "ConfigParseError"}:
        return ProbeError("missing", f"the AWS configuration is wrong: {_short(error)}")
    if names & {"MissingDependencyException"}:
        return ProbeError("missing", f"{_short(error)}")
    if names & {"SSOError", "TokenRetrievalError", "LoginError"}:
        return ProbeError(
            "auth", "the AWS SSO session has expired or was never begun: run `aws sso login`"
        )
    if names & {
        "CredentialRetrievalError",
        "MetadataRetrievalError",
        "RefreshWithMFAUnsupportedError",
    }:
        return ProbeError("auth", f"AWS credentials could not be fetched: {_LOGIN}")
    if str(error).startswith("Invalid endpoint"):
        return ProbeError("missing", "endpoint_url of the target is no URL: write http://HOST:PORT")
    if names & {"ParamValidationError", "ValidationError"}:
        return ProbeError("protocol", f"the parameters do not fit: {_short(error)}")
    return None


def no_region() -> ProbeError:
    """The error for a target without a region."""
    return ProbeError("missing", "no AWS region: add region to the target, or set AWS_REGION")


def _network(error: BaseException, names: set[str], what: str, where: str) -> ProbeError | None:
    """What stopped the request on its way."""
    inner = getattr(error, "kwargs", {}).get("error") or error
    url = str(getattr(error, "kwargs", {}).get("endpoint_url", ""))
    at = re.sub(r"^(\w+://)([^/?#@]*@)?([^/?#]*).*", r"\3", url) or "AWS"
    told = f"{type(inner).__name__} {inner}"
    cause: Cause
    if "SSLError" in names:
        cause, text = (
            "tls",
            f"the TLS handshake with {at} failed: is a proxy in between, or the clock wrong?",
        )
    elif "ConnectTimeoutError" in names:
        cause, text = "timeout", f"{at} was not reached in time: check the network and the proxy"
    elif names & {"ReadTimeoutError", "TimeoutError"}:
        cause, text = (
            "timeout",
            f"{what}{where} did not answer in time: try again with a longer timeout",
        )
    elif "ProxyConnectionError" in names:
        cause, text = "unreachable", "the proxy could not be reached: check HTTPS_PROXY"
    elif "NameResolution" in told or "gaierror" in told:
        cause, text = (
            "dns",
            f"the name of {at} does not resolve: check the region and this machine's DNS",
        )
    elif "refused" in told:
        cause, text = "refused", f"nothing listens at {at} (connection refused): check endpoint_url"
    elif "EndpointConnectionError" in names:
        cause, text = "unreachable", f"{at} cannot be reached: check the network and the region"
    elif names & {"ConnectionClosedError", "HTTPClientError", "HTTPError"}:
        cause, text = "protocol", f"{at} broke off or spoke no HTTP: is it an AWS endpoint?"
    else:
        return None
    return ProbeError(cause, text)


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + "…"
