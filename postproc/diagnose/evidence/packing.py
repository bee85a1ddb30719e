"""One codec in two payload formats (AMR, RFC 4867), in sentences of rule ``no-common-codec``."""

from collections.abc import Iterator, Mapping

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import audio
from postproc.diagnose.evidence.negotiation import Exchange, exchanges
from postproc.model.findings import Finding
from postproc.model.text import Text

OTHERWISE = Text(
    "{offerer} and {answerer} send {codec} on leg {number} in two payload formats: offered is {offered}, answered {answered}.",
    "{offerer} und {answerer} senden {codec} auf Leg {number} in zwei Payload-Formaten: angeboten ist {offered}, beantwortet"
    " {answered}.",
)
THE_SAME = Text(
    "octet-align, crc, robust-sorting and interleaving have to be the same on both sides; without them in a=fmtp the format is the"
    " bandwidth-efficient one (RFC 4867, section 8.3.1). So each side hears noise, or nothing, of packets that do arrive.",
    "octet-align, crc, robust-sorting und interleaving müssen auf beiden Seiten gleich sein; ohne sie in a=fmtp gilt das"
    " Format bandwidth-efficient (RFC 4867, Abschnitt 8.3.1). Jede Seite hört also Störgeräusche oder nichts von Paketen, die doch"
    " ankommen.",
)
SETTLE = Text(
    "play the streams, or look at the first octets of their payload: an octet-aligned one begins with a request of four bits and"
    " four zero bits.",
    "Die Streams abspielen oder die ersten Oktette der Payload ansehen: Octet-aligned beginnt mit vier Bit Anforderung und vier"
    " Nullbits.",
)
NAMES = {"plain": "bandwidth-efficient"}


def packed_otherwise(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each leg whose last agreement has an AMR codec in use in two payload formats."""
    for leg in case.numbers:
        agreed = [each for each in exchanges(case, leg) if each.accepted]
        used = {str(row.payload_type) for row in audio(case, leg)}
        for number, codec, offered, answered in _differing(agreed[-1]) if agreed else ():
            if number not in used:
                continue
            offer, answer = agreed[-1]
            yield Finding(
                rule,
                "suspect",
                0.7,
                evidence(offer.message, answer.message),
                OTHERWISE,
                (THE_SAME,),
                {
                    "offerer": offer.message.src_addr,
                    "answerer": answer.message.src_addr,
                    "number": leg,
                    "codec": codec,
                    "offered": NAMES.get(offered, offered),
                    "answered": NAMES.get(answered, answered),
                },
                SETTLE,
                leg=leg,
                tags=frozenset({"packed"}),
            )


def _differing(exchange: Exchange) -> Iterator[tuple[str, str, str, str]]:
    """Yield number, codec, and both formats of each answered AMR codec that the offer has in other formats only."""
    offer, answer = exchange.offer.audio, exchange.answer.audio
    names, offered = _parts(offer.codecs), _parts(offer.packing)
    for number, packing in _parts(answer.packing).items():
        codec = _parts(answer.codecs).get(number, "")
        alike = {offered[each] for each in offered if names.get(each, "").upper() == codec.upper()}
        same = {offered[number]} if number in offered else alike
        if same and packing not in same:
            yield number, codec, "/".join(sorted(same)), packing


def _parts(listed: str | None) -> Mapping[str, str]:
    pairs = (item.partition("=") for item in (listed or "").split(",") if item)
    return {number: value for number, _, value in pairs}
