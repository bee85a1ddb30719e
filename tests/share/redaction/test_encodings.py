"""The last search finds a word however it was written: each way is planted here, by other means than ours."""

import base64
import gzip
import html
import json
import quopri
import zlib
from email.message import EmailMessage
from urllib.parse import quote

import pytest

from postproc.share.redaction import leaks
from postproc.share.redaction.leaks import Originals, views
from postproc.share.search import words_in_source
from tests.share.redaction.parts import pseudonyms

WORD, HOST, UMLAUT = "Zauberwald", "pbx.zauberwald.de", "Müller-Weiß"


@pytest.fixture(scope="module")
def originals() -> Originals:
    made = pseudonyms()
    for word in (WORD, UMLAUT, "+498984079810"):
        made.words.user(word)
    made.words.host(HOST)
    made.addresses.text("10.0.50.118")
    made.addresses.text("2001:db8:50::118")
    made.addresses.mac(bytes.fromhex("001122aabbcc"))
    return made.originals()


def percent(text: str) -> bytes:
    return "".join(f"%{byte:02X}" for byte in text.encode()).encode()


WAYS = {
    "upper": lambda text: text.upper().encode(),
    "latin-1": lambda text: text.encode("latin-1"),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "utf-32": lambda text: text.encode("utf-32-le"),
    "hex": lambda text: text.encode().hex().encode(),
    "hex in upper case": lambda text: text.encode().hex().upper().encode(),
    "hex with colons": lambda text: text.encode().hex(":").encode(),
    "hex of utf-16": lambda text: text.encode("utf-16-le").hex().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one off": lambda text: base64.b64encode(b"x " + text.encode() + b"!"),
    "base64, two off": lambda text: base64.b64encode(b" " + text.encode() + b" ?"),
    "base64 behind letters": lambda text: b"key" + base64.b64encode(text.encode()),
    "base64 of utf-16": lambda text: base64.b64encode(text.encode("utf-16-le")),
    "base64 in lines": lambda text: base64.encodebytes(b"." * 52 + text.encode() + b"." * 9),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"\xff\xfe" + b" " + text.encode()),
    "percent": percent,
    "percent, some": lambda text: quote(text[:3]).encode() + percent(text[3]) + quote(text[4:]).encode(),
    "quoted-printable": lambda text: quopri.encodestring(b"a" * 70 + b" " + text.encode()),
    "JSON": lambda text: json.dumps("ü" + " " + text).encode(),
    "JSON, all": lambda text: "".join(f"\\u{ord(char):04x}" for char in text).encode(),
    "C": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()).encode(),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()).encode(),
    "HTML": lambda text: "".join(f"&#{ord(char)};" for char in text).encode(),
    "HTML in hex": lambda text: "".join(f"&#x{ord(char):x};" for char in text).encode(),
    "HTML names": lambda text: html.escape(f'"{text}"').encode(),
    "zlib": lambda text: zlib.compress(f"{text} {text}".encode()),
    "base64 of gzip": lambda text: base64.b64encode(gzip.compress(f"one {text} two".encode() * 9)),
    "base64 of gzip of base64": lambda text: base64.b64encode(gzip.compress(base64.b64encode(text.encode()))),
}


@pytest.mark.parametrize("word", [WORD, UMLAUT, "+498984079810"])
@pytest.mark.parametrize("way", WAYS)
def test_a_word_is_found_however_it_was_written(originals, way, word):
    told = WAYS[way](word)
    around = b"" if way == "zlib" else b"\0\0some text: "
    assert leaks.in_text(around + told + around, originals)


@pytest.mark.parametrize("way", WAYS)
def test_what_nobody_was_called_is_not_found(originals, way):
    assert leaks.in_text(WAYS[way]("Sonnenblume und 77 Tulpen"), originals) == []


@pytest.mark.parametrize(
    "told",
    [
        b"de.zauberwald.pbx",
        b"\x03pbx\x0aZauberwald\x02de\0",
        b"x 118.50.0.10.in-addr.arpa",
        b"ip-10-0-50-118.ec2",
        b"2001:0DB8:0050:0000:0000:0000:0000:0118",
        b"[2001:db8:50:0:0:0:0:118]:5060",
        b"8.1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        b"00:11:22:AA:BB:CC",
        b"00-11-22-aa-bb-cc",
        b"0011.22aa.bbcc",
        bytes([10, 0, 50, 118]).hex().encode(),
    ],
)
def test_hosts_and_addresses_are_found_in_their_forms(originals, told):
    assert leaks.in_text(b"it was " + told + b" there", originals)


@pytest.mark.parametrize(
    "told", [b"110.0.50.118", b"10.0.50.118.7", b"1.10.0.50.118", b"10.0.50.1180", b"2001:db8:50::1189"]
)
def test_other_addresses_are_not(originals, told):
    assert leaks.in_text(told, originals) == []


def test_a_host_of_another_alphabet_is_found_in_the_dns():
    made = pseudonyms()
    made.words.user("müllerstübchen")
    assert leaks.in_text(b"at xn--mllerstbchen-zobj.de", made.originals()) == []
    told = "müllerstübchen".encode("idna")
    assert leaks.in_text(b"at " + told + b".de", made.originals())


def test_our_own_words_do_not_count_but_names_do(originals):
    ours = originals.besides({"zauberwald"})
    assert not leaks.in_text(b"Zauberwald", ours)
    assert leaks.in_text(UMLAUT.encode(), ours) and leaks.in_text(HOST.encode(), ours)


def test_names_in_comments_and_docstrings_are_not_our_words():
    source = '''
"""As Kuznetsov has it."""
NAME = Text("Who refused: {who}", "Wer hat abgelehnt: {who}")  # Ms Moon asked for it


def find(case):
    """Return what Sharp found."""
    return "re-INVITE"
'''
    words = words_in_source(source)
    assert {"refused", "abgelehnt", "find", "re-invite", "invite", "name"} <= words
    assert not words & {"kuznetsov", "moon", "sharp", "asked"}


def test_what_cannot_be_decoded_harms_nothing():
    for data in (
        b"xn--\xff-9999999999",
        b"&#9999999;&#xFFFFFF;\\udc80",
        b"=ZZ%GG\\u{110000}",
        b"\x78\x9c" * 9,
        b"",
    ):
        assert next(iter(views(data))) == data


def test_a_mail_is_read_like_any_text(originals):
    mail = EmailMessage()
    mail["Subject"] = "Störung"
    mail.set_content(f"Grüße aus dem {WORD}!\n" * 3, cte="base64")
    assert leaks.in_text(mail.as_bytes(), originals)
