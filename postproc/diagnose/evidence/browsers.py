"""Browsers that refuse an offer without what WebRTC demands (RFC 8834, RFC 8835), in sentences of ``call-rejected``."""

import re

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.signalling import Rejection, refused_offer
from postproc.model.findings import cause, remedy
from postproc.model.text import Text

# User agents of the libraries by which SIP runs in browsers.
BROWSERS = re.compile(r"jssip|sip\.js|sipml|browser|webrtc", re.IGNORECASE)
LACKING = Text(
    "{who} runs in a browser, and the offer lacks {lacks}, without which browsers take no call.",
    "{who} läuft in einem Browser, und dem Angebot fehlt {lacks}; ohne das nehmen Browser keinen Anruf an.",
)
CAUSE = cause(
    "The server describes that extension's media in part only as for a browser: WebRTC is not switched on for it, or only half.",
    "Der Server beschreibt die Medien dieser Nebenstelle nur zum Teil wie für einen Browser: WebRTC ist dafür nicht oder nur"
    " halb eingeschaltet.",
    tag="browser",
)
REMEDY = remedy(
    "Switch WebRTC on for the extension as a whole (Asterisk: webrtc=yes, which sets ICE, rtcp-mux, DTLS and AVPF), or off for"
    " a phone.",
    "WebRTC für die Nebenstelle ganz einschalten (Asterisk: webrtc=yes; das setzt ICE, rtcp-mux, DTLS und AVPF) oder für ein"
    " Telefon ganz ab.",
    tag="browser",
)


def lacks(case: Case, refused: Rejection) -> list[str]:
    """Return what an offer lacks of what browsers demand, if one refuses it."""
    offer = refused_offer(case, refused)
    if offer is None or not BROWSERS.search(refused.origin.user_agent or ""):
        return []
    audio = offer[1]
    demanded = {"a=fingerprint": audio.fingerprint, "a=ice-ufrag": audio.ufrag, "a=rtcp-mux": audio.rtcp_mux}
    return [name for name, present in demanded.items() if not present]
