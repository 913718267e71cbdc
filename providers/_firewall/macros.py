"""What the macros of rules stand for; the API tells only their names.

Seen on Proxmox VE 9.2. A form is a protocol, a destination port and a source port; for ICMP the second is the type.
"""

from __future__ import annotations

from typing import NamedTuple


class Form(NamedTuple):
    """One of the forms of packet that a macro stands for."""

    proto: str
    dport: str | None = None
    sport: str | None = None


_FORMS = """
amanda: udp 10080, tcp 10080
auth: tcp 113
bgp: tcp 179
bittorrent: tcp 6881:6889, udp 6881
bittorrent32: tcp 6881:6999, udp 6881
ceph: tcp 6789, tcp 3300, tcp 6800:7300
citrix: tcp 1494, udp 1604, tcp 2598
cvs: tcp 2401
daap: tcp 3689, udp 3689
dcc: tcp 6277
dhcpfwd: udp 67:68 67:68
distcc: tcp 3632
dns: udp 53, tcp 53
finger: tcp 79
ftp: tcp 21
git: tcp 9418
gnunet: tcp 2086, udp 2086, tcp 1080, udp 1080
gre: gre
hkp: tcp 11371
http: tcp 80
https: tcp 443
icpv2: udp 3130
icq: tcp 5190
imap: tcp 143
imaps: tcp 993
ipip: 94
ipsec: udp 500 500, esp
ipsecah: udp 500 500, ah
ipsecnat: udp 500, udp 4500, esp
irc: tcp 6667
jetdirect: tcp 9100
l2tp: udp 1701
ldap: tcp 389
ldaps: tcp 636
mail: tcp 25, tcp 465, tcp 587
mdns: udp 5353
msnp: tcp 1863
mssql: tcp 1433
munin: tcp 4949
mysql: tcp 3306
nntp: tcp 119
nntps: tcp 563
ntp: udp 123
openvpn: udp 1194
ospf: ospf
pca: udp 5632, tcp 5631
ping: icmp echo-request
pmg: tcp 8006
pop3: tcp 110
pop3s: tcp 995
postgresql: tcp 5432
pptp: gre, tcp 1723
printer: tcp 515
razor: tcp 2703
rdate: tcp 37
rdp: tcp 3389
rip: udp 520
rndc: tcp 953
rsync: tcp 873
sane: tcp 6566
sixxs: tcp 3874, udp 3740, ipv6, udp 5072|8374
smb: udp 135|445, udp 137:139, udp 1024:65535 137, tcp 135|139|445
smbswat: tcp 901
smtp: tcp 25
smtps: tcp 465
snmp: udp 161:162, tcp 161
spamd: tcp 783
spiceproxy: tcp 3128
squid: tcp 3128
ssh: tcp 22
submission: tcp 587
svn: tcp 3690
syslog: udp 514, tcp 514
telnet: tcp 23
telnets: tcp 992
tftp: udp 69
time: tcp 37
trcrt: udp 33434:33524, icmp echo-request
vnc: tcp 5900:5999
vncl: tcp 5500
web: tcp 80, tcp 443
webcache: tcp 8080
webmin: tcp 10000
whois: tcp 43
"""
_ONLY_IPV6 = """
dhcpv6: udp 546:547 546:547
neighbordiscovery: icmpv6 router-solicitation, icmpv6 router-advertisement, icmpv6 neighbor-solicitation,
    icmpv6 neighbor-advertisement
ping: icmpv6 echo-request
trcrt: udp 33434:33524, icmpv6 echo-request
"""


def _form(text: str) -> Form:
    return Form(*(part.replace("|", ",") for part in text.split()))


def _table(text: str) -> dict[str, tuple[Form, ...]]:
    lines = (line.split(":", 1) for line in text.replace("\n    ", " ").strip().splitlines())
    return {name: tuple(map(_form, forms.split(","))) for name, forms in lines}


MACROS = _table(_FORMS)
"""By name in small letters: the case of a macro's name says nothing."""
IPV6_MACROS = _table(_ONLY_IPV6)
"""Those that stand for something else with IPv6, or for nothing without it."""


def forms_of(name: str, version: int) -> tuple[Form, ...] | None:
    """What a macro stands for in a version of IP, which may be nothing; None if there is no such macro."""
    macro = name.lower()
    if macro not in MACROS and macro not in IPV6_MACROS:
        return None
    table = {**MACROS, **IPV6_MACROS} if version == 6 else MACROS  # noqa: PLR2004 - the version of IP
    return table.get(macro, ())
