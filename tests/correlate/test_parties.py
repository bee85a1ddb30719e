import pytest

from postproc.correlate.parties import descriptions, parties, sections
from tests import builders as b
from tests.correlate.conversation import ask, invite, reply

SDP = {"has_sdp": True}


def authors(*rows):
    return parties(b.sip_messages(*rows))


def told(*rows):
    """(party, offer or answer) of each description, in order of frames."""
    sip = b.sip_messages(*rows)
    found = descriptions(sip.assign(party=parties(sip)))
    return [(found[key].party, found[key].offer_answer) for key in sorted(found, key=lambda place: place[1])]


def test_requests_are_their_senders_and_responses_the_other_partys():
    rows = (invite(0), reply(180, 1), ask("BYE", 5, "uas"), reply(200, 6, "BYE", "uas"))
    assert authors(*rows) == ["uac", "uas", "uas", "uac"]


def test_a_hop_of_a_proxy_changes_no_author():
    onward = {"src_addr": "10.9.9.9", "dst_addr": "10.8.8.8"}
    assert authors(invite(0), invite(0.1, **onward), reply(200, 1, **onward), reply(200, 1.1)) == [
        "uac",
        "uac",
        "uas",
        "uas",
    ]


def test_without_the_invite_its_response_tells_who_called():
    assert authors(ask("BYE", 9, "uas"), reply(200, 1)) == ["uas", "uas"]


def test_without_invite_and_response_the_first_request_makes_the_caller():
    assert authors(ask("BYE", 9, "uas"), reply(200, 9.1, "BYE", "uas")) == ["uac", "uas"]


def test_an_offer_is_answered_in_183_and_200():
    assert told(invite(0, **SDP), reply(183, 1, **SDP), reply(200, 2, **SDP)) == [
        ("uac", "offer"),
        ("uas", "answer"),
        ("uas", "answer"),
    ]


def test_an_invite_without_offer_is_offered_in_200_and_answered_in_ack():
    assert told(invite(0), reply(200, 2, **SDP), ask("ACK", 3, **SDP)) == [
        ("uas", "offer"),
        ("uac", "answer"),
    ]


def test_what_an_ack_carries_is_an_answer_though_the_invite_was_not_seen():
    assert told(reply(200, 1), ask("ACK", 3, **SDP)) == [("uac", "answer")]


def test_an_invite_without_offer_may_be_answered_in_prack():
    rows = (invite(0), reply(183, 1, **SDP), ask("PRACK", 2, cseq=2, **SDP))
    assert told(*rows) == [("uas", "offer"), ("uac", "answer")]


def test_a_prack_after_an_answer_is_a_new_offer():
    rows = (
        invite(0, **SDP),
        reply(183, 1, **SDP),
        ask("PRACK", 2, cseq=2, **SDP),
        reply(200, 3, "PRACK", cseq=2, **SDP),
    )
    assert told(*rows) == [("uac", "offer"), ("uas", "answer"), ("uac", "offer"), ("uas", "answer")]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_the_called_party_may_offer_later(method):
    rows = (
        invite(0, **SDP),
        reply(200, 1, **SDP),
        ask(method, 5, "uas", **SDP),
        reply(200, 6, method, "uas", **SDP),
    )
    assert told(*rows)[2:] == [("uas", "offer"), ("uac", "answer")]


def test_a_response_whose_request_was_not_seen_is_neither():
    assert told(reply(200, 1, **SDP)) == [("uas", None)]


def test_sections_keep_their_order():
    sip = b.sip_messages(invite(0, **SDP))
    known = descriptions(sip.assign(party=parties(sip)))
    media = b.sdp_media(
        *({"frame": 1, "call_id": "a@x", "ufrag": u} for u in ("A", None, "B")), {"frame": 9, "call_id": "z"}
    )
    assert [ufrags for _, ufrags in sections(media, known)] == [["A", None, "B"]]


def test_odd_messages_do_no_harm():
    assert authors({"call_id": None, "from_tag": None, "method": None, "cseq_method": None}) == ["uas"]
    assert told({"call_id": None, "method": "INFO", "cseq_method": None, "cseq": None, **SDP}) == [
        ("uac", None)
    ]
