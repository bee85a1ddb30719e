"""web.config of the mobile web application, which contacts the XPhone Server by WCF on port 2230."""

import html
from collections.abc import Iterable, Iterator

from postproc.config.appsettings import GRPC_PORT, HOST_PLACE, ITSELF_PERHAPS, NO_PORT, WCF_PORT
from postproc.config.hosts import Address, address_of, is_loopback
from postproc.config.problems import Problem, Role, same
from postproc.config.source import Setting
from postproc.config.xmlfile import Element
from postproc.model.text import Text

ENDPOINT = ("system.serviceModel", "client", "endpoint")  # below <configuration>, or a <location> in it
COMPILATION = ("system.web", "compilation")
ITSELF = Text(
    "the web server in the DMZ looks for the XPhone Server on itself (port 2230)",
    "der Webserver in der DMZ sucht den XPhone Server bei sich selbst (Port 2230)",
)
NO_ADDRESS = Text(
    "no address of a WCF endpoint: expected scheme, host and port",
    "keine Adresse eines WCF-Endpunkts: erwartet werden Schema, Host und Port",
)
GRPC = Text(
    "2231 is the port of the web API (gRPC); the mobile web application speaks WCF on 2230",
    "2231 ist der Port der Web-API (gRPC); die mobile Webanwendung spricht WCF auf 2230",
)
OTHER_PORT = Text(
    "not WCF's usual port: right only if the XPhone Server listens there and the firewall lets it through",
    "nicht der übliche Port von WCF: nur richtig, wenn der XPhone Server dort lauscht und die Firewall ihn durchlässt",
)
DEBUG = Text(
    "left over from a search for faults; makes the web application slow and its answers talkative",
    "von einer Fehlersuche übrig; macht die Webanwendung langsam und ihre Antworten geschwätzig",
)


def problems(elements: Iterable[Element], role: Role | None) -> Iterator[Problem]:
    """Yield what is wrong, in the order of the file."""
    for element in elements:
        if element.path[-3:] == ENDPOINT and "address" in element.attributes:
            yield from _endpoint(element.attributes["address"], role)
        elif element.path[-2:] == COMPILATION and element.get("debug").lower() == "true":
            yield Problem(element.attributes["debug"], same("false"), DEBUG, "hint")


def _endpoint(setting: Setting, role: Role | None) -> Iterator[Problem]:
    value = str(setting.value).strip()
    parts = address_of(value)
    if parts is None:
        yield Problem(setting, same(f"net.tcp://<server>:{WCF_PORT}/..."), NO_ADDRESS)
        return
    port = _port(parts)
    replace_host = is_loopback(parts.host) and role is Role.DMZ
    wrong_port = parts.scheme.lower() == "net.tcp" and parts.port in (0, GRPC_PORT)
    right = _with(value, parts, "<server>" if replace_host else parts.host, WCF_PORT if wrong_port else port)
    new = f'"{html.escape(right.replace("<server>", HOST_PLACE), quote=True)}"'
    if replace_host:
        yield Problem(setting, same(right), ITSELF, new=new)
    elif wrong_port:
        yield Problem(setting, same(right), GRPC if port == GRPC_PORT else NO_PORT, new=new)
    elif is_loopback(parts.host) and role is None:
        put = same(_with(value, parts, "<server>", port))
        yield Problem(setting, put, ITSELF_PERHAPS, "hint")
    if parts.scheme.lower() == "net.tcp" and not wrong_port and port != WCF_PORT:
        yield Problem(setting, same(_with(value, parts, parts.host, WCF_PORT)), OTHER_PORT, "hint")


def _port(parts: Address) -> int | None:
    """Return the port; without one it is 808 for net.tcp (IANA, ms-net-tcp), else None."""
    return parts.port if parts.port is not None else 808 if parts.scheme.lower() == "net.tcp" else None


def _with(url: str, parts: Address, host: str, port: int | None) -> str:
    """Return the URL with another host and port, all else unchanged."""
    rest = url[url.find("/", url.find("://") + 3) :] if "/" in url[url.find("://") + 3 :] else ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}{rest}"
