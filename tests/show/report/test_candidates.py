"""Candidates of both sides."""

from postproc.model.calls import Calls
from postproc.model.tables import Tables
from postproc.show.report.sheets import offered
from tests import builders
from tests.show.report import scenes


def sides(*candidates: dict, lang: str = "en", pairs: tuple[dict, ...] = ()):
    held = Tables(
        calls=builders.calls({"call": 1}),
        candidates=builders.candidates(*candidates),
        pairs=builders.pairs(*pairs),
    )
    return offered(Calls(held)[1], lang)


def texts(side) -> list[list[str]]:
    return [[cell.text for cell in row] for row in side.sheet.rows] if side.sheet else []


def test_client_and_server_stand_side_by_side_with_what_the_access_list_says():
    client, server = offered(Calls(scenes.tables())[1], "en").sides
    assert (client.title, client.owner, server.title, server.owner) == (
        "Client, Leg 1",
        "IceLink",
        "Server, Leg 1",
        "FreeSWITCH",
    )
    assert "ACL" in client.sheet.headings
    assert texts(client)[1] == [
        "srflx",
        "198.51.100.77:50000",
        "public",
        "192.168.178.34:50000",
        "allowed",
        "0/2",
        "4",
    ]
    assert texts(client)[0][4:6] == ["denied", "–"]
    assert texts(server)[0][4:6] == ["–", "0/2"]


def test_verdicts_of_the_access_list_are_coloured():
    client = offered(Calls(scenes.tables())[1], "en").sides[0]
    assert [row[4].kind for row in client.sheet.rows] == ["bad", "good"]


def test_without_access_lists_there_is_no_column_for_them():
    client = sides(scenes.candidate(addr="192.0.2.1", type="host")).sides[0]
    assert "ACL" not in client.sheet.headings
    assert len(client.sheet.headings) == len(client.sheet.rows[0])


def test_a_candidate_sent_again_counts_once():
    again = scenes.candidate(addr="192.0.2.1", type="host")
    held = sides(again, again | {"frame": 9, "time": 1.0})
    assert len(texts(held.sides[0])) == 1 and not held.restarted


def test_after_an_ice_restart_the_new_candidates_are_shown_and_the_old_mentioned():
    old = scenes.candidate(addr="192.0.2.1", type="host")
    held = sides(old, old | {"addr": "192.0.2.2", "ufrag": "D", "time": 9.0})
    assert [row[1] for row in texts(held.sides[0])] == ["192.0.2.2:50000"]
    assert held.restarted


def test_a_side_without_candidates_is_there_and_empty():
    client, server = sides(scenes.candidate(addr="192.0.2.1", type="host")).sides
    assert client.sheet is not None and server.sheet is None


def test_a_third_side_is_shown_only_if_it_offers_something():
    held = sides(scenes.candidate(addr="192.0.2.1", type="host", side="other")).sides
    assert [side.name for side in held] == ["client", "server", "other"]


def test_a_call_without_candidates_has_no_sides():
    assert sides().sides == ()


def test_what_is_unparsable_is_dashes():
    held = sides(scenes.candidate(addr=None, port=None, type=None, transport=None, frame=None, leg=None))
    assert texts(held.sides[0]) == [["–"] * 5]


def test_enumerations_are_german_in_a_german_report():
    client = sides(scenes.candidate(addr="192.0.2.1", type="host", addr_class="cgnat"), lang="de").sides[0]
    assert texts(client)[0][2] == "Provider-NAT"


def test_legs_are_told_apart_where_there_are_several():
    one = scenes.candidate(addr="192.0.2.1", type="host")
    client = sides(one, one | {"leg": 2, "addr": "192.0.2.2"}).sides[0]
    assert client.title == "Client" and [row[0] for row in texts(client)] == ["1", "2"]
    assert [row[0].kind for row in client.sheet.rows] == ["leg leg1", "leg leg2"]
