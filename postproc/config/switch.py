"""FreeSWITCH's files, and so XCC's: access lists, addresses, RTP ports and the STUN server.

Meanings are those of FreeSWITCH 1.10: src/mod/endpoints/mod_sofia/sofia.c (profiles), sofia_glue.c
(sofia_glue_ext_address_lookup), switch.conf.xml of its vanilla configuration.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from postproc.config.hosts import is_address, is_host, is_loopback
from postproc.config.problems import Problem, Role, same
from postproc.config.source import Setting
from postproc.config.xmlfile import Element
from postproc.model.acl import network_of
from postproc.model.addresses import addr_class
from postproc.model.text import Text

VARIABLE = re.compile(r"\$\$\{([\w.-]{1,80})\}")
MEDIA = ("rtp-ip", "ext-rtp-ip")
SIGNALLING = ("sip-ip", "ext-sip-ip")
SHARED = {"external_rtp_ip": MEDIA[1], "external_sip_ip": SIGNALLING[1]}  # variables of vars.xml
FIRST_PORT, LAST_PORT = "rtp-start-port", "rtp-end-port"
PORTS = range(1024, 65536)
STUN_PORT = 3478  # RFC 8489, section 8
FALSE = ("false", "no", "off", "disabled")
LOCAL_NETWORK = "localnet"  # XCC's list of signalling peers is xcc_localnet
WORDS = ("auto", "auto-nat", "none")  # accepted by sofia in place of an address

OWN_PUT = Text(
    "the XCC's own address, as others reach it", "die eigene Adresse des XCC, unter der andere ihn erreichen"
)
MEDIA_LOOPBACK = Text(
    "media for nobody but this machine: apps and gateways cannot send there",
    "Medien nur für diesen Rechner: Apps und Gateways können nicht dorthin senden",
)
SATELLITE_LOOPBACK = Text(
    "with a satellite the XPhone Server is another machine and cannot reach 127.0.0.1",
    "beim Satelliten ist der XPhone Server ein anderer Rechner und erreicht 127.0.0.1 nicht",
)
PRIVATE_PUT = Text("the public address, or stun:HOST", "die öffentliche Adresse oder stun:HOST")
PRIVATE = Text(
    "a private address: apps outside are offered it and cannot send there; right only for calls within",
    "eine private Adresse: Apps außerhalb bekommen sie angeboten und können nicht dorthin senden;"
    " nur richtig für Anrufe innerhalb",
)
STUN_PUT = same("stun:HOST:3478")
STUN_ODD = Text(
    "no STUN server: expected stun: and a host, with a port or without",
    "kein STUN-Server: erwartet wird stun: und ein Host, mit Port oder ohne",
)
STUN_LOOPBACK = Text(
    "a STUN server on the same machine sees its loopback address, never the public one",
    "ein STUN-Server auf demselben Rechner sieht dessen Loopback-Adresse, nie die öffentliche",
)
STUN_OFF = Text(
    "STUN is switched off in this profile, and its ext-rtp-ip asks a STUN server: such calls fail",
    "STUN ist in diesem Profil abgeschaltet, und sein ext-rtp-ip fragt einen STUN-Server: solche Anrufe scheitern",
)
NO_PORT = Text("not a port from 1024 to 65535", "kein Port von 1024 bis 65535")
PORT_PUT = Text("the ports that the firewall lets through", "die Ports, die die Firewall durchlässt")
NO_RANGE = Text(
    "the range of RTP ports ends before it begins: no call gets media",
    "der Bereich der RTP-Ports endet, bevor er beginnt: Kein Anruf bekommt Medien",
)
NETWORK_PUT = Text("address/prefix length, as 192.0.2.1/32", "Adresse/Präfixlänge, wie 192.0.2.1/32")
NO_NETWORK = Text(
    "no network with a prefix length: FreeSWITCH leaves the entry out",
    "kein Netz mit Präfixlänge: FreeSWITCH lässt den Eintrag aus",
)
LOCAL_ONLY_PUT = Text("the XPhone Server's address, too", "auch die Adresse des XPhone Servers")
LOCAL_ONLY = Text(
    "nothing but 127.0.0.1 is let in: a satellite answers the XPhone Server 403",
    "nur 127.0.0.1 wird eingelassen: Ein Satellit antwortet dem XPhone Server mit 403",
)

Found = Iterator[Problem]


class Switch(NamedTuple):
    """Ports, addresses and STUN servers that files name, for use in a deployment."""

    ports: tuple[range, ...] = ()
    public: tuple[str, ...] = ()
    stun: tuple[str, ...] = ()


def parameters(elements: Iterable[Element]) -> list[tuple[str, Setting]]:
    """Return ``param`` elements as name and value, and variables of vars.xml as the params they set."""
    pairs = []
    for element in elements:
        if element.path[-1] == "param" and "value" in element.attributes:
            pairs.append((element.get("name"), element.attributes["value"]))
        elif element.path[-1] == "X-PRE-PROCESS" and element.get("cmd").lower() == "set":
            data = element.attributes.get("data")
            name, equals, value = str(data.value).partition("=") if data else ("", "", "")
            if data and equals and name.strip() in SHARED:
                # The value follows the name, in the same quotes.
                at = data.end - 1 - len(value)
                pairs.append(
                    (SHARED[name.strip()], Setting(f"{data.key}:{name.strip()}", value, at, data.end - 1))
                )
    return pairs


def problems(elements: list[Element], role: Role | None) -> Found:
    """Yield what is wrong, in the order of the file."""
    pairs = parameters(elements)
    without_stun = {
        _profile(setting)
        for name, setting in pairs
        if name == "stun-enabled" and str(setting.value).lower() in FALSE
    }
    for name, setting in pairs:
        value = str(setting.value).strip()
        if not value or VARIABLE.search(value) or value.lower() in WORDS:
            continue
        if value.lower().startswith("stun:"):
            yield from _stun(setting, value, without_stun)
        elif name in MEDIA or name in SIGNALLING:
            yield from _address(name, setting, value, role)
        elif name in (FIRST_PORT, LAST_PORT) and _port(value) not in PORTS:
            yield Problem(setting, PORT_PUT, NO_PORT)
    yield from _range(pairs)
    yield from _lists(elements, role)


def _profile(setting: Setting) -> str:
    return setting.key.rpartition("/param")[0]


def _address(name: str, setting: Setting, value: str, role: Role | None) -> Found:
    if is_loopback(value):
        if name in MEDIA:
            yield Problem(setting, OWN_PUT, MEDIA_LOOPBACK)
        elif role is Role.SATELLITE:
            yield Problem(setting, OWN_PUT, SATELLITE_LOOPBACK)
    elif name == MEDIA[1] and addr_class(value) in ("private", "ula", "link_local"):
        yield Problem(setting, PRIVATE_PUT, PRIVATE, "hint")


def _stun(setting: Setting, value: str, without_stun: set[str]) -> Found:
    host, _ = stun_server(value)
    if not host:
        yield Problem(setting, STUN_PUT, STUN_ODD)
    elif is_loopback(host):
        yield Problem(setting, STUN_PUT, STUN_LOOPBACK)
    elif _profile(setting) in without_stun:
        yield Problem(setting, PRIVATE_PUT, STUN_OFF)


def stun_server(value: str) -> tuple[str, int]:
    """Return host and port of ``stun:HOST[:PORT]``; ("", 0) for anything else."""
    rest = value.partition(":")[2].strip()
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::([0-9]{1,5}))?", rest)
    host, port = (
        (bracketed[1], bracketed[2]) if bracketed else (rest.partition(":")[0], rest.partition(":")[2])
    )
    number = _port(port) if port else STUN_PORT
    return (host, number) if is_host(host) and 0 < number < 1 << 16 else ("", 0)


def _port(text: object) -> int:
    return int(match[0]) if (match := re.fullmatch(r"[0-9]{1,5}", str(text).strip())) else -1


def _range(pairs: list[tuple[str, Setting]]) -> Found:
    ends = dict(pairs)
    if FIRST_PORT in ends and LAST_PORT in ends:
        first, last = _port(ends[FIRST_PORT].value), _port(ends[LAST_PORT].value)
        if first in PORTS and last in PORTS and last <= first:
            yield Problem(ends[LAST_PORT], PORT_PUT, NO_RANGE)


def _lists(elements: list[Element], role: Role | None) -> Found:
    inbound = {
        element.get("value").partition(":")[0]
        for element in elements
        if element.path[-1] == "param" and element.get("name") == "apply-inbound-acl"
    }
    lists = _by_list(elements)
    signalling = inbound or {name for name in lists if name.endswith(LOCAL_NETWORK)}
    for name, nodes in lists.items():
        for node in nodes:
            if network := node.attributes.get("cidr"):
                yield from _networks(network)
        if role is Role.SATELLITE and name in signalling:
            yield from _only_itself(nodes)


def _networks(entry: Setting) -> Found:
    """Check the networks of an entry, separated by commas (switch_network_list_add_cidr_token)."""
    parts = [part.strip() for part in str(entry.value).split(",")]
    for part in parts:
        if not VARIABLE.search(part) and ("/" not in part or network_of(part) is None):
            alone = len(parts) == 1 and is_address(part)
            yield Problem(
                entry,
                NETWORK_PUT,
                NO_NETWORK,
                new=f'"{part}/{128 if ":" in part else 32}"' if alone else None,
            )


def _by_list(elements: list[Element]) -> Mapping[str, list[Element]]:
    """Return the nodes of each access list, by its name."""
    by_name: dict[str, list[Element]] = {}
    name = ""
    for element in elements:
        if element.path[-1] == "list":
            name = element.get("name")
            by_name.setdefault(name, [])
        elif element.path[-2:] == ("list", "node"):
            by_name.setdefault(name, []).append(element)
    return by_name


def _only_itself(nodes: list[Element]) -> Found:
    """Report a list that only allows the machine itself."""
    allowing = [node for node in nodes if node.get("type").lower() == "allow"]
    networks = [(node, network_of(node.get("cidr"))) for node in allowing if node.get("cidr")]
    if allowing and len(networks) == len(allowing) and all(net and net.is_loopback for _, net in networks):
        yield Problem(allowing[0].attributes["cidr"], LOCAL_ONLY_PUT, LOCAL_ONLY)


def facts(elements: list[Element]) -> Switch:
    """Return ports, public addresses and STUN servers, as far as the file itself names them."""
    pairs = parameters(elements)
    ends = {name: _port(setting.value) for name, setting in pairs if name in (FIRST_PORT, LAST_PORT)}
    first, last = ends.get(FIRST_PORT, -1), ends.get(LAST_PORT, -1)
    values = [str(setting.value).strip() for name, setting in pairs if name == MEDIA[1]]
    stun_servers = [stun_server(value) for value in values if value.lower().startswith("stun:")]
    public = [
        value for value in values if is_address(value) and addr_class(value) in ("public", "documentation")
    ]
    return Switch(
        (range(first, last + 1),) if first in PORTS and last in PORTS and first <= last else (),
        tuple(dict.fromkeys(public)),
        tuple(dict.fromkeys(f"{host}:{port}" for host, port in stun_servers if host)),
    )
