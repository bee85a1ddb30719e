"""A 200 that nobody acknowledges."""

import pytest

from postproc.diagnose.rules.ack_missing import RULE
from tests.diagnose.scenes import APP, SERVER, asked, message, told_both, verdict

INVITE = message(1, "INVITE", 0.0, frame=1, cseq=7)
TIMES = (3.0, 3.5, 4.5, 6.5, 10.5)


def answers(*times, **changes):
    told = {"cseq": 7, "contact": "sip:10.0.50.118:5060"} | changes
    return [message(1, 200, time, frame=20 + n, **told) for n, time in enumerate(times)]


def ack(time, **changes):
    return message(1, "ACK", time, frame=40, cseq=7, **changes)


def test_a_200_repeated_without_an_ack_is_a_fault_however_good_the_media():
    sip = [
        INVITE,
        *answers(*TIMES, contact="sip:10.0.50.118:5060"),
        message(1, "BYE", 35.0, frame=50, cseq=9),
    ]
    (found,) = asked(RULE, sip_messages=sip)
    assert (found.verdict, found.confidence, found.leg, found.tags) == (
        "fault",
        0.9,
        1,
        {"lacking", "way", "contact"},
    )
    assert found.evidence.frames == (20, 21, 22, 23, 24, 50)
    shown = told_both(found, RULE)
    assert (
        shown["en"]["title"]
        == f"The 200 OK of leg 1 was never acknowledged: {SERVER} sent it 5 times in 8 s."
    )
    assert (
        shown["de"]["title"] == f"Das 200 OK auf Leg 1 wurde nie bestätigt: {SERVER} sendete es 5-mal in 8 s."
    )
    assert "No ACK for it (CSeq 7) is in the capture." in shown["en"]["detail"]
    assert "the ACK belongs to sip:10.0.50.118:5060" in shown["en"]["detail"]
    assert "32 s nach dem ersten 200 OK wurde der Anruf beendet." in shown["de"]["detail"]
    row = verdict(sip_messages=sip)
    assert (row.verdict, row.cause) == ("fault", "ack-missing")


def test_what_two_captures_show_was_sent_once():
    there = [row | {"capture": "b.pcapng", "time": row["time"] + 0.001} for row in answers(*TIMES)]
    (found,) = asked(RULE, sip_messages=[INVITE, *answers(*TIMES), *there])
    assert found.facts["times"] == 5
    twice = [row for row in (*answers(3.0, 6.5), *there) if row["time"] in (3.0, 6.5, 3.001, 6.501)]
    assert asked(RULE, sip_messages=[INVITE, *twice]) == []


@pytest.mark.parametrize(
    ("times", "count"),
    [
        ((3.0, 3.5, 4.5, 6.0), 1),  # as seldom and as short as it may be
        ((3.0, 4.0, 6.0), 0),
        ((3.0, 3.5, 4.5, 5.9), 0),
    ],
)
def test_four_times_in_three_seconds_is_the_least(times, count):
    assert len(asked(RULE, sip_messages=[INVITE, *answers(*times)])) == count


def test_an_ack_that_went_elsewhere_is_named():
    sip = [INVITE, *answers(*TIMES), ack(3.1, dst_addr="192.0.2.9")]
    (found,) = asked(RULE, sip_messages=sip)
    assert found.tags == {"lacking", "elsewhere", "way", "contact"}
    assert "An ACK for it went to 192.0.2.9 (frame 40)" in told_both(found, RULE)["en"]["detail"]


def ignoring(ended=35.0, acks=(3.1, 3.6, 4.6, 10.6), **ender):
    sent = {"src_addr": SERVER, "dst_addr": APP} | ender
    bye = message(1, "BYE", ended, frame=50, cseq=9, **sent)
    return [INVITE, *answers(*TIMES), *(ack(time) for time in acks), bye]


def test_acks_that_count_for_nothing_are_told_from_missing_ones():
    (found,) = asked(RULE, sip_messages=ignoring())
    assert (found.verdict, found.tags, found.facts["acks"]) == ("fault", {"ignored", "way"}, 4)
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith("The 200 OK of leg 1 was acknowledged, and repeated all the same")
    assert "4 ACKs for it (CSeq 7; first in frame 40)" in told["en"]["detail"]
    assert "Request-URI" in told["de"]["causes"]
    assert len(asked(RULE, sip_messages=ignoring(30.0))) == len(asked(RULE, sip_messages=ignoring(40.0))) == 1


