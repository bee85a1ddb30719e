"""Calls that end because a re-INVITE, UPDATE or PRACK failed."""

import pandas as pd
import pytest

from postproc.correlate.sip import transactions
from postproc.diagnose.rules.change_failed import RULE
from tests import builders
from tests.diagnose.scenes import APP, SERVER, asked, foreign, message, section, told_both, verdict

BEGUN = [
    message(1, "INVITE", 0.0, frame=1, cseq=1),
    message(1, 200, 1.0, frame=2, cseq=1, to_tag="t"),
    message(1, "ACK", 1.1, frame=3, cseq=1, to_tag="t"),
]


def bye(time, **changes):
    return message(1, "BYE", time, frame=60, cseq=9, to_tag="t") | changes


def asked_for(method="INVITE", status=None, at=5.0, after=0.1, **changes):
    """A request in the dialog and its final response, or 100 only."""
    sent = message(1, method, at, frame=30, cseq=2, to_tag="t", branch="z2", has_sdp=True) | changes
    return [sent, answer(status or 100, at + after, method)]


def answer(status, time, method="INVITE"):
    return message(
        1, status, time, frame=31, cseq=2, cseq_method=method, to_tag="t", branch="z2", reason="No"
    )


def known(sip, **changes):
    """The call of two phones with these messages, and their transactions as correlation makes them."""
    made = transactions(builders.sip_messages(*sip)).to_dict("records")
    legs = {"a@x": 1, "b@x": 2}
    told = [
        {name: value for name, value in row.items() if pd.notna(value)}
        | {"call": 1, "leg": legs[row["call_id"]]}
        for row in made
    ]
    return {"base": foreign(), "sip_messages": sip, "transactions": told} | changes


def found_in(sip, **changes):
    return asked(RULE, **known(sip, **changes))


def test_a_refused_change_and_the_end_right_after_it():
    sip = [*BEGUN, *asked_for(status=488), bye(5.3)]
    (found,) = found_in(sip)
    assert (found.verdict, found.leg, found.tags) == ("suspect", 1, {"refused", "two-sides"})
    shown = told_both(found, RULE)
    assert shown["en"]["title"].startswith(
        f"{APP} ended the call 200 ms after {SERVER} had refused the re-INVITE"
    )
    assert "das re-INVITE mit 488 No" in shown["de"]["title"]
    row = verdict(**known(sip))
    assert (row.verdict, row.cause) == ("suspect", "change-failed")


def test_who_refuses_may_be_who_ends_the_call():
    (found,) = found_in([*BEGUN, *asked_for(status=488), bye(5.3, src_addr=SERVER, dst_addr=APP)])
    assert told_both(found, RULE)["en"]["title"].startswith(
        f"{SERVER} refused the re-INVITE on leg 1 with 488"
    )


def test_who_refuses_may_end_the_call_from_another_address():
    """A side with two addresses, as of a cluster: its tag says who it is."""
    ended = bye(5.3, src_addr="10.0.50.119", dst_addr=APP, from_tag="t", to_tag="f1")
    (found,) = found_in([*BEGUN, *asked_for(status=488), ended])
    assert found.tags == {"refused", "one-side"}
    assert told_both(found, RULE)["en"]["title"].endswith("ended the call 200 ms later, from 10.0.50.119.")


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({"ufrag": "u"}, {"ufrag": None}, "no ICE"),
        ({"fingerprint": "sha-256 AA"}, {"fingerprint": None}, "no a=fingerprint"),
        ({"proto": "UDP/TLS/RTP/SAVPF"}, {"proto": "RTP/AVP"}, "UDP/TLS/RTP/SAVPF had been agreed"),
    ],
)
def test_what_the_new_description_lacks(before, now, words):
    both = {"fingerprint": None, "ufrag": None, "proto": "RTP/AVP"}
    sdp = [section(frame=1, **both | before), section(frame=30, time=5.0, **both | now)]
    (found,) = found_in([*BEGUN, *asked_for("UPDATE", 488), bye(5.2)], sdp_media=sdp)
    assert found.tags == {"refused", "two-sides", "less"}
    assert words in told_both(found, RULE)["en"]["detail"]


def test_a_description_with_fewer_sections():
    sdp = [section(frame=1), section(frame=1, media="video"), section(frame=30, time=5.0)]
    (found,) = found_in([*BEGUN, *asked_for(status=488), bye(5.2)], sdp_media=sdp)
    assert "m= sections of the new description: 1, before: 2." in told_both(found, RULE)["en"]["detail"]


