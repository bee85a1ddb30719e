"""One message, two texts."""

from postproc.diagnose.rules.sip_alg import RULE
from tests.diagnose.scenes import asked, message, told_both

INVITE = message(1, "INVITE", 0.0, branch="z9hG4bK7", contact="sip:721@10.0.50.5:5060")


def test_a_contact_that_differs_between_captures_is_suspect():
    other = INVITE | {"capture": "b.pcapng", "contact": "sip:721@203.0.113.5:1024", "time": 0.01}
    (found,) = asked(RULE, sip_messages=[INVITE, other])
    assert (found.verdict, found.facts["one"], found.facts["other"]) == (
        "suspect", "sip:721@10.0.50.5:5060", "sip:721@203.0.113.5:1024",
    )  # fmt: skip
    assert "INVITE" in told_both(found, RULE)["de"]["title"]


def test_silent_when_both_captures_agree():
    assert asked(RULE, sip_messages=[INVITE, INVITE | {"capture": "b.pcapng"}]) == []


def test_silent_within_one_capture():
    hop = INVITE | {"contact": "sip:proxy@10.0.50.9", "time": 0.01}
    assert asked(RULE, sip_messages=[INVITE, hop]) == []


def test_silent_about_another_hop_with_its_own_branch():
    hop = INVITE | {"capture": "b.pcapng", "contact": "sip:721@203.0.113.5", "branch": "z9hG4bK8"}
    assert asked(RULE, sip_messages=[INVITE, hop]) == []
