"""A capture, a log and access lists with the texts of tests.hostile wherever somebody fills something in."""

import json
import re
from dataclasses import replace
from html import escape
from pathlib import Path
from shutil import copy

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import pcapng
from pcaps.make.builders.recording import Recording
from postproc.show.checklist import KEYS
from tests.conftest import PCAPS
from tests.hostile import TEXTS

UUID = "de7a5318-c28d-4fd3-a268-fcd10c7294ec"  # of the first leg in pcaps/good.freeswitch.log
HEAD = f"{UUID} 2026-11-22 22:38:50.494894 93.33% [NOTICE] switch_core_state_machine.c:1"
LONGEST = 4000  # characters: several of them have to fit into one packet
# What may be an argument: no NUL is, and a word that begins like an option is one.
ARGUMENTS = [text[:LONGEST] for text in TEXTS.values() if "\0" not in text and text[0] != "-"]
LISTS = ARGUMENTS[:3]
NOT_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAMES = {
    "capture": "=cmd\x1b[2J <img src=x>\n$(touch owned).pcapng",
    "log": "@SUM(1) [x](javascript:alert(1)) \u202e.log",
    "unread": "-o <script>alert(1)<svg onload=alert(1)>\x9b31m.pcap",
}


def recording() -> bytes:
    """A call for each text: in From, To, display name, Call-ID, User-Agent, Reason, SDP, SOFTWARE."""
    held = Recording("2026-12-04T00:00:00")
    for nth, text in enumerate(text[:LONGEST] for text in TEXTS.values()):
        ports = {
            "sip_server": ("10.0.50.117", 4910 + nth),
            "media": ("10.0.50.118", 31802 + 2 * nth),
            "trunk_media": ("10.0.50.118", 31000 + 2 * nth),
        }
        call = Call(
            held,
            f"hostile {nth}",
            replace(SATELLITE, **ports),
            caller=text,
            callee=f"+4989361{nth:02}55",
            caller_name=text,
            client_software=text[:120],
            offer_extra=(f"a=label:{text}", f"a=candidate:{text} 1 udp 1 {text} 5 typ host"),
            invite1_extra=(f"Subject: {text}",),
        )
        call.leg1.call_id, call.leg2.call_id = f"1{text}", f"2{text}"
        call.leg1.agents = call.leg2.agents = (text, text)
        at = 0.1 + nth
        call.begin(at)
        call.check(at + 0.02)
        status = (486, 500)[nth % 2]  # a busy callee is no finding, a failure is one, and quotes the Reason
        call.leg2.refuse(at + 0.3, status, extra=[f'Reason: Q.850;cause=17;text="{text}"'])
        call.leg1.refuse(at + 0.31, status, extra=[f'Reason: SIP;cause={status};text="{text}"'])
    return pcapng(held)


def log() -> str:
    """What a FreeSWITCH wrote of pcaps/good.pcapng, and lines with each text in the places of names."""
    lines = [
        f"{HEAD} {line}"
        for text in (re.sub(r"[\r\n\0]", "", text) for text in TEXTS.values())
        for line in (
            f"Hangup sofia/xphone/{text[:LONGEST]} [CS_EXECUTE] [NORMAL_CLEARING]",
            f"Processing {text[:LONGEST]} <{text[:LONGEST]}>->1 in context {text[:LONGEST]}",
        )
    ]
    return (PCAPS / "good.freeswitch.log").read_text(encoding="utf-8") + "\n".join(lines) + "\n"


def lists() -> str:
    """Access lists called, and holding, what XML can say of the texts."""
    texts = [
        re.sub(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text) for text in TEXTS.values()
    ]
    return "".join(
        ["<network-lists>"]
        + [
            f'<list name="{escape(text[:LONGEST])}" default="deny">'
            f'<node type="allow" cidr="{escape(text[:LONGEST])}"/>'
            f'<node type="allow" domain="{escape(text[:LONGEST])}"/></list>'
            for text in texts
        ]
        + ["</network-lists>"]
    )


def put(folder: Path) -> None:
    """Write all of it into a folder, under names that are hostile themselves."""
    (folder / NAMES["capture"]).write_bytes(recording())
    copy(PCAPS / "good.pcapng", folder / "good.pcapng")
    (folder / NAMES["log"]).write_text(log(), encoding="utf-8", errors="surrogateescape")
    (folder / NAMES["unread"]).write_bytes(b"\xd4\xc3\xb2\xa1 nothing")
    given = {key: " ".join(TEXTS.values())[: LONGEST * 2] if nth else "x" for nth, key in enumerate(KEYS)}
    (folder / "answers.json").write_text(json.dumps(given), encoding="utf-8")
    (folder / "acl.conf.xml").write_text(lists(), encoding="utf-8")
