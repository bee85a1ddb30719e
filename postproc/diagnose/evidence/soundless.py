"""Video comes from a side and no audio, so that the path is open; for ``one-way-media``."""

from postproc.diagnose.evidence.case import Case
from postproc.model.findings import cause, remedy
from postproc.model.text import Text

TAG = "open"
OPEN = Text(
    "{pictures} packets of video come from {target} meanwhile: the path is open, and only audio is missing.",
    "Von {target} kommen währenddessen {pictures} Pakete Video: Der Weg ist offen, es fehlt nur Audio.",
)
CAUSE = cause(
    "{target} has no audio to send: microphone muted, missing or not permitted, or the audio track stopped or not added; or a server there"
    " gets no audio to pass on.",
    "{target} hat kein Audio zu senden: Mikrofon stummgeschaltet, nicht vorhanden oder nicht erlaubt, oder die Audiospur ist gestoppt oder"
    " nicht hinzugefügt; oder ein Server dort bekommt kein Audio zum Weitergeben.",
    tag=TAG,
)
REMEDY = remedy(
    "Check mute, microphone and its permission at {target}; in a browser chrome://webrtc-internals shows whether an audio track is sent.",
    "Bei {target} Stummschaltung, Mikrofon und dessen Berechtigung prüfen; im Browser zeigt chrome://webrtc-internals, ob eine Audiospur"
    " gesendet wird.",
    tag=TAG,
)


def pictures(case: Case, leg: int | None, sender: str, receiver: str) -> int:
    """Return the packets of video from one address to another; 0 if they are too few to show that the path is open."""
    ends = (leg, sender, receiver, "video")
    rows = (row for row in case.rtp_streams if (row.leg, row.src_addr, row.dst_addr, row.media) == ends)
    packets = sum(row.packets or 0 for row in rows)
    return packets if packets >= case.deployment.thresholds.one_way_packets else 0
