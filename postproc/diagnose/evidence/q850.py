"""Causes of ITU-T Q.850 that Reason headers carry (RFC 3326), as far as they say more than the SIP status."""

from collections.abc import Mapping

from postproc.model.text import Text

# ITU-T Q.850, section 2.2.7: causes that are more specific than the SIP status.
CAUSES: Mapping[int, Text] = {
    1: Text(
        "Q.850 cause 1: the number is not assigned.", "Q.850-Ursache 1: Die Rufnummer ist nicht vergeben."
    ),
    3: Text("Q.850 cause 3: no route to the destination.", "Q.850-Ursache 3: kein Weg zum Ziel."),
    20: Text(
        "Q.850 cause 20: the subscriber is absent.", "Q.850-Ursache 20: Der Teilnehmer ist nicht angemeldet."
    ),
    21: Text("Q.850 cause 21: the call was rejected.", "Q.850-Ursache 21: Der Anruf wurde abgelehnt."),
    22: Text("Q.850 cause 22: the number has changed.", "Q.850-Ursache 22: Die Rufnummer hat sich geändert."),
    27: Text(
        "Q.850 cause 27: the destination is out of order.", "Q.850-Ursache 27: Das Ziel ist außer Betrieb."
    ),
    28: Text("Q.850 cause 28: invalid number format.", "Q.850-Ursache 28: ungültiges Rufnummernformat."),
    34: Text("Q.850 cause 34: no free channel.", "Q.850-Ursache 34: kein freier Kanal."),
    38: Text("Q.850 cause 38: the network is out of order.", "Q.850-Ursache 38: Das Netz ist gestört."),
    41: Text("Q.850 cause 41: temporary failure.", "Q.850-Ursache 41: vorübergehender Fehler."),
    42: Text("Q.850 cause 42: congestion.", "Q.850-Ursache 42: Überlast."),
    57: Text("Q.850 cause 57: service not authorised.", "Q.850-Ursache 57: Dienst nicht freigegeben."),
    58: Text(
        "Q.850 cause 58: bearer capability not available.",
        "Q.850-Ursache 58: Dienst zurzeit nicht verfügbar.",
    ),
    65: Text(
        "Q.850 cause 65: bearer capability not implemented, such as a codec without a transcoder.",
        "Q.850-Ursache 65: Dienst nicht unterstützt, etwa ein Codec ohne Transcoder.",
    ),
    79: Text("Q.850 cause 79: service not implemented.", "Q.850-Ursache 79: Dienst nicht implementiert."),
    88: Text("Q.850 cause 88: incompatible destination.", "Q.850-Ursache 88: inkompatibles Ziel."),
    102: Text("Q.850 cause 102: a timer expired.", "Q.850-Ursache 102: Ein Timer ist abgelaufen."),
}
NORMAL_CLEARING = 16  # somebody hung up: adds nothing to the BYE itself
# Classes 2 to 4: resource, service or network unavailable, or not implemented.
BROKEN_DOWN = frozenset({27, 34, 38, 41, 42, 43, 44, 47, 58, 63, 65, 69, 70, 79})
NUMBER_CAUSES = frozenset({1, 22, 28})  # of Q.850: unassigned, changed, incomplete
