"""The processors that QEMU can show to a guest, by vendor, the flags that a guest may set, and the machine types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_INTEL = """
486 Broadwell Broadwell-IBRS Broadwell-noTSX Broadwell-noTSX-IBRS Cascadelake-Server Cascadelake-Server-noTSX
Cascadelake-Server-v2 Cascadelake-Server-v4 Cascadelake-Server-v5 ClearwaterForest ClearwaterForest-v2
ClearwaterForest-v3 Conroe Cooperlake Cooperlake-v2 DiamondRapids GraniteRapids GraniteRapids-v2 GraniteRapids-v3
GraniteRapids-v4 GraniteRapids-v5 Haswell Haswell-IBRS Haswell-noTSX Haswell-noTSX-IBRS Icelake-Client
Icelake-Client-noTSX Icelake-Server Icelake-Server-noTSX Icelake-Server-v3 Icelake-Server-v4 Icelake-Server-v5
Icelake-Server-v6 Icelake-Server-v7 IvyBridge IvyBridge-IBRS KnightsMill Nehalem Nehalem-IBRS Penryn SandyBridge
SandyBridge-IBRS SapphireRapids SapphireRapids-v2 SapphireRapids-v3 SapphireRapids-v4 SapphireRapids-v5
SapphireRapids-v6 SierraForest SierraForest-v2 SierraForest-v3 SierraForest-v4 SierraForest-v5 Skylake-Client
Skylake-Client-IBRS Skylake-Client-noTSX-IBRS Skylake-Client-v4 Skylake-Server Skylake-Server-IBRS
Skylake-Server-noTSX-IBRS Skylake-Server-v4 Skylake-Server-v5 Westmere Westmere-IBRS core2duo coreduo pentium pentium2
pentium3
"""
_AMD = """
EPYC EPYC-Genoa EPYC-Genoa-v2 EPYC-IBPB EPYC-Milan EPYC-Milan-v2 EPYC-Milan-v3 EPYC-Rome EPYC-Rome-v2 EPYC-Rome-v3
EPYC-Rome-v4 EPYC-Rome-v5 EPYC-Turin EPYC-v3 EPYC-v4 EPYC-v5 Opteron_G1 Opteron_G2 Opteron_G3 Opteron_G4 Opteron_G5
athlon phenom
"""
_ARM = """
a64fx cortex-a35 cortex-a53 cortex-a55 cortex-a57 cortex-a710 cortex-a72 cortex-a76 cortex-a78ae neoverse-n1 neoverse-n2
neoverse-v1
"""
VENDORS: Mapping[str, str] = {
    **dict.fromkeys(_INTEL.split(), "GenuineIntel"),
    **dict.fromkeys(_AMD.split(), "AuthenticAMD"),
    **dict.fromkeys("host kvm32 kvm64 max qemu32 qemu64".split(), "default"),  # noqa: SIM905 - a list of words
}
ARM_MODELS = ("host", "max", *_ARM.split())
REPORTED_MODELS = (*VENDORS, *_ARM.split())
PROFILES = ("x86-64-v2", "x86-64-v2-AES", "x86-64-v3", "x86-64-v4")
"""Proxmox's own profiles, which are no models of QEMU's."""

VM_FLAGS: Mapping[str, str] = {
    "nested-virt": "Lets the guest run machines of its own, whatever the vendor calls that.",
    "aes": "Encryption in hardware.",
    "amd-no-ssb": "Tells the guest that an AMD host is safe from Speculative Store Bypass.",
    "amd-ssbd": "Faster protection from Speculative Store Bypass on AMD, along with virt-ssbd.",
    "hv-evmcs": "Faster nested virtualization of Windows on Intel.",
    "hv-tlbflush": "Faster Windows guests on a busy host.",
    "ibpb": "Protection from Spectre on AMD.",
    "md-clear": "Tells the guest that the host mitigates MDS.",
    "pcid": "Makes the protection from Meltdown cheaper on older Intel processors.",
    "pdpe1gb": "Memory pages of one gigabyte.",
    "spec-ctrl": "Protection from Spectre on Intel.",
    "ssbd": "Protection from Speculative Store Bypass on Intel.",
    "virt-ssbd": "Base of the protection from Speculative Store Bypass on AMD.",
}
OTHER_FLAGS = ("avx", "avx2", "f16c", "fma", "movbe", "popcnt", "rdrand", "smep", "sse4.1", "sse4.2", "vmx", "x2apic")
ON_HOSTS = frozenset((*OTHER_FLAGS, "nested-virt", "aes", "md-clear", "pcid", "pdpe1gb", "spec-ctrl", "ssbd"))
"""The flags that the processors of all simulated hosts have, which are Intel's."""

_VERSIONS = (
    "10.0+pve1 10.0 9.2+pve1 9.2 9.1 9.0 8.2 8.1 8.0 7.2 7.1 7.0 6.2 6.1 6.0 5.2 5.1 5.0 4.2 4.1+pve2 4.1+pve1 4.1"
    " 4.0.1 4.0 3.1 3.0 2.12 2.11 2.10 2.9 2.8 2.7 2.6 2.5 2.4"
)
_CHANGES = {
    "10.0+pve1": "Set host_mtu vNIC option even with default value for migration compat.",
    "9.2+pve1": "Disables S3/S4 power states by default.",
    "4.1+pve2": "Increases the number of SCSI drives supported.",
    "4.1+pve1": "Introduction of pveX versioning, no changes.",
}
_ONLY_Q35 = ("4.0.1",)


def machines() -> Iterator[dict[str, str]]:
    """Yield the machine types, newest first."""
    for version in _VERSIONS.split():
        for kind in ("i440fx", "q35"):
            if kind == "q35" or version not in _ONLY_Q35:
                row = {"id": f"pc-{kind}-{version}", "type": kind, "version": version}
                yield row | ({"changes": _CHANGES[version]} if version in _CHANGES else {})
