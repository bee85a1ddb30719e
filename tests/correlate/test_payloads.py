import pytest

from postproc.correlate.streams import codec as codec_of
from postproc.correlate.streams import nearest_first
from postproc.correlate.streams import sections as sections_of
from postproc.correlate.streams import secured as secured_by
from tests import builders as b
from tests.correlate.evidence_of import leg

DST = ("198.51.100.77", 50000)


def held(*sections, of=(1, 1)):
    base = {"call_id": "leg 1 of 1", "sdp_owner": "o", "session_id": "1", "port": 9}
    return sections_of(b.sdp_media(*(base | s for s in sections)), b.legs(leg(), leg(2))).get(of, [])


def codec(payload_type, *sections, ufrag=None):
    return codec_of(nearest_first(held(*sections), DST, ufrag), payload_type)


def secured(*protos, **columns):
    return secured_by(nearest_first(held(*({"proto": proto} | columns for proto in protos)), DST, None))


def test_the_receiver_s_description_names_the_codec():
    mine = {"codecs": "96=opus/48000", "connection_addr": DST[0], "port": DST[1], "session_id": "2"}
    assert codec(96, {"codecs": "96=VP8/90000"}, mine) == "opus"


def test_the_receiver_is_found_by_its_ufrag_before_its_address():
    mine = {"codecs": "96=opus/48000", "ufrag": "C", "session_id": "2"}
    other = {"codecs": "96=VP8/90000", "ufrag": "S", "connection_addr": DST[0], "port": DST[1]}
    assert codec(96, other, mine, ufrag="C") == "opus"


def test_the_rest_of_the_receiver_s_description_comes_before_the_other_side_s():
    mine = {"session_id": "2", "connection_addr": DST[0], "port": DST[1], "codecs": "8=PCMA/8000"}
    video = {"session_id": "2", "codecs": "97=H264/90000"}
    assert codec(97, {"codecs": "97=opus/48000"}, mine, video) == "H264"


def test_the_other_side_s_description_serves_where_the_receiver_s_was_not_seen():
    assert codec(96, {"codecs": "8=PCMA/8000,96=opus/48000"}) == "opus"


@pytest.mark.parametrize(
    ("payload_type", "name"), [(0, "PCMU"), (8, "PCMA"), (9, "G722"), (18, "G729"), (96, None), (None, None)]
)
def test_an_undescribed_payload_type_has_its_static_meaning(payload_type, name):
    assert codec_of([], payload_type) == name


def test_sdp_may_give_a_static_number_another_meaning():
    assert codec(8, {"codecs": "8=speex/8000"}) == "speex"


def test_well_known_names_are_spelt_alike():
    assert codec(8, {"codecs": "8=pcma/8000"}) == "PCMA"
    assert codec(101, {"codecs": "101=Telephone-Event/8000"}) == "telephone-event"


@pytest.mark.parametrize("codecs", ["", "96", "96=", "=opus/48000", ",,", None])
def test_a_broken_codec_list_names_nothing(codecs):
    assert codec(96, {"codecs": codecs}) is None


@pytest.mark.parametrize(
    ("proto", "safe"),
    [
        ("RTP/SAVP", True),
        ("UDP/TLS/RTP/SAVPF", True),
        ("rtp/savpf", True),
        ("RTP/AVP", False),
        ("RTP/AVPF", False),
        ("udptl", None),
        (None, None),
    ],
)
def test_the_profile_tells_srtp(proto, safe):
    assert secured(proto) is safe


def test_sections_that_differ_tell_nothing_unless_the_receiver_s_is_known():
    assert secured("RTP/AVP", "RTP/SAVP") is None
    other = {"proto": "RTP/AVP", "session_id": "2"}
    mine = {"proto": "RTP/SAVP", "connection_addr": DST[0], "port": DST[1]}
    assert secured_by(nearest_first(held(other, mine), DST, None)) is True


def test_a_refused_section_does_not_count():
    assert secured("RTP/AVP", port=0) is None


def test_an_unsaid_port_does():
    assert secured("RTP/AVP", port=None) is False


def test_a_call_without_known_leg_has_the_sections_of_all_its_legs():
    of_both = {"proto": "RTP/AVP"}, {"proto": "RTP/SAVP", "call_id": "leg 2 of 1"}
    assert [section.proto for section in held(*of_both, of=(1, None))] == ["RTP/AVP", "RTP/SAVP"]


def test_another_call_id_s_sections_are_left_out():
    assert held({"call_id": "unknown"}) == []