@pytest.mark.parametrize(
    ("uri", "strange"), [("sip:bob@203.0.113.9", True), ("sip:bob@192.0.2.9:5060", False), (None, False)]
)
def test_acks_whose_request_uri_is_not_the_contact_are_named(uri, strange):
    sip = [
        row | ({"contact": "sip:bob@192.0.2.9:5062"} if row.get("status") == 200 else {"request_uri": uri})
        for row in ignoring()
    ]
    (found,) = asked(RULE, sip_messages=sip)
    told = told_both(found, RULE)
    assert (f"Their Request-URI is {uri}, which is not that Contact." in told["en"]["detail"]) is strange


PORTS = {"src_port": 5060, "dst_port": 5060}


def quoted(**changes):
    """Port unreachable, quoting what went from the server to the caller's side."""
    flow = {"src_addr": SERVER, "dst_addr": APP, **PORTS}
    base = {"reporter": APP, "version": 4, "type": 3, "code": 3, "transport": "udp", "time": 3.1}
    return base | flow | {"transaction_id": None} | changes


def test_a_200_that_icmp_says_is_undeliverable_points_at_the_via():
    (found,) = asked(RULE, sip_messages=[INVITE, *answers(*TIMES, **PORTS)], icmp_errors=[quoted()])
    assert found.tags == {"undelivered"}
    told = told_both(found, RULE)
    assert f"{APP} reports by ICMP that the 200 OK cannot be delivered at {APP}:" in told["en"]["detail"]
    assert "(port unreachable)" in told["en"]["detail"]
    assert "Via des INVITE" in told["de"]["remedies"]
    for other in ({"code": 4}, {"dst_port": 9}):  # too large, another flow
        (found,) = asked(
            RULE, sip_messages=[INVITE, *answers(*TIMES, **PORTS)], icmp_errors=[quoted(**other)]
        )
        assert "undelivered" not in found.tags


@pytest.mark.parametrize(
    "changes",
    [
        {"ended": 29.9},
        {"ended": 40.1},
        {"acks": (3.1, 3.6, 10.6)},
        {"src_addr": APP, "dst_addr": SERVER},  # the caller hung up
    ],
)
def test_silent_of_acks_that_crossed_repetitions(changes):
    assert asked(RULE, sip_messages=ignoring(**changes)) == []


def test_of_two_hops_the_one_without_the_ack_is_named():
    """A proxy that gets the ACK and does not pass it on repeats the 200 all the same."""
    hop = {"src_addr": "10.0.50.9", "dst_addr": SERVER}
    beyond = [row | hop for row in answers(*TIMES)]
    (found,) = asked(RULE, sip_messages=[*ignoring(), *beyond])
    assert (found.facts["sender"], found.tags) == ("10.0.50.9", {"lacking", "elsewhere", "way", "contact"})


def test_a_re_invite_is_judged_as_well():
    again = [message(1, 200, time, frame=60 + n, cseq=8, to_tag="g") for n, time in enumerate(TIMES)]
    asked_again = message(1, "INVITE", 2.9, frame=59, cseq=8, to_tag="g")
    (found,) = asked(RULE, sip_messages=[INVITE, *answers(3.0), ack(3.1), asked_again, *again])
    assert found.facts["cseq"] == 8
    assert "It answers a re-INVITE" in told_both(found, RULE)["en"]["detail"]


def test_the_route_that_the_ack_should_have_taken_is_told():
    sip = [INVITE, *answers(*TIMES, contact="sip:a@192.0.2.9", record_route="sip:p2;lr, sip:p1;lr")]
    (found,) = asked(RULE, sip_messages=sip)
    assert (
        "geht das ACK über sip:p1;lr, sip:p2;lr an sip:a@192.0.2.9" in told_both(found, RULE)["de"]["detail"]
    )


