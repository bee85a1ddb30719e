"""What the machines of a call are called, from what they say of themselves.

The table of products is data, as in deployments/: a party of which nothing is
known bears its part in the call.
"""

import re
from dataclasses import dataclass

from postproc.model.text import Lang, Text
from postproc.model.vocabulary import PICTURES, SIDES, capital
from postproc.show.pictures.lettering import plain

VERSION = re.compile(r"[/ _-]v?\d[\w.\-]*.*$")  # "LabPBX/16.2", "sipsorcery_v4.0.79.1", "FPBX-15.0"
LONGEST = 40


@dataclass(frozen=True)
class Product:
    """``pattern`` is searched for in User-Agent or SDP owner; ``beside``: in calls with that, only."""

    name: str
    pattern: str
    beside: str = ""


PRODUCTS = (
    Product("XCC", r"XPhone Call Controller"),
    Product("XPhone Server", r"^sipsorcery", beside=r"XPhone Call Controller"),
    Product("XPhone Client", r"^IceLink", beside=r"XPhone Call Controller"),
    Product("FreeSWITCH", r"FreeSWITCH"),
)
PARTS = {
    "caller": Text("Caller", "Anrufer"),
    "called": Text("Called party", "Angerufener"),
    "b2bua": Text("B2BUA", "B2BUA"),
    "proxy": Text("Proxy", "Proxy"),
    "client": capital(SIDES["client"]),
    "server": capital(SIDES["server"]),
    "media": capital(PICTURES["media"]),
    "stun": Text("STUN server", "STUN-Server"),
    "relay": Text("TURN server", "TURN-Server"),
    "icmp": Text("Router", "Router"),
    "other": Text("Host", "Host"),
    "more": Text("Further hosts", "Weitere Hosts"),
}


def name(part: str, agent: str | None, agents: list[str], lang: Lang) -> str:
    """The name of a party; ``agents`` are those of all parties of the call."""
    for product in PRODUCTS if agent else ():
        beside = not product.beside or any(re.search(product.beside, other) for other in agents)
        if beside and re.search(product.pattern, agent or ""):
            return product.name
    own = VERSION.sub("", plain(agent)).strip()
    return own if 0 < len(own) <= LONGEST else PARTS[part].of(lang)
