"""Addresses that NAT translates between two places."""

from postproc.diagnose.rules.translated import RULE
from tests.builders import SERVER
from tests.diagnose.places import EVERY_PLACE, passages, seen_from
from tests.diagnose.refusals import NO_MEDIA
from tests.diagnose.scenes import (
    CLIENT_PRIVATE,
    CLIENT_PUBLIC,
    SERVER_PORT,
    SERVER_PUBLIC,
    asked,
    told_both,
    unanswered,
    verdict,
)

DEAD = NO_MEDIA | {"bindings": [*unanswered(17), *unanswered(12, "client_to_server")]}
OUTSIDE = {"to_src_addr": SERVER_PUBLIC, "to_src_port": 40000}

FARTHER = {"from_src_port": 40000, "to_src_port": 40000}


def to_client(*counts):
    """What the server sends through a NAT that changes its port to 40000."""
    first, *rest = passages(counts)
    return [first | OUTSIDE, *(row | FARTHER for row in rest)]


def found_in(*rows, **changes):
    return asked(RULE, **DEAD | seen_from(EVERY_PLACE, *rows) | changes)


def test_an_address_that_is_changed_is_noted_with_both_places():
    (found,) = found_in(passages([17, 17, 17]))
    assert (found.verdict, found.facts["inside"], found.facts["outside"]) == (
        "note",
        f"{SERVER}:{SERVER_PORT}",
        f"{SERVER_PUBLIC}:{SERVER_PORT}",
    )
    assert "keeps the port" in told_both(found, RULE)["en"]["title"]


def test_a_port_that_is_changed_is_noted_and_once_for_all_kinds_of_packets():
    media = [row | {"kind": "rtp"} for row in to_client(400, 400, 390)]
    (found,) = asked(RULE, **seen_from(EVERY_PLACE, to_client(17, 17, 17), media))
    assert found.verdict == "note"
    assert f"{SERVER}:30000 becomes {SERVER_PUBLIC}:40000" in told_both(found, RULE)["en"]["title"]


def test_both_nats_are_noted():
    found = found_in(passages([17, 17, 17]), passages([12, 12, 12], "client_to_server"))
    assert {each.facts["inside"].rpartition(":")[0] for each in found} == {SERVER, CLIENT_PRIVATE}
    assert {each.facts["outside"].rpartition(":")[0] for each in found} == {SERVER_PUBLIC, CLIENT_PUBLIC}


def test_the_client_sends_to_the_port_it_was_told_and_does_not_get_through():
    back = passages([12, 12, 0], "client_to_server")
    (found,) = [each for each in found_in(to_client(17, 17, 0), back) if each.verdict != "note"]
    assert (found.verdict, found.facts["lost"]) == ("fault", 12)
    told = told_both(found, RULE)
    assert told["en"]["title"].endswith(f"the client was told {SERVER_PUBLIC}:30000.")
    assert "12 packets of the client" in told["en"]["detail"]


def test_the_clients_nat_expects_the_port_that_the_client_was_told():
    back = passages([12, 12, 12], "client_to_server")
    (found,) = [each for each in found_in(to_client(17, 17, 0), back) if each.verdict != "note"]
    assert (found.verdict, found.facts["lost"]) == ("suspect", 17)
    assert "17 packets from there are lost" in told_both(found, RULE)["en"]["detail"]


def test_it_is_the_reason_for_what_is_lost():
    seen = seen_from(EVERY_PLACE, to_client(17, 17, 0), passages([12, 12, 0], "client_to_server"))
    row = verdict(**DEAD | seen)
    assert row["headline"].startswith("NAT between server and WAN turns")


def notes_only(found):
    return [each for each in found if each.verdict != "note"] == []


def test_silent_about_harm_where_the_outside_end_was_offered():
    assert notes_only(found_in(passages([17, 17, 0]), passages([12, 12, 0], "client_to_server")))


def test_silent_about_harm_where_the_client_sends_nothing_there():
    assert notes_only(found_in(to_client(17, 17, 0)))


def test_silent_about_harm_where_all_arrives_or_media_flow():
    back = passages([12, 12, 12], "client_to_server")
    assert notes_only(found_in(to_client(17, 17, 17), back))
    dead = to_client(17, 17, 0), passages([12, 12, 0], "client_to_server")
    assert notes_only(asked(RULE, **seen_from(EVERY_PLACE, *dead)))


def test_silent_about_harm_where_only_sip_is_translated():
    """A candidate is no end of SIP: the app's TCP port was never told as one."""
    sip = [row | {"kind": "sip"} for row in passages([3, 3, 3], "client_to_server")]
    ways = passages([12, 12, 0], "client_to_server"), [row | {"kind": "sip"} for row in to_client(3, 3, 3)]
    assert notes_only(found_in(sip, *ways))


def test_silent_about_harm_without_candidates():
    dead = to_client(17, 17, 0), passages([12, 12, 0], "client_to_server")
    assert notes_only(found_in(*dead, candidates=[]))


def test_silent_where_nothing_is_changed_or_nothing_arrives():
    same = {"to_src_addr": SERVER, "to_src_port": SERVER_PORT}
    assert found_in([row | same for row in passages([17, 17])]) == []
    assert found_in(passages([17, 0])) == []
    assert asked(RULE) == []
