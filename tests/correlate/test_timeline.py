from postproc.correlate.parties import descriptions, parties
from postproc.correlate.timeline import timeline
from postproc.model.tables import TIMELINE, Tables
from tests import builders as b
from tests.correlate.conversation import ask, invite, reply
from tests.correlate.evidence_of import CHECK, TO_CLIENT, TO_SERVER, leg

SAYS = ["call", "lane", "label"]


def built(**tables):
    legs = [leg(), leg(call=2)]
    known = b.attributed(Tables().with_(legs=b.legs(*legs), **tables))
    sip = known.sip_messages
    return timeline(known, descriptions(sip.assign(party=parties(sip))))


def rows(**tables):
    return [tuple(row) for row in built(**tables)[SAYS].to_numpy().tolist()]


def test_nothing_gives_an_empty_table_of_the_right_shape():
    assert list(built().columns) == TIMELINE.names
    assert built().empty


def test_a_call_s_events_of_all_lanes_stand_in_time_order():
    found = rows(
        sip_messages=b.sip_messages(
            invite(1.0, call_id="leg 1 of 1", to_uri=None, has_sdp=True),
            reply(200, 6.0, call_id="leg 1 of 1", reason="OK"),
        ),
        sdp_media=b.sdp_media({"call_id": "leg 1 of 1", "media": "audio", "direction": "sendrecv"}),
        bindings=b.bindings(CHECK | {"time": 2.0, "rtt_ms": 1.0, "response_frame": 9, "purpose": "check"}),
        stun_messages=b.stun_messages(TO_SERVER | {"kind": "success", "frame": 9, "time": 2.001}),
        dtls=b.dtls(
            {
                "client_addr": b.SERVER,
                "client_port": 30000,
                "server_addr": b.CLIENT,
                "server_port": 50000,
                "call": 1,
                "leg": 1,
                "time": 3.0,
                "state": "client_hello_only",
            }
        ),
        dtls_messages=b.dtls_messages(TO_CLIENT | {"time": 3.0, "handshake_type": "client_hello"}),
        rtp_streams=b.rtp_streams(
            {"call": 1, "leg": 1, "first_time": 4.0, "last_time": 7.0, "codec": "PCMA"}
        ),
        icmp_errors=b.icmp_errors(TO_CLIENT | {"time": 5.0, "version": 4, "type": 3, "code": 3}),
        log_events=b.rows("log_events", {"call_id": "leg 1 of 1", "time": 5.5, "text": "Hangup"}),
    )
    assert found == [
        (1, "sip", "INVITE"),
        (1, "sdp", "offer audio, no candidates"),
        (1, "stun", "Binding Request C:S"),
        (1, "stun", "success, 1.0 ms"),
        (1, "dtls", "ClientHello"),
        (1, "media", "PCMA starts, SSRC 0x00000001"),
        (1, "icmp", f"port unreachable: {b.CLIENT}:50000"),
        (1, "log", "Hangup"),
        (1, "sip", "200 OK"),
        (1, "media", "PCMA ends, 100 packets, 0 lost"),
    ]


def test_calls_stand_one_after_the_other():
    messages = b.sip_messages(
        ask("BYE", 2.0, call_id="leg 1 of 2"),
        ask("BYE", 3.0, call_id="leg 1 of 1"),
        ask("ACK", 1.0, call_id="leg 1 of 2"),
        ask("BYE", 1.0, call_id="a registration"),
    )
    assert rows(sip_messages=messages) == [(1, "sip", "BYE"), (2, "sip", "ACK"), (2, "sip", "BYE")]
