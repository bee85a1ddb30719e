"""Every documented key of a deployment file changes some result: none is read and then ignored."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from postproc.correlate import correlate
from postproc.diagnose import diagnose
from postproc.model.deployment import Deployment
from postproc.model.tables import Tables
from postproc.read import deployment
from postproc.read.capture import read
from postproc.read.deployment import KEYS
from tests.builders import GATEWAY, SERVER
from tests.conftest import PCAPS
from tests.correlate.scenes import leg
from tests.correlate.test_calls import joined
from tests.diagnose.refusals import CAUSE_88, NO_MEDIA, at_once
from tests.diagnose.scenes import (
    CLIENT_PRIVATE,
    CLIENT_PUBLIC,
    good,
    message,
    plain_stream,
    stream,
    tables,
    unanswered,
)
from tests.diagnose.test_capture_cut_short import RINGING, until
from tests.diagnose.test_media_lost import lossy
from tests.diagnose.test_media_stopped import SILENT, STOPPED

DEAD = {"bindings": unanswered(5), "pairs": [], "dtls": [], "rtp_streams": []}
REFUSED = at_once(488, reason_header=CAUSE_88)
SPARSE = stream("client_to_server", packets=30, expected=30, last_time=4.0)
LATE_SDP = [message(1, "INVITE", 0.0), message(1, 183, 0.9, has_sdp=True), message(1, 200, 3.0)]
LATE_MEDIA = {
    "rtp_streams": [stream(first_time=7.1, time=7.1), stream("client_to_server")],
    "dtls": [dict(good()["dtls"][0]) | {"completed": 7.0}],
}
ALIKE = [lossy(300), plain_stream(SERVER, GATEWAY, expected=1000, lost=300)]
LISTED = '[acl]\ncandidate = ["mine"]\n[acl.lists.mine]\n'


@dataclass(frozen=True)
class Setting:
    """A result, and two deployment files that differ in the key's value."""

    shown: Callable[[Deployment], object]
    before: str
    after: str


def judged(**scene) -> Callable[[Deployment], object]:
    """Return a function of the deployment: verdict, texts and remedies of the findings and of the call."""

    def shown(known):
        found, _ = diagnose(tables(**scene), known)
        columns = ["name", "verdict", "title", "detail", "causes", "remedies"]
        return (
            found.findings[columns].astype("string").fillna("").to_numpy().tolist(),
            found.calls[["verdict", "cause", "headline"]].astype("string").fillna("").to_numpy().tolist(),
        )

    return shown


@cache
def events() -> Tables:
    return read(PCAPS / "good.pcapng", "good.pcapng")


def recorded(table: str, *columns: str) -> Callable[[Deployment], object]:
    """Return a function of the deployment: columns of a table of a recorded call."""

    def shown(known):
        found = getattr(correlate(events(), known), table)
        return found[list(columns)].astype("string").fillna("").to_numpy().tolist()

    return shown


def numbers_agree(known: Deployment) -> object:
    """Return the score of two legs' numbers, one of which is in national format."""
    parts = (
        leg("a", 0.0, callee="02071838750"),
        leg("b", 0.1, "10.0.50.118:5060", "10.0.50.20:5060", callee="+442081838750"),
    )
    return joined(*parts, deployment=known).joins["score"].max()


def side_of_agents(known: Deployment) -> object:
    return recorded("candidates", "side", "side_by")(known)


def ice_alone(known: Deployment) -> object:
    """Return the directions of the checks in a call whose SIP was not captured."""
    none = {name: getattr(Tables(), name) for name in ("sip_messages", "sdp_media", "candidates")}
    return list(correlate(events().with_(**none), known).bindings["direction"])


def threshold(name: str, value: float, **scene) -> Setting:
    return Setting(judged(**scene), "", f"[thresholds]\n{name} = {value}")


