"""All that replaces, put together around one key: what is equal before is equal after, in every file."""

import hmac
from collections.abc import Iterable

from postproc.present.redaction import leaks
from postproc.present.redaction.addresses import Addresses
from postproc.present.redaction.dtls import Handshakes
from postproc.present.redaction.known import Known
from postproc.present.redaction.leaks import Originals
from postproc.present.redaction.logs import Logs
from postproc.present.redaction.packets import Packets
from postproc.present.redaction.sdp import NAMES, Descriptions
from postproc.present.redaction.sip import CALLS, DIGEST, HARMLESS, PARTIES, Messages
from postproc.present.redaction.stun import StunMessages
from postproc.present.redaction.tally import Tally
from postproc.present.redaction.texts import Texts
from postproc.present.redaction.uris import PLAIN_PARAMETERS
from postproc.present.redaction.words import Words

# Words of the protocols themselves, wherever they stand.
VOCABULARY = (
    HARMLESS
    | PARTIES
    | DIGEST
    | CALLS
    | PLAIN_PARAMETERS
    | NAMES
    | {"sha-1", "sha-256", "sha-384", "sha-512"}
)


class Pseudonyms:
    """The pseudonyms of one key; ``products`` are patterns of names that say a product."""

    def __init__(self, key: bytes, products: Iterable[str] = ()) -> None:
        known = tuple(products)
        self.known, self.tally = Known(known), Tally()
        self.addresses = Addresses(_derived(key, b"addresses"))
        self.words = Words(_derived(key, b"words"), self.addresses)
        self.texts = Texts(self.words, self.addresses, known)
        self.descriptions = Descriptions(self.texts, _derived(key, b"fingerprints"), known)
        self.messages = Messages(self.texts, self.descriptions)
        self.handshakes = Handshakes(_derived(key, b"certificates"))
        self.logs = Logs(self.texts, self.descriptions, self.messages)
        self._stun = StunMessages(self.texts, self.descriptions)

    def packets(self) -> Packets:
        """What replaces in the packets of one capture."""
        return Packets(self.addresses, self.messages, self._stun, self.handshakes)

    def learn_fingerprints(self) -> None:
        """All certificates are noted: the session descriptions name those that take their place."""
        self.descriptions.fingerprints |= dict(self.handshakes.fingerprints())

    def collides(self) -> bool:
        """Whether a pseudonym is the original of something else."""
        return leaks.collides(self.addresses, self.words)

    def originals(self) -> Originals:
        """All that was replaced so far."""
        common = self.texts.common | VOCABULARY
        return leaks.originals(self.addresses, self.words, common, self.texts.plain)


def _derived(key: bytes, use: bytes) -> bytes:
    return hmac.digest(key, use, "sha256")
