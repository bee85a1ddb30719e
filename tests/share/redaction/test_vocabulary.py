import pytest

from postproc.share.redaction.vocabulary import Known, is_codec, is_version
from tests.share.redaction.parts import pseudonyms

KNOWN = Known(("XPhone", r"^sipsorcery_v4\.0\."))


@pytest.mark.parametrize(
    "text",
    [
        "telephone-event",
        "application/sdp",
        "CS_CONSUME_MEDIA",
        "NORMAL_CLEARING",
        "switch_core_media.c",
        "X-Lite 4",
        "max-forwards",
        "MAX",
        "64bit",
        "xphone_servers",
        "sipsorcery",
        "P-Asserted-Identity",
        "",
    ],
)
def test_words_of_protocols_products_and_logs_are_nobodys(text):
    assert text in KNOWN


@pytest.mark.parametrize(
    "text",
    [
        "Anna",
        "Max",
        "Müller",
        "721",
        "10.0.50.18",
        "84 07 98 10",
        "AnnaPhone",
        "4a71c4e",
        "kunde.de",
        "\udcfc",
        None,
    ],
)
def test_what_may_be_somebodys_is_not(text):
    assert text not in KNOWN


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("4.6.1", True),
        ("v1.10.12", True),
        ("3.14.3.12044", True),
        ("10.0.50.118", False),
        ("089.840.798", False),
        ("555.123.4567", False),
        ("721", False),
        ("", False),
    ],
)
def test_a_version_is_no_address_and_no_number(text, is_one):
    assert is_version(text) == is_one


def test_codecs_are_those_of_the_registry():
    assert is_codec("PCMA") and is_codec("telephone-event") and is_codec("G726-32")
    assert not is_codec("AnnasCodec")


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("CanaryPhone/1.2 (Annas Laptop)", "canaryphone annas laptop"),
        ("Yealink T46 66.86.0.15 001565aabbcc", "66.86 001565"),
        ("Linphone/5.1 4711", "4711"),
        ("Snom anna@kunde.de", "anna kunde"),
    ],
)
def test_of_an_agent_only_products_and_versions_stay(name, gone):
    new = pseudonyms().texts.agent(name)
    assert not [word for word in gone.split() if word in new.lower()]
    assert new.split("/")[0].split(" ")[0] == name.split("/")[0].split(" ")[0] or "Canary" in name


@pytest.mark.parametrize(
    "name",
    [
        "Linphone Desktop/4.3.2 (Windows 10, Qt 5.14.2)",
        "Asterisk PBX 1.6.0",
        "FreeSWITCH-mod_sofia/1.10.12",
        "IceLink-3.14.3.12044",
    ],
)
def test_a_product_and_its_version_stay(name):
    assert pseudonyms().texts.agent(name) == name


@pytest.mark.parametrize(
    "phrase",
    [
        "Trying",
        "Busy Here",
        "Not Acceptable Here",
        "trying -- your call is important to us",
        "Wrong password",
    ],
)
def test_phrases_of_the_standard_and_of_known_programs_stay(phrase):
    assert pseudonyms().texts.line(phrase) == phrase


def test_the_tally_counts_by_kind_and_lists_the_words_that_stayed():
    made = pseudonyms()
    made.texts.line("busy 10.0.50.118")
    made.tally.clear()
    assert not made.tally.replaced and not made.tally.words
    made.texts.line("Bernadette is busy at 10.0.50.118, <sip:721@kunde.de>")
    made.addresses.mac(bytes.fromhex("001122334455"))
    assert {kind.value: count for kind, count in made.tally.replaced.items() if count} == {
        "words": 1,
        "addresses": 1,
        "users": 1,
        "hosts": 1,
        "macs": 1,
    }
    assert made.tally.words["busy"] == 1 and "Bernadette" not in made.tally.words