ACCESS = judged(**REFUSED)
INVITE_REFUSED = judged(**at_once(403))
SETTINGS = {
    "base": Setting(side_of_agents, 'base = "xphone"', 'base = "generic"'),
    "name": Setting(
        judged(**DEAD),
        'name = "xphone"\nmedia_ports.server = ["40000-41000"]',
        'name = "ours"\nmedia_ports.server = ["40000-41000"]',
    ),
    "region": Setting(numbers_agree, 'region = "GB"', 'region = ""'),
    "public_addresses": Setting(judged(**DEAD), "", 'public_addresses = ["203.0.113.200/32"]'),
    "markers.client.sdp_owner": Setting(
        side_of_agents, 'base = "generic"', 'base = "generic"\n[markers.client]\nsdp_owner = ["IceLink"]'
    ),
    "markers.client.user_agent": Setting(
        side_of_agents, 'base = "generic"', 'base = "generic"\n[markers.client]\nuser_agent = ["sipsorcery"]'
    ),
    "markers.client.stun_software": Setting(
        ice_alone, "", '[markers.client]\nstun_software = ["FreeSWITCH"]'
    ),
    "markers.server.sdp_owner": Setting(
        side_of_agents, 'base = "generic"', 'base = "generic"\n[markers.server]\nsdp_owner = ["FreeSWITCH"]'
    ),
    "markers.server.user_agent": Setting(
        side_of_agents, 'base = "generic"', 'base = "generic"\n[markers.server]\nuser_agent = ["XPhone Call"]'
    ),
    "markers.server.stun_software": Setting(ice_alone, "", '[markers.server]\nstun_software = ["nobody"]'),
    "products.NAME": Setting(judged(**DEAD), "", '[products]\nxphone = ["nobody"]'),
    "media_ports.server": Setting(judged(**DEAD), "", '[media_ports]\nserver = ["40000-41000"]'),
    "acl.candidate": Setting(ACCESS, "", '[acl]\ncandidate = ["loopback.auto"]'),
    "acl.signalling": Setting(INVITE_REFUSED, "", '[acl]\nsignalling = ["loopback.auto"]'),
    "acl.whitelist": Setting(
        ACCESS, f'[acl]\nwhitelist = ["{CLIENT_PUBLIC}/32"]', '[acl]\nwhitelist = ["203.0.113.1/32"]'
    ),
    "acl.blacklist": Setting(
        ACCESS,
        '[acl]\nblacklist = ["203.0.113.1/32"]',
        '[acl]\nblacklist = ["198.51.100.0/24", "192.168.0.0/16"]',
    ),
    "acl.local_networks": Setting(
        ACCESS,
        '[acl]\ncandidate = ["localnet.auto"]\nlocal_networks = ["10.0.0.0/8"]',
        f'[acl]\ncandidate = ["localnet.auto"]\nlocal_networks = ["{CLIENT_PRIVATE}/24"]',
    ),
    "acl.lists.NAME.default": Setting(ACCESS, LISTED + 'default = "allow"', LISTED + 'default = "deny"'),
    "acl.lists.NAME.allow": Setting(
        ACCESS, LISTED + 'default = "deny"', LISTED + f'default = "deny"\nallow = ["{CLIENT_PUBLIC}/32"]'
    ),
    "acl.lists.NAME.deny": Setting(ACCESS, LISTED, LISTED + 'deny = ["0.0.0.0/0"]'),
    "thresholds.slow_negotiation_ms": threshold("slow_negotiation_ms", 1000, sip_messages=LATE_SDP),
    "thresholds.at_once_ms": threshold("at_once_ms", 1, **REFUSED),
    "thresholds.late_media_note_ms": threshold("late_media_note_ms", 5000, **LATE_MEDIA),
    "thresholds.late_media_ms": threshold("late_media_ms", 5000, **LATE_MEDIA),
    "thresholds.loss_note_percent": threshold(
        "loss_note_percent", 10, rtp_streams=[lossy(88), stream("client_to_server")]
    ),
    "thresholds.loss_percent": threshold(
        "loss_percent", 5, rtp_streams=[lossy(88), stream("client_to_server")]
    ),
    "thresholds.one_way_share": threshold("one_way_share", 0.01, rtp_streams=[stream(), SPARSE]),
    "thresholds.one_way_packets": threshold("one_way_packets", 2000),
    "thresholds.one_way_seconds": threshold("one_way_seconds", 30, rtp_streams=[stream(), SPARSE]),
    "thresholds.stopped_seconds": threshold("stopped_seconds", 13, phases=[SILENT], rtp_streams=STOPPED),
    "thresholds.dead_requests": threshold("dead_requests", 2, **DEAD | {"bindings": unanswered(2)}),
    "thresholds.dead_seconds": threshold("dead_seconds", 1, **DEAD | {"bindings": unanswered(2)}),
    "thresholds.too_short_seconds": threshold(
        "too_short_seconds",
        1,
        **NO_MEDIA | {"bindings": unanswered(2)},
        **until(3.5),
        legs=[leg_row | RINGING for leg_row in good()["legs"][:1]],
        sip_messages=[message(1, "INVITE", 0.0)],
    ),
    "thresholds.capture_loss_percent": threshold("capture_loss_percent", 50, rtp_streams=ALIKE),
}


@pytest.mark.parametrize("key", sorted(SETTINGS))
def test_another_value_changes_what_comes_out(key):
    setting = SETTINGS[key]
    before, after = (
        setting.shown(deployment.parsed(text.encode(), Path("d.toml")))
        for text in (setting.before, setting.after)
    )
    assert before != after


def test_every_documented_key_is_tried():
    assert set(SETTINGS) == set(KEYS)
