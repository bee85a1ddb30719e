import pandas as pd
import pytest

from postproc.correlate.streams import streams
from postproc.model.tables import RTP_SECONDS, RTP_STREAMS
from tests import builders as b
from tests.correlate.evidence_of import CHECK, OUTSIDE, TO_CLIENT, TO_SERVER, at, known, leg

SERVER, CLIENT, GATEWAY = (b.SERVER, 30000), (b.CLIENT, 50000), (b.GATEWAY, 11800)
TRUNK = (b.SERVER, 30002)
FROM_GATEWAY = dict(zip(("src_addr", "src_port", "dst_addr", "dst_port"), (*GATEWAY, *TRUNK), strict=True))
TO_GATEWAY = dict(zip(("src_addr", "src_port", "dst_addr", "dst_port"), (*TRUNK, *GATEWAY), strict=True))
SIDES = [at(*SERVER, "server"), at(*TRUNK, "server", 2), at(*GATEWAY, "other", 2)]
HANDSHAKE = {
    "client_addr": b.SERVER,
    "client_port": 30000,
    "server_addr": b.CLIENT,
    "server_port": 50000,
    "state": "complete",
    "started": 2.0,
    "call": 1,
    "leg": 1,
}


def stream(number, **columns):
    """Stream ``number`` of its capture, from 5 s to 30 s."""
    return {"stream": number, "first_time": 5.0, "last_time": 30.0} | columns


def tied(*rtp, index=None, seconds=(), sdp=(), dtls=(), legs=None):
    legs = [leg(), leg(2)] if legs is None else legs
    return streams(
        b.rtp_streams(*rtp),
        b.rtp_seconds(*seconds),
        b.sdp_media(*sdp),
        legs=b.legs(*legs),
        dtls=b.dtls(*dtls),
        index=index or known(legs, SIDES, [CHECK]),
    )


def told(*rtp, columns=("call", "leg", "direction"), **others):
    """These columns of the streams, in time order, NA as None."""
    rows = tied(*rtp, **others)[0][list(columns)].astype(object)
    return [tuple(None if pd.isna(value) else value for value in row) for row in rows.to_numpy().tolist()]


def test_every_stream_of_a_call_of_two_legs_is_tied_and_has_its_way():
    four = [stream(n, **way) for n, way in enumerate((TO_CLIENT, TO_SERVER, FROM_GATEWAY, TO_GATEWAY))]
    assert told(*four) == [
        (1, 1, "server_to_client"),
        (1, 1, "client_to_server"),
        (1, 2, "other"),
        (1, 2, "other"),
    ]


AUDIO_AND_VIDEO = [
    {
        "call_id": "leg 2 of 1",
        "sdp_owner": "gw",
        "media": media,
        "port": port,
        "connection_addr": b.SERVER,
        "codecs": codecs,
        "time": 1.0,
    }
    for media, port, codecs in (("audio", 30002, "8=PCMA/8000"), ("video", 30004, "96=H264/90000"))
]


@pytest.mark.parametrize(
    ("payload_type", "port", "media"),
    [
        (8, 30002, "audio"),
        (96, 30004, "video"),
        (96, 30002, "video"),
        (13, 30002, "audio"),
        (13, 30999, None),
    ],
)
def test_a_stream_is_of_the_media_that_defines_its_payload_type_or_of_the_port_s(payload_type, port, media):
    one = stream(0, **FROM_GATEWAY | {"dst_port": port, "payload_type": payload_type})
    index = known(
        [leg(), leg(2)], [*SIDES, at(b.SERVER, 30004, "server", 2), at(b.SERVER, 30999, "server", 2)], []
    )
    assert told(one, sdp=AUDIO_AND_VIDEO, index=index, columns=("leg", "media")) == [(2, media)]


def test_a_nat_on_the_client_s_side_hides_nothing_where_checks_were_seen():
    moved = {"src_addr": "198.51.100.99", "src_port": 61234, "dst_addr": b.SERVER, "dst_port": 30000}
    check = moved | {"purpose": "check", "direction": "client_to_server", "call": 1, "leg": 1}
    assert told(stream(0, **moved), index=known([leg()], [], [check])) == [(1, 1, "client_to_server")]


