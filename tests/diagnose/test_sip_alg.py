"""A SIP message that differs between two captures: an ALG rewrote it."""

from postproc.diagnose.rules.sip_alg import RULE
from tests.diagnose.places import EVERY_PLACE, passages, seen_from
from tests.diagnose.refusals import NO_MEDIA
from tests.diagnose.scenes import asked, candidate, message, section, told_both, verdict

INVITE = message(1, "INVITE", 0.0, branch="z9hG4bK7", contact="sip:721@10.0.50.5:5060", frame=1)
THERE = INVITE | {"capture": "b.pcapng", "contact": "sip:721@203.0.113.5:1024", "time": 0.01, "frame": 3}
AT_B = {"capture": "b.pcapng", "frame": 3, "time": 0.01}
MOVED = {"connection_addr": "203.0.113.5", "port": 61000}


def test_a_contact_that_differs_between_captures_is_suspect():
    (found,) = asked(RULE, sip_messages=[INVITE, THERE])
    assert (found.verdict, found.facts["here"], found.facts["there"]) == (
        "suspect",
        "sip:721@10.0.50.5:5060",
        "sip:721@203.0.113.5:1024",
    )
    assert "INVITE" in told_both(found, RULE)["de"]["title"]


def test_a_description_that_differs_is_the_fault_where_media_do_not_come():
    tables = {"sip_messages": [INVITE, THERE], "sdp_media": [section(), section(**AT_B, **MOVED)]}
    (found,) = asked(RULE, **NO_MEDIA | tables)
    assert (found.verdict, found.confidence) == ("fault", 0.9)
    assert found.facts["lines"] == [
        "Contact sip:721@10.0.50.5:5060 → sip:721@203.0.113.5:1024",
        "SDP m=audio 198.51.100.77:50000 → 203.0.113.5:61000",
    ]
    told = told_both(found, RULE)
    assert "SDP m=audio of the same INVITE is 198.51.100.77:50000 at the one" in told["en"]["title"]


def test_media_that_flow_make_it_a_note():
    tables = {"sdp_media": [section(), section(**AT_B, **MOVED)], "sip_messages": [INVITE, THERE]}
    assert [each.verdict for each in asked(RULE, **tables)] == ["suspect"]
    assert "rewritten" not in str(verdict(**tables)["headline"])


def test_candidates_that_differ_are_shown():
    lines = [
        candidate("client", addr, "private", **at) for addr, at in (("10.0.0.1", {}), ("10.0.0.9", AT_B))
    ]
    (found,) = asked(RULE, sip_messages=[INVITE, THERE | {"contact": INVITE["contact"]}], candidates=lines)
    assert found.facts["lines"] == ["SDP a=candidate host 10.0.0.1:50000 → 10.0.0.9:50000"]


def test_places_are_called_by_their_names_and_each_pair_of_captures_has_one_finding():
    again = message(1, 200, 3.0, branch="z9hG4bK7", contact="sip:s@10.0.50.118", frame=5)
    other = again | {"capture": "b.pcapng", "contact": "sip:s@203.0.113.10", "frame": 8}
    seen = seen_from(EVERY_PLACE, passages([9, 9, 9], kind="sip"))
    (found,) = asked(RULE, sip_messages=[INVITE, THERE, again, other], **seen)
    assert (found.facts["origin"], found.facts["target"], found.facts["count"]) == ("server", "wan", 2)


def test_silent_when_both_captures_agree():
    assert asked(RULE, sip_messages=[INVITE, INVITE | {"capture": "b.pcapng"}]) == []


def test_silent_about_white_space_and_about_what_one_capture_lacks():
    folded = THERE | {"contact": " sip:721@10.0.50.5:5060 "}
    assert asked(RULE, sip_messages=[INVITE, folded]) == []
    assert asked(RULE, sip_messages=[INVITE, THERE | {"contact": None}]) == []


def test_silent_within_one_capture():
    hop = INVITE | {"contact": "sip:proxy@10.0.50.9", "time": 0.01}
    assert asked(RULE, sip_messages=[INVITE, hop]) == []


def test_silent_about_another_hop_with_its_own_branch():
    assert asked(RULE, sip_messages=[INVITE, THERE | {"branch": "z9hG4bK8"}]) == []
    assert asked(RULE, sip_messages=[INVITE | {"branch": None}, THERE | {"branch": None}]) == []
