"""Credentials that are asked for, missing or not accepted, in sentences of rule ``call-rejected``."""

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.signalling import Rejection
from postproc.model.findings import cause, remedy
from postproc.model.statuses import CHALLENGES, FORBIDDEN
from postproc.model.text import Text

UNANSWERED = Text(
    "{who} asks for credentials ({answer}), and the caller gives none.",
    "{who} verlangt Zugangsdaten ({answer}), und der Anrufer liefert keine.",
)
REFUSED = Text(
    "{who} does not accept the caller's credentials: {answer}.",
    "{who} akzeptiert die Zugangsdaten des Anrufers nicht: {answer}.",
)
UNKNOWN_DIGEST = Text(
    "The only digest asked for is {digest}; who knows MD5 only cannot answer that.",
    "Verlangt wird allein der Digest {digest}; wer nur MD5 kennt, kann darauf nicht antworten.",
)
CAUSES = (
    cause(
        "User name or password of the caller do not fit, or it is not set up for this server.",
        "Benutzername oder Kennwort des Anrufers passen nicht, oder er ist an diesem Server nicht eingerichtet.",
        tag="credentials",
    ),
    cause(
        "The caller's side has no user name and password for {who}, or not for the realm that it names; or {who} should know it by its"
        " address (a trunk without registration) and sees another one.",
        "Die anrufende Seite hat für {who} weder Benutzernamen noch Kennwort oder nicht für den Realm, den es nennt; oder {who} soll sie an"
        " der Adresse erkennen (Trunk ohne Registrierung) und sieht eine andere.",
        tag="no-credentials",
    ),
    cause(
        "The caller's side does not know the digest asked for ({digest}, RFC 8760).",
        "Die Seite des Anrufers kennt den verlangten Digest nicht ({digest}, RFC 8760).",
        tag="digest",
    ),
)
REMEDIES = (
    remedy(
        "Check user name and password on both sides.",
        "Benutzername und Kennwort auf beiden Seiten prüfen.",
        tag="credentials",
    ),
    remedy(
        "Set user name, password and realm at the caller's side; for a trunk without registration have the public address of its calls"
        " allowed at {who}.",
        "Benutzername, Kennwort und Realm bei der anrufenden Seite eintragen; bei einem Trunk ohne Registrierung deren öffentliche Adresse"
        " bei {who} freischalten lassen.",
        tag="no-credentials",
    ),
)


def missing(case: Case, refused: Rejection) -> bool:
    """Whether a challenge is answered with no credentials."""
    return refused.status in CHALLENGES and not _challenged(case, refused)


def _challenged(case: Case, refused: Rejection) -> bool:
    """Whether the refused INVITE responded to an earlier challenge on the leg."""
    return any(
        row.status in CHALLENGES and row.cseq_method == "INVITE" and row.cseq != refused.invite.cseq
        for row in case.sip_messages
        if row.call_id == refused.leg.call_id and row.time < refused.invite.time
    )


def unaccepted(case: Case, refused: Rejection) -> bool:
    """Whether the credentials were refused: a second challenge, or 403 after one, by the machine itself."""
    if refused.asked_on or not _challenged(case, refused):
        return False
    return refused.status in CHALLENGES or refused.status == FORBIDDEN


def digest(refused: Rejection) -> str | None:
    """Return the algorithms that a challenge asks for if MD5, which all know, is not among them."""
    if refused.status not in CHALLENGES:
        return None
    asked = (refused.response.challenge or "MD5").split(",")
    return None if "MD5" in asked else ", ".join(each for each in asked if each != "stale")