@pytest.mark.parametrize(
    "sip",
    [
        [*answers(*TIMES), ack(10.6)],  # late, but it came
        [*answers(3.0, 3.5, 4.5)],  # an ACK on a slow network takes that long
        [*answers(3.0, 3.1, 3.2, 3.3, 3.4)],  # copies, not repetitions
        [*answers(3.0, 4.0), *answers(5.0, 8.0, dst_addr="192.0.2.7")],  # two hops
        [message(1, 200, time, cseq=7, cseq_method="BYE") for time in TIMES],
        [message(1, 183, time, cseq=7) for time in TIMES],
    ],
)
def test_silent(sip):
    assert asked(RULE, sip_messages=[INVITE, *sip]) == []


@pytest.mark.parametrize(
    ("at", "tags"), [(2.9, {"crossed"}), (3.5, {"crossed"}), (3.6, {"lacking", "way", "contact"})]
)
def test_a_200_that_crosses_a_cancel_wants_its_ack_all_the_same(at, tags):
    (found,) = asked(
        RULE, sip_messages=[INVITE, message(1, "CANCEL", at, frame=15, cseq=7), *answers(*TIMES)]
    )
    assert found.tags == tags
    assert ("CANCEL in frame 15" in told_both(found, RULE)["en"]["detail"]) == (tags == {"crossed"})


@pytest.mark.parametrize(
    ("asked_for", "contact", "blamed"),
    [
        ("sip:0891@203.0.113.10", "sip:0891@203.0.113.10:5060;transport=udp", False),
        ("sip:0891@[2001:db8::1]:5060", "<sip:[2001:DB8::1]>".strip("<>"), False),
        ("sip:0891@203.0.113.10", "sip:0891@10.0.50.118", True),
        ("sip:0891@voice.example.com", "sip:0891@203.0.113.10", True),
        (None, None, False),  # it has none
    ],
)
def test_a_contact_that_the_caller_already_reaches_is_not_blamed(asked_for, contact, blamed):
    invite = message(1, "INVITE", 0.0, frame=1, cseq=7, request_uri=asked_for)
    (found,) = asked(RULE, sip_messages=[invite, *answers(*TIMES, contact=contact)])
    told = told_both(found, RULE)
    assert ("its public address into the Contact" in told["en"]["remedies"]) is blamed
    assert ("eine private hinter NAT oder" in told["de"]["causes"]) is blamed


def test_acks_with_another_number_are_named():
    sip = [INVITE, *answers(*TIMES, to_tag="t"), ack(3.1, to_tag="t") | {"cseq": 8}]
    (found,) = asked(RULE, sip_messages=sip)
    assert (found.tags, found.evidence.frames) == ({"number"}, (20, 21, 22, 23, 24, 40))
    assert "(CSeq 8; first in frame 40)" in told_both(found, RULE)["en"]["detail"]
    (found,) = asked(RULE, sip_messages=[*sip, message(1, "INVITE", 3.05, cseq=8)])  # of a re-INVITE
    assert "number" not in found.tags


def test_a_200_without_contact_cannot_be_acknowledged():
    (found,) = asked(RULE, sip_messages=[INVITE, *answers(*TIMES, contact=None)])
    assert found.tags == {"lacking", "nameless"}
    assert "The 200 OK has no Contact" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(("size", "long"), [(1473, True), (1472, False)])
def test_a_200_in_fragments_is_named(size, long):
    (found,) = asked(RULE, sip_messages=[INVITE, *answers(*TIMES, size=size, transport="udp")])
    assert ("long" in found.tags) is long
    assert ("is 1473 bytes long" in told_both(found, RULE)["en"]["detail"]) is long


def test_the_ack_to_another_fork_is_none_for_this_one():
    other = message(1, 200, 2.9, frame=19, cseq=7, to_tag="one")
    acked = ack(11.0, to_tag="one")
    (found,) = asked(RULE, sip_messages=[INVITE, other, *answers(*TIMES, to_tag="two"), acked])
    assert found.evidence.frames == (20, 21, 22, 23, 24)
    assert (
        asked(RULE, sip_messages=[INVITE, *answers(*TIMES, to_tag="two"), acked]) == []
    )  # tags written wrongly
