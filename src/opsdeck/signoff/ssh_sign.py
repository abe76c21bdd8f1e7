"""Sign a text with `ssh-keygen`, with a key of a file or of the agent, hardware keys too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from opsdeck.signoff.ssh_job import StoppedError
from opsdeck.signoff.ssh_keys import AGENT_TIMEOUT_S, Agent, Found, Key, ask_agent
from opsdeck.signoff.ssh_run import Done, private_files, run
from opsdeck.signoff.sshsig import NAMESPACE, SigningError, is_canonical, signature_key
from opsdeck.text import visible

SIGN_TIMEOUT_S = 30.0
ASKING_TIMEOUT_S = 120.0
"""What somebody may take to type a passphrase or to touch a key."""


def sign(
    statement: bytes,
    key: Key,
    environ: Mapping[str, str],
    *,
    timeout_s: float = SIGN_TIMEOUT_S,
    terminal: bool = False,
    workdir: Path | None = None,
) -> str:
    """The signature of a statement, as armoured text. Blocks; what it may not ask it does not.

    With `terminal` the app has stepped aside, and ssh-keygen may ask for a passphrase, a PIN or a
    touch on the controlling terminal, for two minutes at least. `workdir` is where the public key
    of an agent's key lies meanwhile. Raises SigningError; nothing is signed then.
    """
    environ = _usable_environment(key, environ, timeout_s)
    if terminal:
        timeout_s = max(timeout_s, ASKING_TIMEOUT_S)
    try:
        if key.source == "agent":
            with private_files({"key.pub": f"{key.public}\n".encode()}, workdir) as folder:
                # Before 8.9 -U means nothing here, and the agent is asked first all the same.
                where = ["-U", "-f", str(folder / "key.pub")]
                done = _signed(where, statement, environ, timeout_s, terminal)
        else:
            done = _signed(["-f", str(key.file)], statement, environ, timeout_s, terminal)
    except StoppedError:
        raise SigningError("cancelled", "signing was stopped: nothing was signed") from None
    except SigningError as error:
        raise _late(key, timeout_s) if error.kind == "timeout" else error from None
    if done.exit_code:
        raise _not_signed(done, key)
    return _checked(done.out, key)


def _signed(
    where: list[str], statement: bytes, environ: Mapping[str, str], timeout_s: float, asks: bool
) -> Done:
    arguments = ["-q", "-Y", "sign", *where, "-n", NAMESPACE]
    return run(arguments, statement, environ, timeout_s, terminal=asks)


def _usable_environment(
    key: Key, environ: Mapping[str, str], timeout_s: float
) -> Mapping[str, str]:
    """The environment without an agent that would hold up signing with a file.

    Raises SigningError where the key is the agent's, and that does not answer or lacks it.
    """
    if key.source == "file" and not environ.get("SSH_AUTH_SOCK"):
        return environ
    agent = ask_agent(environ, min(AGENT_TIMEOUT_S, timeout_s))
    if key.source == "file":
        if agent.state == "hung":
            return {name: value for name, value in environ.items() if name != "SSH_AUTH_SOCK"}
        return environ
    said = Found(keys=[], agent=agent.state, socket=visible(environ.get("SSH_AUTH_SOCK", "")))
    if agent.state == "hung":
        raise SigningError("agent-hung", said.agent_words)
    if agent.state in ("none", "dead"):
        raise SigningError("no-agent", said.agent_words)
    if not _holds(agent, key):
        raise SigningError(
            "no-key",
            f"the SSH agent no longer holds {_named(key)}: give it the key with ssh-add, or unlock"
            " it with ssh-add -X",
        )
    return environ


def _holds(agent: Agent, key: Key) -> bool:
    return any(public.fingerprint == key.fingerprint for public in agent.keys)


def _named(key: Key) -> str:
    where = f" ({visible(key.comment)})" if key.comment else ""
    return f"the key {key.fingerprint}{where}"


def _late(key: Key, timeout_s: float) -> SigningError:
    touch = "touch the key, or " if key.is_hardware else ""
    who = "the SSH agent" if key.source == "agent" else "ssh-keygen"
    return SigningError(
        "timeout",
        f"{who} did not sign within {timeout_s:g} s, and nothing was signed:"
        f" {touch}confirm what it asks for, and try again",
    )


def _not_signed(done: Done, key: Key) -> SigningError:
    """Why ssh-keygen did not sign, by what it said."""
    said = done.said
    where = visible(str(key.file))
    if "incorrect passphrase" in said:
        secret = "passphrase or PIN" if key.is_hardware else "passphrase"
        if done.asked:
            return SigningError(
                "cancelled", f"that is not the {secret} of {where}: nothing was signed"
            )
        agent = "" if key.is_hardware else f", or give the key to the agent with ssh-add {where}"
        return SigningError(
            "needs-passphrase", f"{where} has a {secret}: type it when asked{agent}"
        )
    if "too open" in said:
        return SigningError(
            "no-key", f"others may read {where}, so ssh-keygen refuses it: chmod 600 {where}"
        )
    if "refused operation" in said:
        return SigningError(
            "failed",
            f"the SSH agent refused to sign with {_named(key)}: touch the key or confirm when it"
            " asks, and try again",
        )
    if "No private key found" in said or "Couldn't find key" in said or "No such file" in said:
        return SigningError(
            "no-key",
            f"the private half of {_named(key)} is neither in {where} nor in the agent:"
            " ssh-add gives it to the agent",
        )
    return SigningError("failed", f"nothing was signed with {_named(key)}: {done.reason}")


def _checked(out: bytes, key: Key) -> str:
    """What came back, if it is a signature with this key."""
    signature = out.decode("ascii", "replace")
    if is_canonical(signature):
        made = signature_key(signature)
        if (made.fingerprint, made.namespace) == (key.fingerprint, NAMESPACE):
            return signature
    raise SigningError(
        "failed",
        f"what ssh-keygen gave is no signature with {_named(key)}, so nothing was signed:"
        " see which ssh-keygen is on PATH, and that the key file is still the same",
    )
