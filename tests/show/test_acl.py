"""The sentences about access lists, in both languages."""

import string

import pytest

from postproc.model.acl import Choice, Offered, Peer, Sent, built, decide, take
from postproc.model.text import LANGS, Text
from postproc.show import acl

LISTS = {
    "whitelist": built("whitelist", False, allow=["192.168.1.0/24"]),
    "blacklist": built("blacklist", True, deny=["192.168.0.0/16"]),
}
BLOCKS = ("whitelist", "blacklist")
HOST, SRFLX = Offered("192.168.178.34", 33246, "host"), Offered("198.51.100.77", 33246, "srflx")


def texts(value):
    held = value.values() if isinstance(value, dict) else [value]
    return [each for each in held if isinstance(each, Text)]


EVERY = [(name, each) for name, value in vars(acl).items() for each in texts(value)]


def fields(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("name, text", EVERY)
def test_every_sentence_is_in_both_languages_with_the_same_facts(name, text):
    assert text.en.strip(), name
    assert text.de.strip(), name
    assert text.en != text.de, name
    assert fields(text.en) == fields(text.de), name


def explained(address, names=BLOCKS, lang="en", *, together=True):
    return list(acl.address(address, names, LISTS, lang, together=together))


def test_an_address_on_every_list_and_on_all_together():
    assert explained("192.168.1.5") == [
        "192.168.1.5",
        "  whitelist  allowed   entry 192.168.1.0/24 fits",
        "  blacklist  denied    entry 192.168.0.0/16 fits",
        "  together: allowed, whitelist is the first list that allows it",
    ]
    assert explained("192.168.2.5", lang="de")[1:] == [
        "  whitelist  verboten  kein Eintrag passt, Vorgabe: verbieten",
        "  blacklist  verboten  Eintrag 192.168.0.0/16 passt",
        "  zusammen: verboten, keine der Listen erlaubt es",
    ]


def test_entries_passed_over_are_named():
    listed = {"x": built("x", True, allow=["10.0.50.0/24"], deny=["10.0.0.0/8"])}
    (_, line) = acl.address("10.0.50.3", ["x"], listed, "en", together=True)
    assert line == "  x  allowed   entry 10.0.50.0/24 fits; it is more specific than 10.0.0.0/8"


def test_lists_of_which_nobody_says_that_they_are_applied_are_not_put_together():
    assert len(explained("192.168.1.5", together=False)) == 3


@pytest.mark.parametrize(
    "name, told",
    [
        ("nope", "there is no such list, FreeSWITCH then denies"),
        ("localnet.auto", "cannot tell: only FreeSWITCH knows $${local_ip_v4}/$${local_mask_v4}"),
    ],
)
def test_lists_that_cannot_be_looked_into_say_so(name, told):
    assert explained("8.8.8.8", [name])[1].endswith(told)


def test_hostile_names_and_addresses_are_shown_as_text():
    shown = "\n".join(explained("\x1b[2Ja", ["\x1b]0;x\x07", "{0}"]))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "this is no IP address" in shown or "no such list" in shown


def choice(*, offered=(HOST, SRFLX), names=("wan.auto",), sent=None, status=None, lang="en"):
    verdicts = tuple(decide(each.address, names, {}) for each in offered)
    found = Choice(3, 1, "a.pcapng", 4, offered, verdicts, take(offered, names, {}), sent, status)
    return list(acl.choice(found, lang))


def sent(place, *, called=False):
    to = (HOST, SRFLX)[place]
    return Sent("a.pcapng", 9, to.address, to.port, place, called)


def test_an_offer_with_verdicts_the_choice_and_what_was_done():
    assert choice(sent=sent(1)) == [
        "call 3, leg 1: candidates offered in frame 4 of a.pcapng",
        "  1 host 192.168.178.34:33246  denied    wan.auto: entry 192.168.0.0/16 fits",
        "  2 srflx 198.51.100.77:33246  allowed   wan.auto: no entry fits, the default is: allow",
        "  The server takes candidate 2: the first that list wan.auto allows.",
        "  Its first Binding Request (frame 9) went there.",
    ]


@pytest.mark.parametrize(
    "options, last",
    [
        ({}, "No Binding Request of the server for this offer is in the capture."),
        ({"status": 488}, "The INVITE was answered with 488 all the same: the server applies other lists"),
        ({"sent": sent(0)}, "went to 192.168.178.34:33246 instead: it applies other lists than these"),
        ({"sent": sent(0, called=True)}, "from where a request had come in before"),
        ({"sent": sent(1, called=True)}, "(frame 9) went there."),
        (
            {"names": ["rfc6598.auto"], "status": 488},
            "takes none of them and answers with 488 (seen here: 488).",
        ),
        ({"names": ["rfc6598.auto"]}, "takes none of them and answers with 488 (seen here: –)."),
        ({"names": ["localnet.auto"]}, "Whether the server takes any of them cannot be told."),
        ({"names": ["localnet.auto"], "sent": sent(0)}, "192.168.178.34:33246; that decides nothing."),
    ],
)
def test_what_is_said_of_the_server_s_first_request(options, last):
    assert last in choice(**options)[-1]


def test_a_choice_in_doubt_and_one_out_of_sdp_order_say_so():
    assert "unless one before it is allowed, too" in choice(names=["localnet.auto", "wan.auto"])[3]
    ordered = choice(names=["wan.auto", "rfc1918.auto"])
    assert (
        ordered[4].strip() == "In SDP order candidate 1 is the first allowed; FreeSWITCH asks list by list."
    )


def peer(address, status, lang="en"):
    return list(
        acl.peer(Peer(1, 1, "a.pcapng", 2, address, decide(address, BLOCKS[:1], LISTS), status), lang)
    )


def test_a_peer_and_how_it_was_answered():
    assert peer("10.0.50.118", 403) == [
        "call 1, leg 1: INVITE from 10.0.50.118 (frame 2 of a.pcapng), answered with 403",
        "  whitelist  denied    no entry fits, the default is: deny",
    ]


@pytest.mark.parametrize(
    "address, status, told",
    [
        ("10.0.50.118", 200, True),
        ("10.0.50.118", 407, False),
        ("10.0.50.118", None, False),
        ("192.168.1.5", 200, False),
    ],
)
def test_a_peer_denied_and_let_in_shows_that_other_lists_are_applied(address, status, told):
    assert any("let in all the same" in line for line in peer(address, status)) is told


@pytest.mark.parametrize("lang", LANGS)
def test_notes_of_every_kind_have_their_words(lang):
    for kind in acl.NOTES:
        assert "\\x1b" in acl.note(kind, "\x1b", lang)
