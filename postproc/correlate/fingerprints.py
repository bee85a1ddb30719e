"""Certificates against the fingerprints in SDP (RFC 8122, section 5).

A description may list several fingerprints: any match will do. Those of the
description that the certificate's sender wrote are asked, found by its ufrag,
else by its transport address; where neither tells, any of the leg's.
"""

import hashlib
import re
from collections.abc import Iterable

import pandas as pd

from postproc.correlate.endpoints import Address, LegKey
from postproc.correlate.records import records

Fingerprint = tuple[str, str]  # hash function, digest in lower-case hex
Offered = dict[tuple[object, ...], set[Fingerprint]]

# RFC 8122 forbids md2 and md5: such a line neither proves nor disproves.
HASHES = {"sha-1": "sha1", "sha-224": "sha224", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
LINE = re.compile(r"([a-z]+-\d+)\s+([0-9a-f]{2}(?::[0-9a-f]{2})+)", re.IGNORECASE)


def offered(sdp_media: pd.DataFrame, legs: pd.DataFrame) -> Offered:
    """Return the fingerprints by (leg key, ufrag), (leg key, address), (leg key,) and (call,)."""
    known = sdp_media[sdp_media["fingerprint"].notna()]
    leg_of = {call_id: (call, leg) for call_id, call, leg in records(legs, "call_id", "call", "leg")}
    found: Offered = {}
    for call_id, text, ufrag, *address in records(
        known, "call_id", "fingerprint", "ufrag", "connection_addr", "port"
    ):
        leg = leg_of.get(call_id)
        if leg is not None:
            for key in ((leg, ufrag), (leg, tuple(address)), (leg,), (leg[0],)):
                found.setdefault(key, set()).update(parse(text))
    return found


def parse(text: str) -> set[Fingerprint]:
    """Return the fingerprints of an attribute that use a hash function we may trust."""
    return {
        (name.lower(), digest.replace(":", "").lower())
        for name, digest in LINE.findall(text)
        if name.lower() in HASHES
    }


def of_sender(
    fingerprints: Offered, leg: LegKey, ufrag: str | None, address: Address
) -> tuple[set[Fingerprint], bool]:
    """Return the fingerprints a certificate may match, and whether it must match one of them.

    It need not where they may all be of the other side, whose description alone was seen.
    """
    if ufrag is not None:
        return fingerprints.get((leg, ufrag), set()), True
    if own := fingerprints.get((leg, address)):
        return own, True
    of_leg = fingerprints.get((leg,) if leg[1] is not None else (leg[0],), set())
    return of_leg, len(of_leg) > 1


def sha256(certificate: str | None) -> str | None:
    """Return the SHA-256 of a certificate given as hex of its DER."""
    return _digest("sha-256", certificate) if certificate else None


def _digest(name: str, certificate: str) -> str | None:
    try:
        return hashlib.new(HASHES[name], bytes.fromhex(certificate)).hexdigest()
    except ValueError:  # not hex: the certificate is damaged
        return None


def matches(certificate: str, fingerprints: set[Fingerprint], must: bool = True) -> bool | None:
    """Tell whether any fingerprint is the certificate's; None where there is none to compare."""
    digests = {name: _digest(name, certificate) for name, _ in fingerprints}
    known = [digest == digests[name] for name, digest in fingerprints if digests[name] is not None]
    return True if any(known) else (False if known and must else None)


def verdict(matched: Iterable[bool | None]) -> bool | None:
    """One mismatch is False; all certificates matching is True; anything unknown is NA."""
    seen = list(matched)
    if False in seen:
        return False
    return True if seen and None not in seen else None
