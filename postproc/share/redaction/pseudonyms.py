"""All that replaces, put together around one key: what is equal before is equal after, in every file."""

import hmac
from collections.abc import Iterable

from postproc.share.redaction import leaks
from postproc.share.redaction.addresses import Addresses
from postproc.share.redaction.dtls import Handshakes
from postproc.share.redaction.known import Known
from postproc.share.redaction.leaks import Originals
from postproc.share.redaction.logs import Logs
from postproc.share.redaction.packets import Packets
from postproc.share.redaction.sdp import Descriptions
from postproc.share.redaction.sip import Messages
from postproc.share.redaction.stun import StunMessages
from postproc.share.redaction.tally import Tally
from postproc.share.redaction.texts import Texts
from postproc.share.redaction.words import Words


class Pseudonyms:
    """The pseudonyms of one key; ``products`` are patterns of names that say a product.

    ``tally`` says what was replaced, ``known`` which words may stay.
    """

    def __init__(self, key: bytes, products: Iterable[str] = ()) -> None:
        self.known, self.tally = Known(products), Tally()
        self.addresses = Addresses(_derived(key, b"addresses"), self.tally)
        self.words = Words(_derived(key, b"words"), self.addresses, self.tally)
        self.texts = Texts(self.words, self.addresses, self.known, self.tally)
        self.descriptions = Descriptions(self.texts, _derived(key, b"fingerprints"))
        self.messages = Messages(self.texts, self.descriptions)
        self.handshakes = Handshakes(_derived(key, b"certificates"), self.tally)
        self.logs = Logs(self.texts, self.descriptions, self.messages)
        self._stun = StunMessages(self.texts, self.descriptions, _derived(key, b"transactions"))

    def packets(self) -> Packets:
        """What replaces in the packets of one capture."""
        return Packets(self.addresses, self.messages, self._stun, self.handshakes, self.tally)

    def learn_fingerprints(self) -> None:
        """All certificates are noted: the session descriptions name those that take their place."""
        self.descriptions.fingerprints |= dict(self.handshakes.fingerprints())

    def collides(self) -> bool:
        """Whether a pseudonym is the original of something else."""
        return leaks.collides(self.addresses, self.words)

    def originals(self) -> Originals:
        """All that was replaced so far."""
        return leaks.originals(self.addresses, self.words, self.known, self.texts.plain)


def _derived(key: bytes, use: bytes) -> bytes:
    return hmac.digest(key, use, "sha256")
