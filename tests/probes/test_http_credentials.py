"""Redirects, credentials and proxies of the http kind: nothing secret leaves its origin."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from opsdeck.probes.base import ProbeError
from tests.probes.partners_http import (
    free_port,
    good_tls,
    look,
    look_at,
    partner,
    reply,
    target_at,
    trusted,
)

# Redirects


def redirect(location: str, status: int = 302) -> bytes:
    return reply("", status, {"Location": location})


async def test_redirects_are_followed_and_listed() -> None:
    """GIVEN two redirects THEN the end is shown, and the way there."""
    ways = {"/": redirect("/a", 301), "/a": redirect("b?x=1", 307), "/b": reply("end")}
    with partner(ways) as server:
        document = await look_at(server.url)
        assert document["redirects"] == [f"{server.url}/a", f"{server.url}/b?x=1"]
        assert (document["body"], document["url"]) == ("end", f"{server.url}/b?x=1")
        # WHEN none is to be followed THEN the redirect itself is the answer
        bare = await look_at(server.url, redirects=0)
    assert (bare["status"], bare["headers"]["location"]) == (301, "/a")
    assert bare["redirect_stopped"] is None


SECRETS = {
    "headers": {"X-Api-Key": "k3y-of-the-team", "Cookie": "a=b; sid=s3ss10n"},
    "token": "t0ken-of-the-team",
}


async def test_credentials_stay_at_their_origin() -> None:
    """GIVEN redirects within and out of the origin THEN only the own origin gets credentials."""
    with (
        partner(reply("elsewhere")) as other,
        partner({"/": redirect("/next"), "/next": redirect(other.url)}) as server,
    ):
        async with target_at(server.url, **SECRETS) as target:
            document = await look(
                target, auth=True, headers={"Origin": "https://me"}, host="app.example"
            )
            assert {"k3y-of-the-team", "t0ken-of-the-team", "s3ss10n"} <= target.secrets
        for asked in server.asked:
            assert asked.headers["authorization"] == "Bearer t0ken-of-the-team"
            assert asked.headers["cookie"] == "a=b; sid=s3ss10n"
            assert asked.headers["x-api-key"] == "k3y-of-the-team"
            assert asked.headers["host"] == "app.example"
        assert len(server.asked) == 2
        assert document["body"] == "elsewhere"
        assert other.asked[0].headers == {
            "host": f"127.0.0.1:{other.port}",
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            "user-agent": "OpsDeck",
        }


async def test_downgrade_to_http_loses_credentials(tmp_path: Path) -> None:
    """GIVEN https that redirects to http THEN it is in the list, and nothing secret goes there."""
    with (
        partner(reply("plain")) as plain,
        partner(redirect(f"http://localhost:{plain.port}/"), good_tls()) as server,
    ):
        async with target_at(server.url, ca=trusted(tmp_path), **SECRETS) as target:
            document = await look(target, auth=True)
    assert document["redirects"] == [f"http://localhost:{plain.port}/"]
    assert document["tls"] is None
    assert not {"authorization", "cookie", "x-api-key"} & plain.asked[0].headers.keys()


POSTS = [
    (301, "GET", b""),
    (302, "GET", b""),
    (303, "GET", b""),
    (307, "POST", b"x"),
    (308, "POST", b"x"),
]


@pytest.mark.parametrize(("status", "method", "body"), POSTS)
async def test_redirected_posts(status: int, method: str, body: bytes) -> None:
    """GIVEN a POST that is redirected THEN it becomes a GET, or stays, as browsers do it."""
    with partner({"/": redirect("/next", status), "/next": reply("")}) as server:
        await look_at(server.url, method="POST", body="x", changes=True)
    assert (server.asked[1].method, server.asked[1].body) == (method, body)


async def test_post_is_not_repeated_elsewhere() -> None:
    """GIVEN a POST sent on to another origin THEN it is not sent there."""
    with partner(reply("")) as other, partner(redirect(other.url, 307)) as server:
        document = await look_at(server.url, method="POST", body="x", changes=True)
        assert other.asked == []
    assert document["redirect_stopped"] == "a POST is not repeated at another origin"


# Credentials


AUTHORIZATIONS: list[tuple[dict[str, str], str]] = [
    ({"token": "t0ken"}, "Bearer t0ken"),
    ({"token": "${WEB_TOKEN}"}, "Bearer from-the-environment"),
    ({"username": "joe", "password": "p4ss"}, "Basic " + base64.b64encode(b"joe:p4ss").decode()),
]


@pytest.mark.parametrize(("keys", "sent"), AUTHORIZATIONS)
async def test_authorization(keys: dict[str, str], sent: str) -> None:
    """GIVEN a target with credentials THEN they are sent only when the probe says so."""
    with partner(reply("")) as server:
        environ = {"WEB_TOKEN": "from-the-environment"}
        async with target_at(server.url, environ=environ, **keys) as target:
            await look(target)
            await look(target, auth=True)
            assert {sent.partition(" ")[2]} <= target.secrets
    assert "authorization" not in server.asked[0].headers
    assert server.asked[1].headers["authorization"] == sent


async def test_credentials_in_the_url_never_show() -> None:
    """GIVEN user name and password in the url THEN they serve for auth and are never shown."""
    with partner(reply("")) as server:
        url = server.url.replace("http://", "http://joe:p%40ss-word@")
        async with target_at(url) as target:
            document = await look(target, auth=True)
            assert "p@ss-word" in target.secrets
        assert document["url"] == f"{server.url}/"
        sent = server.asked[0].headers["authorization"].partition(" ")[2]
        assert base64.b64decode(sent) == b"joe:p@ss-word"


async def test_no_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a .netrc for the host THEN its password stays where it is."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login joe password p4ss\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with partner(reply("")) as server:
        await look_at(server.url)
    assert "authorization" not in server.asked[0].headers


async def test_headers_of_the_target_go_to_its_origin_only() -> None:
    """GIVEN a probe with a url of its own THEN the target's headers are not sent there."""
    with partner(reply("")) as server, partner(reply("")) as other:
        async with target_at(server.url, **SECRETS) as target:
            await look(target, url=f"{server.url}/x")
            await look(target, url=other.url)
            await look(target, path=f"{other.url}/x", headers={"X-Mine": "1"})
            with pytest.raises(ProbeError) as caught:
                await look(target, url=other.url, auth=True)
    assert server.asked[0].headers["x-api-key"] == "k3y-of-the-team"
    assert all("x-api-key" not in asked.headers for asked in other.asked)
    assert other.asked[1].headers["x-mine"] == "1"
    assert caught.value.cause == "missing"
    assert len(other.asked) == 2


