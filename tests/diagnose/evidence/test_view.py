"""How long the captures show a call, whether it goes on, and whether ICE connected."""

from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.view import end, goes_on, watched_after
from tests.diagnose.scenes import good, leg, scene, stream

NOTHING = {"pairs": [], "dtls": [], "rtp_streams": []}


def test_how_long_the_captures_go_on_after_a_moment():
    case = scene()
    assert watched_after(case, case.legs[0].invite_time) == 60.0
    assert watched_after(scene(captures=[]), case.legs[0].invite_time) == 0.0


def test_a_call_goes_on_where_no_end_of_it_was_captured():
    assert goes_on(scene(legs=[leg(1, end_time=None), leg(2, end_time=None)]))
    assert not goes_on(scene(legs=[leg(1, end_time=None), leg(2)]))


def test_the_end_is_the_calls_or_the_captures_whichever_is_first():
    case = scene()
    assert end(case) == case.call.end
    cut = scene(captures=[{"first_time": 0.0, "last_time": 9.0, "packets": 1}])
    assert end(cut) == cut.last_time
    assert end(scene(captures=[], calls=[{"call": 1, "end": None}])) is None


def test_dtls_a_pair_or_media_both_ways_show_that_ice_did_its_work():
    for held in ("pairs", "dtls"):
        assert connected(scene(**NOTHING | {held: good()[held]}), 1)
    assert connected(scene(**NOTHING | {"rtp_streams": [stream(), stream("client_to_server")]}), 1)
    assert not connected(scene(**NOTHING), 1)
    assert not connected(scene(**NOTHING | {"pairs": good()["pairs"]}), 2)
