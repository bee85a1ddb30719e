"""Which end of a leg is the server, by markers."""

from dataclasses import replace

import pytest

from postproc.diagnose.evidence.signalling import server_called, server_calls, with_ice
from postproc.model.deployment import Markers
from tests.diagnose.scenes import XPHONE, leg, message, scene, section

NAMELESS = {"uac_agent": None, "uas_agent": None}


def test_the_user_agent_tells():
    case = scene()
    inbound, outbound = case.legs
    assert (server_called(case, inbound), server_calls(case, inbound)) == (True, False)
    assert (server_called(case, outbound), server_calls(case, outbound)) == (False, True)


def test_the_descriptions_owner_tells_where_nobody_names_itself():
    case = scene(
        legs=[leg(1, **NAMELESS)],
        sip_messages=[message(1, "INVITE", 0.0, frame=1), message(1, 183, 0.2, has_sdp=True, frame=5)],
    )
    assert (server_called(case, case.legs[0]), server_calls(case, case.legs[0])) == (True, False)


def test_on_one_machine_the_owner_does_not_tell_which_end():
    loop = {"uac_addr": "127.0.0.1", "uas_addr": "127.0.0.1"}
    ends = {"src_addr": "127.0.0.1", "dst_addr": "127.0.0.1"}
    case = scene(legs=[leg(1, **NAMELESS, **loop)], sip_messages=[message(1, "INVITE", 0.0, frame=1, **ends)])
    assert not server_called(case, case.legs[0])
    assert not server_calls(case, case.legs[0])


def test_without_markers_nobody_is_the_server():
    case = scene(replace(XPHONE, markers=Markers()))
    assert not any(server_called(case, each) or server_calls(case, each) for each in case.legs)


@pytest.mark.parametrize(("ufrag", "found"), [("abcd", True), (None, False)])
def test_ice_shows_by_its_ufrag(ufrag, found):
    case = scene(sdp_media=[section(ufrag=ufrag)])
    assert with_ice(case, case.legs[0]) is found
