from postproc.correlate.parties import descriptions, parties
from postproc.correlate.timeline.events import table
from postproc.correlate.timeline.signalling import sdp_events
from postproc.model.tables import Tables
from tests import builders as b
from tests.correlate.conversation import ask, invite, reply

LEGS = b.legs({"call_id": "a@x", "call": 1, "leg": 1})
AUDIO = {"call_id": "a@x", "media": "audio", "port": 30000, "direction": "sendrecv"}
LINE = {"call_id": "a@x", "addr": "192.0.2.1", "port": 30000, "type": "host", "transport": "udp"}


def events(messages, media=(), candidates=()):
    sip = b.attributed(Tables(legs=LEGS, sip_messages=b.sip_messages(*messages))).sip_messages
    authors = descriptions(sip.assign(party=parties(sip)))
    return table(sdp_events(sip, b.sdp_media(*media), b.candidates(*candidates), authors))


def labels(*args):
    return events(*args)["label"].tolist()


def kinds(*messages):
    return events(messages)["kind"].tolist()


def test_an_offer_says_its_media_and_how_many_candidates_it_has():
    lines = [LINE | {"frame": 1}, LINE | {"frame": 1}, LINE | {"frame": 1, "type": "srflx", "port": 40000}]
    row = events([invite(1.0, has_sdp=True)], [AUDIO | {"frame": 1}], lines).to_dict("records")[0]
    assert row == {
        "capture": "a.pcapng",
        "frame": 1,
        "time": b.at(1),
        "call": 1,
        "leg": 1,
        "lane": "sdp",
        "kind": "offer",
        "label": "offer audio, 2 candidates",
        "src": f"{b.APP}:5060",
        "dst": f"{b.SERVER}:5060",
        "severity": "normal",
    }


def test_the_numbers_of_candidates_are_words():
    messages = [invite(1.0, has_sdp=True), reply(183, 2.0, has_sdp=True)]
    media = [AUDIO | {"frame": 1}, AUDIO | {"frame": 2}]
    assert labels(messages, media, [LINE | {"frame": 2}]) == [
        "offer audio, no candidates",
        "answer audio, 1 candidate",
    ]


def test_what_is_unusual_about_a_medium_is_said():
    media = [
        AUDIO | {"frame": 1, "direction": "sendonly"},
        AUDIO | {"frame": 1, "media": "video", "port": 0},
        AUDIO | {"frame": 1, "media": None},
    ]
    assert labels([invite(1.0, has_sdp=True)], media) == [
        "offer audio (sendonly) + video (refused) + ?, no candidates"
    ]


def test_a_description_that_could_not_be_read_is_still_an_event():
    assert labels([invite(1.0, has_sdp=True)]) == ["offer ?, no candidates"]


def test_responses_answer_an_offer():
    messages = [invite(1.0, has_sdp=True), reply(183, 2.0, has_sdp=True), reply(200, 3.0, has_sdp=True)]
    assert kinds(*messages) == ["offer", "answer", "answer"]


def test_without_an_offer_in_the_invite_the_response_offers_and_the_ack_answers():
    messages = [invite(1.0), reply(200, 2.0, has_sdp=True), ask("ACK", 3.0, has_sdp=True)]
    assert kinds(*messages) == ["offer", "answer"]


def test_where_the_request_was_not_seen_it_is_a_description():
    assert kinds(reply(200, 2.0, has_sdp=True)) == ["description"]


def test_messages_without_description_second_captures_and_other_calls_are_left_out():
    messages = [
        invite(1.0),
        invite(1.1, has_sdp=True, copy_of=1),
        invite(1.2, has_sdp=True, call_id="other@x"),
    ]
    assert kinds(*messages) == []
