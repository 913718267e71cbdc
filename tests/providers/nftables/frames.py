"""Packets as bytes, for sending them with any source address; runs with nothing but Python's own library."""

from __future__ import annotations

import ipaddress
import struct

TCP, UDP, ICMP, ICMPV6, FENCE = 6, 17, 1, 58, 253
"""Protocols by number; the fence is the last packet of a sending, which every ruleset lets in."""
_NEXT_HEADER = {4: 0x0800, 6: 0x86DD}


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


def _inner(proto: int, token: int, ports: tuple[int, int], kind: tuple[int, int], checksum: int) -> bytes:
    """What is inside of IP; the token tells one packet from another."""
    if proto == TCP:
        return struct.pack("!HHIIBBHHH", *ports, token, 0, 0x50, 0x02, 1024, checksum, 0)
    if proto == UDP:
        return struct.pack("!HHHHI", *ports, 12, checksum, token)
    if proto in (ICMP, ICMPV6):
        return struct.pack("!BBHI", *kind, checksum, token) + bytes(48)
    return struct.pack("!I", token)


def token_of(proto: int, inner: bytes) -> int:
    """The token of a packet that has come in."""
    at = {TCP: 4, UDP: 8, ICMP: 4, ICMPV6: 4}.get(proto, 0)
    return int.from_bytes(inner[at : at + 4])


Sent = tuple[int, str, str, int, tuple[int, int], tuple[int, int]]
"""Protocol, source, destination, token, ports (source, destination), type and code."""


def frame(macs: bytes, sent: Sent) -> bytes:
    """A whole Ethernet frame; `macs` are those of receiver and sender."""
    proto, source, dest, token, ports, kind = sent
    ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(dest).packed
    inner = _inner(proto, token, ports, kind, 0)
    pseudo = b"" if proto == ICMP else ends + struct.pack("!II", len(inner), proto)
    inner = _inner(proto, token, ports, kind, _checksum(pseudo + inner))
    version = ipaddress.ip_address(source).version
    if version == 6:
        head = struct.pack("!IHBB", 6 << 28, len(inner), proto, 64) + ends
    else:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(inner), 0, 0, 64, proto, 0) + ends
        head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    return macs + struct.pack("!H", _NEXT_HEADER[version]) + head + inner
