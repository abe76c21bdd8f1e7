"""A small DNS server on loopback: a zone, and the ways in which servers fail."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Zone = Mapping[tuple[str, str], tuple[int, Sequence[str]]]
"""(name with its last dot, type) to (ttl, records as text)."""


class DnsServer:
    """Answers over UDP and TCP from a zone; `mode` is how it fails: servfail, refused, junk,
    silent, stranger (another question's answer), truncated (over UDP only), or ""."""

    def __init__(self, zone: Zone | None = None, mode: str = "") -> None:
        self.zone = dict(zone or {})
        self.mode = mode
        self.asked: list[str] = []
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _serve_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, peer = self._udp.recvfrom(4096)
                if not data:
                    return
                answer = self._answer(data, self.mode)
                if answer is not None:
                    self._udp.sendto(answer, peer)

    def _serve_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._tcp.accept()
                # Who gave up meanwhile sent half a question or none.
                with sock, contextlib.suppress(dns.exception.DNSException, OSError):
                    size = int.from_bytes(sock.recv(2), "big")
                    answer = self._answer(sock.recv(size), "") or b""
                    sock.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answer(self, data: bytes, mode: str) -> bytes | None:
        if mode == "silent":
            return None
        if mode == "junk":
            return b"\x00\xff" * 3
        question = dns.message.from_wire(data)
        response = dns.message.make_response(question)
        asked = question.question[0]
        kind = dns.rdatatype.to_text(asked.rdtype)
        self.asked.append(f"{asked.name} {kind}")
        response.flags |= dns.flags.AA
        if mode == "servfail":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif mode == "refused":
            response.set_rcode(dns.rcode.REFUSED)
        elif mode == "truncated":
            response.flags |= dns.flags.TC
        elif mode == "stranger":
            response.id = (question.id + 1) % 65536
        else:
            self._fill(response, str(asked.name).lower(), kind)
        return response.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        found = False
        while True:
            for wanted in (kind, "CNAME"):
                if (name, wanted) in self.zone:
                    ttl, records = self.zone[name, wanted]
                    response.answer.append(dns.rrset.from_text(name, ttl, "IN", wanted, *records))
                    break
            else:
                if not found and not any(own == name for own, _ in self.zone):
                    response.set_rcode(dns.rcode.NXDOMAIN)
                return
            if wanted == kind:
                return
            found, name = True, records[0]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", ("127.0.0.1", self.port))  # wakes the thread, which then ends
        self._udp.close()


@contextlib.contextmanager
def dns_server(zone: Zone | None = None, mode: str = "") -> Iterator[DnsServer]:
    """A server for the length of a test."""
    server = DnsServer(zone, mode)
    try:
        yield server
    finally:
        server.close()
