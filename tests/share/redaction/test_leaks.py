import pytest

from postproc.share.redaction import leaks
from tests.share.redaction.parts import invite, pseudonyms


@pytest.fixture
def originals():
    made = pseudonyms()
    made.messages.message(invite())
    made.addresses.mac(bytes.fromhex("001122334455"))
    return made.originals()


@pytest.mark.parametrize(
    "text",
    [
        b"to +498984079810.",
        b"+498984079810".hex().encode(),
        b"x 10.0.50.118:5060",
        b"<sip:721@x>",
        b"ANNA".replace(b"ANNA", b'"721"'),
        b"9F1884C7FF0A4BE68A40378784D939B3",
        b"foundation H0a003276",
        b"id 001122334455",
        b"pbx.kunde.de",
    ],
)
def test_an_original_is_found_in_text(originals, text):
    assert leaks.in_text(b"some text " + text + b" more", originals)


@pytest.mark.parametrize(
    "text", [b"port 721", b"110.0.50.118", b"10.0.50.1180", b"Wannabe Annabel", b"", b"audio INVITE"]
)
def test_what_only_looks_like_one_is_not(originals, text):
    assert leaks.in_text(text, originals) == []


@pytest.mark.parametrize(
    ("around", "found"),
    [
        (b'name="721";', True),
        ('"ä":"721","ö"'.encode(), True),
        ("grüß€"[:5].encode() + b'"721"' + "€".encode()[:2], True),  # cut within a character
        (b'"721"', True),
        (b'\x8f\x02\xd1\x00"721"\xc1\x05\x00', False),
        (b'abcd"721"\x00\x01ab', False),
        (b'\xff\xfeab"721"abcd', False),
    ],
)
def test_a_short_word_between_signs_counts_only_in_text(originals, around, found):
    """Random bytes spell a few given ones again and again; a copy was refused for it now and then."""
    assert bool(leaks.in_text(around, originals)) is found


def test_addresses_are_found_as_bytes_and_under_the_xor(originals):
    plain = bytes([10, 0, 50, 118])
    masked = bytes(a ^ b for a, b in zip(plain, bytes.fromhex("2112a442"), strict=True))
    assert leaks.in_packets(b"x" + plain, originals)
    assert leaks.in_packets(b"xyz" + masked + b"z", originals)
    assert leaks.in_packets(bytes.fromhex("001122334455"), originals)
    assert leaks.in_packets(bytes(100), originals) == []


def test_an_address_of_nulls_is_found_as_text_alone():
    made = pseudonyms()
    made.addresses.text("10.0.0.6")
    made.addresses.mac(bytes.fromhex("000000000011"))
    assert leaks.in_packets(bytes.fromhex("00080a000006") + bytes(8) + b"\x11\x11", made.originals()) == []
    assert leaks.in_text(b"from 10.0.0.6:5060", made.originals())
    assert leaks.in_text(b"mac 00:00:00:00:00:11", made.originals())


def test_an_original_that_is_a_pseudonym_elsewhere_is_not_looked_for_and_counted():
    made = pseudonyms()
    new = made.addresses.text("198.51.100.77")
    assert made.originals().ambiguous == 0
    made.addresses.text(new)
    assert leaks.in_text(new.encode(), made.originals()) == []
    assert leaks.in_text(b"198.51.100.77", made.originals())
    assert made.originals().ambiguous == 1


def test_a_word_of_an_unknown_header_that_a_dictionary_knows_does_not_count():
    made = pseudonyms()
    made.texts.opaque("telephone-event of Bernadette")
    assert leaks.in_text(b"telephone-event", made.originals()) == []
    assert leaks.in_text(b"bernadette", made.originals())


def test_a_short_word_that_stands_for_another_is_not_taken_for_one_that_is_left():
    made = pseudonyms()
    new = made.words.word("zq")
    made.words.word(new)  # of two letters there are few: one is somebody's and a pseudonym
    assert leaks.in_text(f'"{new}"'.encode(), made.originals()) == []
    assert leaks.in_text(b'"zq"', made.originals())