def test_the_other_side_of_a_one_sided_leg_is_inferred():
    index = known([leg()], [at(*SERVER, "server"), at("192.168.178.34", 4711, "client")])
    assert told(stream(0, **TO_SERVER), stream(1, **TO_CLIENT), index=index) == [
        (1, 1, "client_to_server"),
        (1, 1, "server_to_client"),
    ]


def test_a_server_s_private_address_is_recognised_by_its_port():
    index = known([leg()], [at(OUTSIDE, 30000, "server"), at(*CLIENT, "client")])
    assert told(stream(0, **TO_CLIENT), index=index) == [(1, 1, "server_to_client")]


def test_a_stream_of_nobody_is_kept_without_call():
    assert told(stream(0), index=known()) == [(None, None, "other")]


def test_a_stream_without_ends_is_kept_without_call():
    assert told(stream(0, src_addr=None)) == [(None, None, "other")]


@pytest.mark.parametrize(("packets", "kept"), [(7, 0), (8, 1), (None, 0)])
def test_a_few_packets_of_nobody_are_noise(packets, kept):
    assert len(told(stream(0, packets=packets), index=known())) == kept


def test_a_few_packets_of_a_call_are_not():
    assert told(stream(0, packets=1)) == [(1, 1, "server_to_client")]


def test_the_way_back_ties_what_time_alone_does_not():
    legs = [leg(end=10.0), leg(call=2, time=11.0)]
    ends = [at(*SERVER, "server", end=15.0), at(*SERVER, "server", call=2, start=6.0)]
    clear = stream(0, **TO_SERVER, first_time=1.0, last_time=10.0)
    between = stream(1, **TO_CLIENT, first_time=9.9, last_time=11.1)
    assert told(between, legs=legs, index=known(legs, ends)) == [(None, None, "other")]
    assert [row[0] for row in told(clear, between, legs=legs, index=known(legs, ends))] == [1, 1]


def test_the_way_back_of_two_calls_is_not_guessed():
    legs = [leg(end=10.0), leg(call=2, time=11.0)]
    ends = [at(*SERVER, "server", end=15.0), at(*SERVER, "server", call=2, start=6.0)]
    both = [
        stream(n, **TO_SERVER, first_time=a, last_time=e)
        for n, (a, e) in enumerate([(1.0, 10.0), (11.0, 40.0)])
    ]
    between = stream(2, **TO_CLIENT, first_time=9.9, last_time=11.1)
    assert [row[0] for row in told(*both, between, legs=legs, index=known(legs, ends))] == [1, None, 2]


# Codec and protection


def test_the_codec_is_the_receiver_s():
    sections = [
        {"call_id": "leg 1 of 1", "ufrag": "C", "codecs": "96=opus/48000", "session_id": "1"},
        {"call_id": "leg 1 of 1", "ufrag": "S", "codecs": "96=VP8/90000", "session_id": "2"},
    ]
    rtp = [stream(0, **TO_CLIENT, payload_type=96), stream(1, **TO_SERVER, payload_type=96)]
    assert told(*rtp, sdp=sections, columns=["codec"]) == [("opus",), ("VP8",)]


def test_an_untied_stream_has_the_codec_of_its_static_payload_type():
    rtp = [stream(0, payload_type=0), stream(1, payload_type=111)]
    assert told(*rtp, index=known(), columns=["codec"]) == [("PCMU",), (None,)]


@pytest.mark.parametrize(
    ("proto", "secured"), [("UDP/TLS/RTP/SAVPF", True), ("RTP/AVP", False), (None, None)]
)
def test_the_leg_s_profile_tells_srtp(proto, secured):
    sections = [{"call_id": "leg 1 of 1", "proto": proto}]
    assert told(stream(0), sdp=sections, columns=["secured"]) == [(secured,)]