MISSING: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"url": ""}, {}, "has no url"),
    ({"url": "ftp://files.example"}, {}, "ftp: address"),
    ({"url": "app.example.com"}, {}, "begins with neither"),
    ({"url": "http://a b/"}, {}, "its host is no name"),
    ({}, {"auth": True}, "has no token"),
    ({"headers": {"Bad Name": "x"}}, {}, "is no header name"),
    ({"headers": {"X-A": "a\r\nX-B: b"}}, {}, "control characters"),
    ({"headers": "X-A: 1"}, {}, "must be a table"),
    ({"token": "${NOT_SET}"}, {}, "NOT_SET is not set"),
    ({"instances": "one"}, {"every_instance": True}, "must be a list of urls"),
]


@pytest.mark.parametrize(("keys", "parameters", "says"), MISSING)
async def test_what_is_missing_in_the_target(
    keys: dict[str, Any], parameters: dict[str, Any], says: str
) -> None:
    """GIVEN a target that lacks something THEN the message says what to add."""
    async with target_at(**{"url": "http://127.0.0.1:9", **keys}) as target:
        with pytest.raises(ProbeError, match=says) as caught:
            await look(target, **parameters)
    assert caught.value.cause == "missing"


# Proxies


async def test_environment_proxy_is_used_unless_bypassed() -> None:
    """GIVEN a proxy in the environment THEN plain requests go through it, but not to NO_PROXY."""
    with partner(reply("by proxy")) as proxy, partner(reply("direct")) as server:
        environ = {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": f"127.0.0.1:{proxy.port}"}
        async with target_at(server.url, environ=environ) as target:
            assert (await look(target, path="/x"))["body"] == "by proxy"
        assert proxy.asked[0].target == f"{server.url}/x"
        async with target_at(server.url, environ={**environ, "no_proxy": "127.0.0.1"}) as target:
            assert (await look(target))["body"] == "direct"


async def test_proxy_that_refuses() -> None:
    """GIVEN a proxy that refuses to connect THEN the message names it and hides its password."""
    with partner(reply("", 403, reason="Forbidden")) as proxy:
        environ = {"https_proxy": f"http://joe:pr0xy-pass@127.0.0.1:{proxy.port}"}
        async with target_at("https://localhost:9/", environ=environ) as target:
            with pytest.raises(ProbeError, match=r"proxy at 127.0.0.1.*403 Forbidden") as caught:
                await look(target)
            assert "pr0xy-pass" in target.secrets
    assert caught.value.cause == "unreachable"


async def test_proxy_that_is_down() -> None:
    """GIVEN a proxy where nothing listens THEN the message says that it is the proxy."""
    environ = {"all_proxy": f"http://127.0.0.1:{free_port()}"}
    async with target_at("http://app.example.com", environ=environ) as target:
        with pytest.raises(ProbeError, match=r"nothing listens .*asked through the proxy"):
            await look(target)