def test_the_first_refusal_is_the_one_that_a_b2bua_passes_on():
    other = {"call_id": "b@x", "leg": 2}
    passed = [
        each | other | {"frame": each["frame"] + 10} for each in asked_for(status=488, at=4.9, after=0.3)
    ]
    base = foreign()
    two = {"legs": [*base["legs"], dict(base["legs"][0]) | {"leg": 2, "call_id": "b@x"}]}
    sip = [*BEGUN, passed[0], *asked_for(status=488), passed[1], bye(5.4) | other]
    (found,) = found_in(sip, base=base | two)
    assert (found.leg, found.facts["frame"]) == (1, 30)


@pytest.mark.parametrize("method", ["INVITE", "PRACK"])
def test_a_change_that_nobody_answers_until_the_timer(method):
    sip = [*BEGUN, *asked_for(method), bye(37.0, reason_header="SIP;cause=408")]
    (found,) = found_in(sip)
    assert (found.tags, found.facts["seconds"]) == ({"unanswered"}, 32.0)
    assert "took it (100 No)" in told_both(found, RULE)["en"]["detail"]


def cancel(time, **changes):
    return message(1, "CANCEL", time, frame=60, cseq=1) | changes


def test_a_request_before_the_answer_that_nobody_answers():
    asked_early = asked_for("UPDATE")[:1]
    (found,) = found_in([BEGUN[0], *asked_early, cancel(37.0)])
    assert (found.tags, found.facts["seconds"]) == ({"unanswered"}, 32.0)
    assert "32 s after its UPDATE" in told_both(found, RULE)["en"]["title"]


def test_silent_where_a_caller_cancels_for_something_else():
    asked_early = asked_for("UPDATE")[:1]
    assert found_in([BEGUN[0], *asked_early, cancel(20.0)]) == []
    assert found_in([BEGUN[0], *asked_early, cancel(37.0, reason_header="SIP;cause=200")]) == []
    assert found_in([BEGUN[0], *asked_for("UPDATE", 488), cancel(5.31)]) == []
    assert found_in([BEGUN[0], *asked_for("UPDATE", 200), cancel(5.2)]) == []
    other = {"src_addr": SERVER, "dst_addr": APP}  # refused to somebody else than who cancels
    assert (
        found_in(
            [
                BEGUN[0],
                asked_for("UPDATE")[0] | other,
                answer(488, 5.1, "UPDATE") | {"src_addr": APP, "dst_addr": SERVER},
                cancel(5.2),
            ]
        )
        == []
    )


def test_a_machine_that_cancels_because_its_change_was_refused():
    (found,) = found_in([BEGUN[0], *asked_for("UPDATE", 488), cancel(5.3)])
    assert (found.verdict, "refused" in found.tags) == ("suspect", True)
    assert "200 ms after" in told_both(found, RULE)["en"]["title"]


def test_a_request_that_is_told_by_its_answer_alone():
    sip = [*BEGUN, *asked_for("UPDATE", 488), bye(5.2)]
    shown = known(sip)
    shown["sip_messages"] = [row for row in sip if row["frame"] != 30]
    (found,) = asked(RULE, **shown)
    assert found.evidence.frames == (31, 60)


def test_the_request_among_several_messages_of_one_segment():
    sdp = [section(frame=1), section(frame=30, time=5.0, proto="RTP/SAVP")]
    ack = message(1, "ACK", 5.0, frame=30, cseq=1, to_tag="t")
    (found,) = found_in([*BEGUN, ack, *asked_for("UPDATE", 488), bye(5.2)], sdp_media=sdp)
    assert "The new profile is RTP/SAVP" in told_both(found, RULE)["en"]["detail"]


def test_a_request_sent_again_and_again():
    again = [message(1, "PRACK", 5.0 + k, frame=30 + k, cseq=2, to_tag="t", branch="z2") for k in range(4)]
    (found,) = found_in([*BEGUN, *again, bye(37.0)])
    assert "It was sent 4 times." in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(
    "later",
    [
        [*asked_for(status=488), bye(7.2)],  # the call went on
        [*asked_for(status=491), bye(5.2)],  # asked again
        [*asked_for(status=487), bye(5.2)],  # taken back
        [*asked_for(status=488), bye(5.2, reason_header="Q.850;cause=16")],  # somebody hung up
        [*asked_for("INFO", 415), bye(5.2)],
        [*asked_for(status=481, at=5.3), bye(5.2)],  # crosses the BYE
        [*asked_for(), bye(31.9)],
        [*asked_for(), bye(42.1)],
        [*asked_for(), bye(37.0, src_addr=SERVER, dst_addr=APP)],
        [asked_for()[0], bye(37.0)],  # another rule
        [*asked_for(status=200), bye(5.2)],
        asked_for(status=488),
    ],
)
def test_silent_where_the_call_does_not_end_for_it(later):
    assert found_in([*BEGUN, *later]) == []


