"""Files with access lists: FreeSWITCH's XML, or a deployment file."""

from pathlib import Path

from postproc.model.deployment import Deployment
from postproc.model.errors import SetupError
from postproc.read import acl_conf, deployment, settings
from postproc.read.access import Access

LARGEST = 64 << 20  # bytes; a whole freeswitch.xml has a few million
XML = (b"<", b"\xff\xfe", b"\xfe\xff")  # or a byte order mark of UTF-16


def read(given: Path) -> Access:
    """Read acl.conf.xml, freeswitch.xml or a deployment (TOML, or a shipped one's name).

    Raises SetupError, also where an XML file has no lists in it.
    """
    if str(given) in deployment.SHIPPED:
        return _of(deployment.read(given))
    content = settings.content(given, LARGEST, "file of access lists")
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise SetupError(f"{given}: empty file")
    if text.startswith(XML) or given.suffix.lower() == ".xml":
        return acl_conf.read(content, str(given))
    return _of(deployment.parsed(content, given))


def _of(known: Deployment) -> Access:
    return Access(known.lists, known.candidate_acl, known.signalling_acl)