def test_a_completed_handshake_on_the_same_ports_tells_srtp():
    plain = [{"call_id": "leg 1 of 1", "proto": "RTP/AVP"}]
    assert told(stream(0), sdp=plain, dtls=[HANDSHAKE], columns=["secured"]) == [(True,)]


@pytest.mark.parametrize(
    "other",
    [{"state": "client_hello_only"}, {"started": 31.0}, {"server_port": 50002}, {"capture": "b.pcapng"}],
    ids=str,
)
def test_another_handshake_does_not(other):
    plain = [{"call_id": "leg 1 of 1", "proto": "RTP/AVP"}]
    assert told(stream(0), sdp=plain, dtls=[HANDSHAKE | other], columns=["secured"]) == [(False,)]


def test_a_handshake_without_call_protects_a_stream_without_call():
    assert told(stream(0), index=known(), dtls=[HANDSHAKE | {"call": None}], columns=["secured"]) == [(True,)]


def test_a_handshake_ties_the_stream_that_follows_it():
    assert told(stream(0), index=known([leg()]), dtls=[HANDSHAKE]) == [(1, 1, "other")]


# Numbers


def test_streams_are_numbered_by_time_over_captures_and_their_seconds_follow():
    rtp = [
        stream(0, first_time=9.0),
        stream(1, first_time=7.0, ssrc=5),
        stream(0, first_time=8.0, capture="b.pcapng", packets=50),
    ]
    seconds = [
        {"stream": 0, "second": 1, "packets": 10},
        {"stream": 0, "second": 0, "packets": 11},
        {"stream": 0, "second": 0, "packets": 12, "capture": "b.pcapng"},
        {"stream": 1, "second": 0, "packets": 13},
    ]
    found, by_second = tied(*rtp, seconds=seconds)
    assert found[["stream", "capture", "ssrc"]].to_numpy().tolist() == [
        [1, "a.pcapng", 5],
        [2, "b.pcapng", 1],
        [3, "a.pcapng", 1],
    ]
    assert by_second[["stream", "second", "packets"]].to_numpy().tolist() == [
        [1, 0, 13],
        [2, 0, 12],
        [3, 0, 11],
        [3, 1, 10],
    ]


def test_the_seconds_of_noise_go_with_it():
    seconds = [{"stream": 0, "second": 0}, {"stream": 9, "second": 0}]
    found, by_second = tied(stream(0, packets=3), seconds=seconds, index=known())
    assert (len(found), len(by_second)) == (0, 0)


def test_no_streams_give_empty_tables_of_the_right_shape():
    found, by_second = tied()
    assert list(found.columns) == RTP_STREAMS.names
    assert list(by_second.columns) == RTP_SECONDS.names


def test_what_the_reader_measured_is_kept():
    found = tied(stream(0, jitter_ms=1.5, lost=7, clock_rate=8000))[0]
    assert found[["jitter_ms", "lost", "clock_rate"]].to_numpy().tolist() == [[1.5, 7, 8000]]


def test_media_past_the_server_is_marked_and_has_its_leg():
    phone_a, phone_b = (b.GATEWAY, 40000), (b.CLIENT, 50000)
    ends = [
        at(*phone_a, "other"),
        at(*phone_b, "server"),
        at(*phone_a, "server", 2),
        at(*phone_b, "other", 2),
    ]
    legs = [leg(), leg(2)]
    way = dict(zip(("src_addr", "src_port", "dst_addr", "dst_port"), (*phone_a, *phone_b), strict=True))
    back = dict(zip(("src_addr", "src_port", "dst_addr", "dst_port"), (*phone_b, *phone_a), strict=True))
    streams = [stream(0, **way), stream(1, **back)]
    assert told(*streams, index=known(legs, ends), columns=("call", "leg", "src_side", "direct")) == [
        (1, 1, "other", True),
        (1, 1, "server", True),
    ]


def test_media_by_way_of_the_server_is_not_direct():
    assert told(stream(0, **TO_CLIENT), columns=("src_side", "direct")) == [("server", False)]
