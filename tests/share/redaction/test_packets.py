"""Whatever is replaced, no message and no packet changes its size."""

import random

import pytest

from postproc.read.records import Described, Record, pieces
from tests.canaries import packets as canaries
from tests.canaries.seeds import Canaries
from tests.canaries.sip import description, messages
from tests.share.redaction.parts import SDP, invite, pseudonyms

SIGNS = [each.encode() for each in 'ü€ß"\\\n\r <>:;,@=/%\t09aZ[]'] + [
    b"\xfc",
    b"\0",
    b"\r\n",
    b"\r\n\r\n",
    b"::",
    b"1.2.3.4",
]
FORMS = [
    b"OPTIONS sip:a@b.de SIP/2.0\nTo: <sip:a@b.de>\n\nbody",
    b"OPTIONS  sip:a@b.de SIP/2.0  \r\n\r\n",
    'OPTIONS sip:a@b.de SIP/2.0\r\nFrom: "Jürgen \\"J\\"" < sip:jürgen@b.de >;x="a\\"";y="é"\r\n\r\n'.encode(),
    b"OPTIONS sip:a@[fe80::1%eth0] SIP/2.0\r\nVia: SIP/2.0/UDP [2A02:0810::0007]:5060\r\n\r\n",
    b"OPTIONS sip:a@[::ffff:5b0a:141e] SIP/2.0\r\nVia: SIP/2.0/UDP [::ffff:8.8.8.8];received=::ffff:808:808\r\n\r\n",
    b"SIP/2.0 403 see https://anna:pw@portal.kunde.de/x?y=10.0.48.0/20 or ::ffff:5b0a:141e\r\n\r\n",
    "MESSAGE sip:a@b.de SIP/2.0\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nGrüß Gott €".encode(),
    b"INVITE sip:a@b.de SIP/2.0\r\nc: application/sdp\r\n\r\nv=0\r\no=- 99 100 IN IP4 9.9.9.9\r\na=fingerprint: sha-256  AA:BB \r\n",
    b"INVITE sip:a@b.de SIP/2.0\r\nc: application/sdp\r\n\r\no=x 1 999999999 IN IP6 ::ffff:5b0a:141e\r\no=- 8888 8889 IN IP4 1.1.1.1",
]


@pytest.mark.parametrize("old", FORMS)
def test_a_message_is_as_long_as_before_however_it_is_written(old):
    made = pseudonyms()
    assert len(made.messages.message(old)) == len(old)


@pytest.mark.parametrize("seed", range(4))
def test_a_message_with_anything_in_it_is_as_long_as_before(seed):
    chance, made = random.Random(seed), pseudonyms()
    seeds = [*messages(Canaries(seed), description(Canaries(seed + 9))), *FORMS, invite(SDP)]
    for _ in range(400):
        old = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(6)):
            at = chance.randrange(len(old) + 1)
            old[at : at + chance.randrange(3)] = chance.choice(SIGNS)
        assert len(made.messages.message(bytes(old))) == len(old), bytes(old)


def test_every_packet_of_every_protocol_is_as_long_as_before(tmp_path):
    (tmp_path / "a.pcapng").write_bytes(canaries.capture(Canaries(5)))
    changed, types, packets = 0, [], pseudonyms().packets()
    with pieces(tmp_path / "a.pcapng") as found:
        read = list(found)
    types = [piece.link_type for piece in read if isinstance(piece, Described)]
    records = [piece for piece in read if isinstance(piece, Record)]
    for each in records:
        packets.note(each.frame, types[each.interface], each.data)
    packets.finish()
    for each in records:
        new = packets.packet(each.frame, types[each.interface], each.data)
        assert len(new) == len(each.data), each.frame
        changed += new != each.data
    assert changed > 100
