"""What is mutated: the captures of ``pcaps/`` (and of any folder more), and texts of each kind."""

from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

from postproc.model.errors import CaptureError
from tests.conftest import PCAPS
from tests.fuzz import trace as traces
from tests.fuzz.trace import Kind, Trace

MOST_PACKETS = 250  # of a seed: what goes on for seconds after that is media like the media before
CAPTURES = (".pcap", ".pcapng", ".pcapng.gz")

ACL = b"""<?xml version="1.0"?>
<configuration name="acl.conf" description="Network Lists">
  <network-lists>
    <list name="lan" default="allow">
      <node type="deny" cidr="192.168.42.0/24"/>
      <node type="allow" host="192.168.42.42" mask="255.255.255.255"/>
    </list>
    <list name="candidates" default="deny">
      <node type="allow" cidr="10.0.0.0/8,fe80::/10"/>
      <node type="allow" domain="$${domain}"/>
      <node type="deny" cidr="$${local_ip_v4}/32"/>
    </list>
  </network-lists>
  <profile name="internal"><settings>
    <param name="apply-candidate-acl" value="candidates"/>
    <param name="apply-inbound-acl" value="lan"/>
  </settings></profile>
</configuration>
"""
DEPLOYMENT = b"""base = "xphone"
name = "branch office"
region = "DE"
sip_ports = [5060, 4900]
public_addresses = ["203.0.113.10", "203.0.113.16/28"]
stun_servers = ["stun.example.org:3478", "192.0.2.53"]

[markers.server]
sdp_owner = ["FreeSWITCH"]
user_agent = ["XPhone.*"]

[media_ports]
server = ["30000-33000"]

[acl]
whitelist = ["10.0.0.0/8"]
blacklist = ["192.168.99.0/24"]
local_networks = ["10.0.50.0/24"]

[acl.lists.own]
default = "deny"
allow = ["10.0.0.0/8"]

[thresholds]
answer_s = 3
"""
ANSWERS = b"""customer_id = "4711"
symptom = "No sound for the caller, since 9 o'clock."
since = "2026-11-20, new firewall"
affected = "all users of 10.0.50.0/24"
direction = "both"
steps = "721 calls 089 9840798"
"""


@dataclass(frozen=True)
class Seed:
    """One sound capture."""

    path: Path

    @cached_property
    def trace(self) -> Trace:
        held = traces.read(self.path)
        return held.with_packets(list(held.packets[:MOST_PACKETS]))

    @cached_property
    def kinds(self) -> dict[Kind, list[int]]:
        """Which packets carry what."""
        held: dict[Kind, list[int]] = {}
        for at, each in enumerate(self.trace.packets):
            link_type = self.trace.interfaces[each.interface].link_type
            held.setdefault(traces.kind(link_type, each.data), []).append(at)
        return held


@dataclass(frozen=True)
class Corpus:
    captures: tuple[Seed, ...]
    texts: dict[str, tuple[bytes, ...]]  # by what they are


def corpus(more: Path | None = None) -> Corpus:
    """The seeds: those of the repository, and the captures of a folder more, as far as they can be read."""
    paths = sorted([*PCAPS.glob("*.pcap*"), *PCAPS.glob("made/*.pcap*")])
    paths += [each for each in sorted(more.rglob("*")) if each.name.endswith(CAPTURES)] if more else []
    logs = tuple(path.read_bytes() for path in sorted(PCAPS.glob("*.freeswitch.log")))
    shipped = resources.files("postproc") / "deployments"
    deployments = tuple((shipped / f"{name}.toml").read_bytes() for name in ("xphone", "generic"))
    return Corpus(
        tuple(seed for path in paths if (seed := Seed(path)) and _is_sound(seed)),
        {"log": logs, "acl": (ACL,), "deployment": (DEPLOYMENT, *deployments), "answers": (ANSWERS,)},
    )


def _is_sound(seed: Seed) -> bool:
    try:
        return bool(seed.trace.packets and seed.trace.interfaces)
    except CaptureError:
        return False