def agreed(*, codec="0=PCMU/8000", ended=0.1, more=(), direction="sendrecv", method="INVITE"):
    """A re-INVITE at 5 s that is accepted 100 ms later with this codec, and the BYE after that."""
    said = {"ufrag": None, "fingerprint": None, "setup": None, "proto": "RTP/AVP"}
    ask, answered = asked_for(method, 200)
    now = {"codecs": codec, "formats": codec.split("=")[0], "direction": direction}
    theirs = said | {"sdp_owner": "FreeSWITCH", "connection_addr": SERVER, "port": 30010}
    sdp = [
        section(frame=1, **said),
        section(frame=2, time=1.0, **theirs),
        section(frame=30, time=5.0, **said | now),
        section(frame=31, time=5.1, **theirs | now),
    ]
    begun = [row | {"from_tag": "f"} for row in BEGUN]
    tags = {"from_tag": "f"}
    sip = [*begun, ask | tags, answered | tags | {"has_sdp": True}, *more, bye(5.1 + ended, src_addr=SERVER)]
    return sip, {"sdp_media": sdp}


@pytest.mark.parametrize("ended", [0.1, 0.2])
def test_a_machine_that_hangs_up_right_after_a_change_of_codec(ended):
    sip, sdp = agreed(ended=ended)
    (found,) = found_in(sip, **sdp)
    assert (found.verdict, found.tags, found.confidence) == ("suspect", {"agreed"}, 0.6)
    shown = told_both(found, RULE)["en"]
    assert "changed its codec from PCMA/8000 to PCMU/8000" in shown["title"]
    row = verdict(**known(sip, **sdp))
    assert (row.verdict, row.cause) == ("suspect", "change-failed")


@pytest.mark.parametrize(
    "changes",
    [
        {"ended": 0.25},
        {"codec": "8=PCMA/8000"},
        {"direction": "inactive"},
        {"more": [message(1, "REFER", 5.05, frame=33, to_tag="t")]},
    ],
)
def test_silent_where_a_person_or_a_transfer_may_end_it_after_a_change(changes):
    sip, sdp = agreed(**changes)
    assert found_in(sip, **sdp) == []


@pytest.mark.parametrize("status", [401, 407])
def test_a_change_that_is_to_be_sent_again_with_credentials_and_is_not(status):
    (found,) = found_in([*BEGUN, *asked_for(status=status), bye(5.3)])
    assert (found.verdict, found.tags) == ("suspect", {"challenged"})
    assert "asks for credentials" in told_both(found, RULE)["en"]["detail"]


def test_silent_where_the_change_is_sent_again_with_credentials():
    again = [
        message(1, "INVITE", 5.2, frame=40, cseq=3, to_tag="t", branch="z3", has_sdp=True),
        message(1, 200, 5.3, frame=41, cseq=3, to_tag="t", branch="z3"),
    ]
    assert found_in([*BEGUN, *asked_for(status=401), *again, bye(6.0)]) == []
    assert found_in([*BEGUN, *asked_for(status=401), bye(7.2)]) == []  # the call went on


def collisions(count, *, agreed=None, ended=0.5):
    """Changes of both sides in turn that are refused because of each other, and a BYE after the last."""
    sip = []
    for number in range(count):
        ends = {} if number % 2 else {"src_addr": SERVER, "dst_addr": APP}
        back = {"src_addr": ends.get("dst_addr", SERVER), "dst_addr": ends.get("src_addr", APP)}
        status = 200 if number == agreed else 491
        told = {"cseq": 10 + number, "to_tag": "t", "branch": f"z{10 + number}"}
        sip += [
            message(1, "INVITE", 5.0 + number, frame=30 + number, has_sdp=True, **told, **ends),
            message(1, status, 5.1 + number, frame=50 + number, reason="Request Pending", **told, **back),
        ]
    return [*BEGUN, *sip, bye(4.1 + count + ended, frame=80)]


def test_changes_of_both_sides_that_collide_again_and_again():
    (found,) = found_in(collisions(4))
    assert (found.verdict, found.tags, found.facts["collisions"]) == ("suspect", {"colliding"}, 4)
    assert "4 were refused so" in told_both(found, RULE)["en"]["detail"]
    row = verdict(**known(collisions(4)))
    assert (row.verdict, row.cause) == ("suspect", "change-failed")


def test_silent_where_changes_collide_once_or_get_through():
    assert found_in(collisions(3)) == []
    assert found_in(collisions(6, agreed=4)) == []
    assert found_in(collisions(4, ended=2.2)) == []
