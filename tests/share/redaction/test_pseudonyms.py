import pytest

from tests.share.redaction.parts import invite, pseudonyms

UUID = "de7a5318-c28d-4fd3-a268-fcd10c7294ec"


@pytest.fixture
def made():
    made = pseudonyms()
    made.messages.message(invite())
    return made


def test_a_description_in_the_log_is_that_of_the_message(made):
    line = "a=candidate:Hc0a8b222 1 udp 2130706431 192.168.178.34 33246 typ host"
    assert made.logs.line(f"{UUID} {line}").partition(" ")[2] == made.descriptions.line(line)
    assert "vGPBP5qiYyaIHeOqY5amUf" not in made.logs.line(f"{UUID} a=ice-pwd:vGPBP5qiYyaIHeOqY5amUf")


def test_headers_in_the_log_are_those_of_the_message(made):
    value = '"Anna Mobil" <sip:721@pbx.kunde.de:4901>;tag=WJPCATBDTQ'
    assert made.logs.line(f"   From: {value}") == f"   From: {made.messages.header('From', value)}"
    assert made.logs.line("   X-Customer: Anna").endswith(made.texts.opaque("Anna"))


def test_a_word_before_a_colon_is_no_header(made):
    line = "Hangup: cause NORMAL_CLEARING"
    assert made.logs.line(line) == line


def test_what_is_too_long_is_blanked_from_there(made):
    assert made.logs.line("x " * 10_000 + "+498984079810").endswith("+000000000000")
