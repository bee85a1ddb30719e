import pytest

from postproc.correlate.parties import Description, Ends, marked_ends, sides_of_ends, with_sides
from postproc.model.deployment import Markers, marked
from tests import builders as b
from tests.deployments import XPHONE

FS, ICELINK = "server", "client"


def of(call, *, shared=(), ice=(), marks=None):
    return sides_of_ends(Ends(call, frozenset(shared), frozenset(ice), marks or {}))


TWO = {"a": 1, "b": 1}
B2BUA = (("a", "uas"), ("b", "uac"))


def test_the_shared_machine_is_the_server_and_a_far_end_with_ice_the_client():
    found = of(TWO, shared=B2BUA, ice=[("a", "uac"), ("a", "uas")])
    assert found == {
        ("a", "uac"): ("client", "b2bua"),
        ("a", "uas"): ("server", "b2bua"),
        ("b", "uac"): ("server", "b2bua"),
        ("b", "uas"): ("other", "b2bua"),
    }


def test_in_a_call_to_the_app_the_called_party_is_the_client():
    found = of(TWO, shared=B2BUA, ice=[("b", "uac"), ("b", "uas")])
    assert found["b", "uas"] == ("client", "b2bua")
    assert found["a", "uac"] == ("other", "b2bua")


def test_in_a_single_leg_roles_decide():
    assert of({"a": 1}) == {("a", "uac"): ("client", "role"), ("a", "uas"): ("server", "role")}


def test_roles_decide_too_in_a_leg_that_only_a_transfer_ties_to_its_call():
    sides = {
        (leg, party): (side, "role") for leg in "ab" for party, side in (("uac", "client"), ("uas", "server"))
    }
    assert of(TWO) == sides
    marked = of(TWO | {"c": 1}, shared=B2BUA, marks={("c", "uas"): FS} | dict.fromkeys(B2BUA, FS))
    assert [marked["c", party] for party in ("uac", "uas")] == [("other", "marker"), ("server", "marker")]


def test_markers_come_first_and_tell_the_other_end_of_a_single_leg():
    assert of({"a": 1}, marks={("a", "uac"): FS}, ice=[("a", "uas")]) == {
        ("a", "uac"): ("server", "marker"),
        ("a", "uas"): ("client", "marker"),
    }
    assert of({"a": 1}, marks={("a", "uac"): FS})["a", "uas"] == ("other", "marker")
    assert of({"a": 1}, marks={("a", "uas"): ICELINK})["a", "uac"] == ("server", "marker")


def test_a_server_marked_on_both_legs_is_consistent():
    found = of(TWO, shared=B2BUA, marks=dict.fromkeys(B2BUA, FS))
    assert [found[end] for end in B2BUA] == [("server", "marker")] * 2
    assert found["b", "uas"] == ("other", "b2bua")


@pytest.mark.parametrize(
    "marks",
    [
        {("a", "uac"): FS, ("a", "uas"): FS},  # both ends of one leg
        {("b", "uas"): FS},  # not where the B2BUA is
        {("a", "uas"): ICELINK},  # the B2BUA relays the client's description
    ],
)
def test_markers_that_contradict_the_call_decide_nothing(marks):
    assert {how for _, how in of(TWO, shared=B2BUA, marks=marks).values()} == {"b2bua"}


def test_one_calls_contradiction_is_not_anothers():
    found = of({"a": 1, "b": 2}, marks={("a", "uac"): FS, ("a", "uas"): FS, ("b", "uas"): FS})
    assert found["a", "uas"] == ("server", "role")
    assert found["b", "uas"] == ("server", "marker")


def test_marks_come_from_the_description_before_the_user_agent():
    legs = b.legs({"call_id": "a", "uac_agent": "FreeSWITCH", "uas_agent": "XPhone Call Controller"})
    sdp = b.sdp_media(
        {"frame": 1, "call_id": "a", "sdp_owner": "IceLink-3.14.3"},
        {"frame": 2, "call_id": "a", "sdp_owner": "-"},
    )
    told = {("a.pcapng", 1, "a"): Description("uac", "offer", ("a", "f", 1, "INVITE"))}
    assert marked_ends(legs, sdp, told, XPHONE.markers) == {("a", "uac"): "client", ("a", "uas"): "server"}


def test_other_deployments_have_other_markers():
    own = Markers(sdp_owner={"client": ("mozilla",)}, user_agent={}, stun_software={})
    legs = b.legs({"call_id": "a", "uas_agent": "FreeSWITCH"})
    assert marked_ends(legs, b.sdp_media(), {}, own) == {}
    assert marked(own.sdp_owner, "mozilla...THIS_IS_SDPARTA-99.0") == "client"


def test_a_name_that_fits_two_sides_is_no_mark():
    assert marked({"client": ("Ice",), "server": ("Link",)}, "IceLink") is None
    assert marked({"client": ("Ice",)}, None) is None


def test_candidates_get_call_leg_side_and_part():
    told = {("a.pcapng", 1, "a"): Description("uac", "offer", ("a", "f", 1, "INVITE"))}
    rows = b.candidates(
        {"frame": 1, "call_id": "a"}, {"frame": 2, "call_id": "a"}, {"frame": 1, "call_id": "z"}
    )
    found = with_sides(rows, told, {("a", "uac"): ("client", "role")}, {"a": (3, 2)})
    columns = ["call", "leg", "side", "side_by", "offer_answer"]
    assert found.loc[0, columns].tolist() == [3, 2, "client", "role", "offer"]
    assert found.loc[1, columns].isna().tolist() == [False, False, True, True, True]
    assert found.loc[2, columns].isna().all()
