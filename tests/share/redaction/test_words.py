import pytest

from postproc.share.redaction.addresses import Addresses
from postproc.share.redaction.words import Words


@pytest.fixture
def words():
    return Words(b"a key", Addresses(b"a key"))


@pytest.mark.parametrize("word", ["721", "+498984079810", "anna.mobil", "Anna", "gw+pbx", "9f1884c7ff0a4be6"])
def test_a_word_gets_another_of_its_shape(words, word):
    new = words.user(word)
    assert new != word
    assert len(new) == len(word)
    assert [c.isdigit() for c in new] == [c.isdigit() for c in word]
    assert [c.isupper() for c in new] == [c.isupper() for c in word]


def test_a_number_is_the_same_however_it_is_written(words):
    international, national, double_zero = map(words.user, ("+498984079810", "08984079810", "00498984079810"))
    assert international[:3] == "+49"
    assert national == "0" + international[3:]
    assert double_zero == "00" + international[1:]
    assert international.endswith(words.user("9810"))


def test_no_two_numbers_become_one(words):
    assert len({words.user(f"{number:03}") for number in range(1000)}) == 1000


def test_capitals_make_no_other_word(words):
    assert words.user("ANNA").lower() == words.user("anna")


@pytest.mark.parametrize("word", ["anonymous", "Unavailable", ""])
def test_who_withholds_the_number_still_does(words, word):
    assert words.user(word) == word


def test_what_a_b2bua_adds_to_a_call_id_stays_and_the_rest_is_recognised(words):
    assert words.call_id("9f1884c7ff0a4be6_b2b-1") == words.call_id("9f1884c7ff0a4be6") + "_b2b-1"
    assert words.call_id("abc-9f1884c7").startswith(words.call_id("abc") + "-")


def test_the_host_of_a_call_id_is_that_of_a_uri(words):
    assert words.call_id("x1@10.0.50.118").partition("@")[2] == words.host("10.0.50.118")


@pytest.mark.parametrize(
    ("host", "end"), [("pbx.kunde.de:5061", ".de:5061"), ("[2001:db8::1]:5060", "]:5060"), ("fs1", "")]
)
def test_a_host_keeps_its_port_and_its_top_level_domain(words, host, end):
    new = words.host(host)
    assert new != host
    assert new.endswith(end)


def test_letters_of_other_alphabets_and_broken_bytes_do_not_pass(words):
    new = words.user("Jürgen Ωμέγα \udcfc")
    assert not set("üΩμέγα\udcfc") & set(new)


@pytest.mark.parametrize("letter", "İŉǰΐﬁ")
def test_letters_that_become_two_when_small_or_large_do_not_pass(words, letter):
    new = words.user(f"a{letter}b")
    assert len(new.encode()) == len(f"a{letter}b".encode())
    assert letter not in new


def test_what_is_endless_is_blanked(words):
    assert words.identifier("a" * 600) == "0" * 600


def test_a_blank_keeps_signs_between(words):
    assert words.blank("abc/1+x=") == "000/0+0="
