import hashlib

import pandas as pd
import pytest

from postproc.correlate.dtls import dtls
from postproc.model.tables import DTLS
from tests import builders as b
from tests.correlate.evidence_of import CHECK, TO_CLIENT, TO_SERVER, at, known, leg

CLIENT_DER, SERVER_DER, FOREIGN = "3082aa", "3082bb", "3082cc"
SERVER, CLIENT = (b.SERVER, 30000), (b.CLIENT, 50000)


def fingerprint(certificate):
    digest = hashlib.sha256(bytes.fromhex(certificate)).hexdigest().upper()
    return "sha-256 " + ":".join(digest[i : i + 2] for i in range(0, 64, 2))


def section(ufrag, certificate, **columns):
    return {"call_id": "leg 1 of 1", "ufrag": ufrag, "fingerprint": fingerprint(certificate)} | columns


SDP = [section("C", CLIENT_DER), section("S", SERVER_DER)]


def good(start=2.0, **columns):
    """FreeSWITCH as DTLS client, as on the wire; certificates of both sides."""
    back, key = TO_SERVER | columns, TO_CLIENT | columns
    return [
        key | {"time": start, "handshake_type": "client_hello", "message_seq": 0},
        back | {"time": start + 0.02, "handshake_type": "server_hello", "message_seq": 0},
        back | {"time": start + 0.02, "handshake_type": "certificate", "certificate": CLIENT_DER},
        key | {"time": start + 0.04, "handshake_type": "certificate", "certificate": SERVER_DER},
        key | {"time": start + 0.04, "content": "change_cipher_spec"},
        key | {"time": start + 0.04, "handshake_type": "encrypted", "epoch": 1},
        back | {"time": start + 0.05, "content": "change_cipher_spec"},
        back | {"time": start + 0.05, "handshake_type": "encrypted", "epoch": 1},
    ]


def found(messages, *, index=None, sdp=SDP, rtp_streams=(), legs=None):
    legs = [leg()] if legs is None else legs
    index = index or known(legs, [], [CHECK | {"time": 1.5}])
    return dtls(
        b.dtls_messages(*messages), b.rtp_streams(*rtp_streams), b.sdp_media(*sdp), b.legs(*legs), index
    )


def one(messages, **others):
    rows = found(messages, **others)
    assert len(rows) == 1
    return {name: None if pd.isna(value) else value for name, value in rows.to_dict("records")[0].items()}


def test_a_handshake_is_one_row_with_all_its_facts():
    row = one(good())
    assert row == {
        "capture": "a.pcapng",
        "frame": 1,
        "time": b.at(2),
        "call": 1,
        "leg": 1,
        "counted_in": None,
        "client_addr": b.SERVER,
        "client_port": 30000,
        "server_addr": b.CLIENT,
        "server_port": 50000,
        "state": "complete",
        "client_hellos": 1,
        "alert": None,
        "started": b.at(2),
        "completed": b.at(2.05),
        "duration_ms": 50.0,
        "certificate_sha256": hashlib.sha256(bytes.fromhex(CLIENT_DER)).hexdigest(),
        "fingerprint_matches": True,
        "relayed": False,
    }


def test_no_messages_give_an_empty_table_of_the_right_shape():
    assert list(found([]).columns) == DTLS.names


def test_unanswered_hellos_are_counted():
    hellos = [TO_CLIENT | {"time": t, "handshake_type": "client_hello"} for t in (2.0, 3.0, 5.0, 9.0)]
    row = one(hellos)
    assert (row["state"], row["client_hellos"]) == ("client_hello_only", 4)
    assert (row["completed"], row["duration_ms"], row["fingerprint_matches"]) == (None, None, None)


def test_the_alert_that_ended_a_handshake_is_named():
    refused = [*good()[:2], TO_CLIENT | {"time": 2.1, "content": "alert", "alert": "bad_certificate"}]
    row = one(refused)
    assert (row["state"], row["alert"]) == ("alert", "bad_certificate")


def test_a_close_after_completion_is_no_alert():
    row = one([*good(), TO_SERVER | {"time": 30.0, "content": "alert", "alert": "encrypted", "epoch": 1}])
    assert row["state"] == "complete"
    assert row["alert"] is None


def test_srtp_proves_a_handshake_of_which_the_capture_has_one_direction():
    sent = [message for message in good() if message["src_addr"] == b.SERVER]
    media = TO_CLIENT | {"first_time": 2.5, "last_time": 9.0}
    assert one(sent, rtp_streams=[media])["completed"] == b.at(2.5)
    assert one(sent, rtp_streams=[media | {"first_time": 1.0}])["state"] == "incomplete"
    assert one(sent, rtp_streams=[media | {"dst_port": 50002}])["state"] == "incomplete"


@pytest.mark.parametrize(("begins", "state"), [(2.5, "incomplete"), (3.9, "incomplete"), (4.1, "complete")])
def test_whose_last_flight_is_sent_again_has_not_got_the_others(begins, state):
    """SRTP that began before the last repetition proves nothing."""
    sent = [message for message in good() if message["src_addr"] == b.SERVER]
    again = [message | {"time": message["time"] + later} for later in (1.0, 2.0) for message in sent[-2:]]
    media = TO_SERVER | {"first_time": begins, "last_time": 9.0}
    assert one([*sent, *again], rtp_streams=[media])["state"] == state


def test_second_captures_of_a_message_are_not_counted():
    assert one([good()[0], good()[0] | {"copy_of": 1, "time": 2.001, "frame": 9}])["client_hellos"] == 1


@pytest.mark.parametrize("spoilt", [{"time": None}, {"src_addr": None}, {"dst_port": None}], ids=str)
def test_a_message_without_ends_or_time_makes_no_row(spoilt):
    assert found([good()[0] | spoilt]).empty


def test_frames_that_stand_late_in_the_file_are_put_in_order():
    assert one(good()[::-1])["client_addr"] == b.SERVER


def test_handshakes_of_two_captures_and_inside_turn_are_apart():
    assert len(found([*good(), *good(capture="b.pcapng"), *good(relayed=True)])) == 3


def test_the_same_ports_used_by_two_calls_give_two_handshakes():
    legs = [leg(end=12.0), leg(call=2, time=14.0)]
    checks = [CHECK | {"time": 1.5}, CHECK | {"time": 15.0, "call": 2}]
    hellos = [TO_CLIENT | {"time": t, "handshake_type": "client_hello"} for t in (2.0, 3.0, 5.0, 16.0)]
    rows = found(hellos, index=known(legs, [], checks), legs=legs)
    assert rows[["call", "client_hellos"]].to_numpy().tolist() == [[1, 3], [2, 1]]


def test_rows_stand_in_time_order():
    rows = found([*good(5.0), *good(2.0, dst_port=50001)[:1]])
    assert rows["time"].tolist() == [b.at(2), b.at(5)]


# Whose it is


def test_without_checks_the_addresses_in_sdp_tell_the_leg():
    index = known([leg()], [at(*SERVER, "server"), at(*CLIENT, "client")])
    assert (one(good(), index=index)["call"], one(good(), index=index)["leg"]) == (1, 1)


def test_a_handshake_of_nobody_stays_without_call():
    row = one(good(), index=known())
    assert (row["call"], row["leg"], row["fingerprint_matches"]) == (None, None, None)


# Fingerprints


@pytest.mark.parametrize(
    ("sdp", "matches"),
    [
        ([section("C", FOREIGN), section("S", SERVER_DER)], False),
        ([section("C", CLIENT_DER), section("S", FOREIGN)], False),
        ([section("C", SERVER_DER), section("S", CLIENT_DER)], False),
        ([section("C", CLIENT_DER)], None),
        ([], None),
    ],
    ids=["client's", "server's", "swapped", "one description", "none"],
)
def test_each_certificate_is_compared_with_its_sender_s_description(sdp, matches):
    assert one(good(), sdp=sdp)["fingerprint_matches"] == matches


def test_without_checks_the_address_in_sdp_tells_the_sender():
    index = known([leg()], [at(*SERVER, "server"), at(*CLIENT, "client")])
    ends = [{"connection_addr": addr, "port": port} for addr, port in (CLIENT, SERVER)]
    right = [section(None, der, **end) for der, end in zip((CLIENT_DER, SERVER_DER), ends, strict=True)]
    wrong = [section(None, der, **end) for der, end in zip((SERVER_DER, CLIENT_DER), ends, strict=True)]
    found_matching = [one(good(), index=index, sdp=sdp)["fingerprint_matches"] for sdp in (right, wrong)]
    assert found_matching == [True, False]


def test_certificates_under_keys_cannot_be_compared():
    unseen = [message | {"certificate": None} for message in good()]
    row = one(unseen)
    assert row["state"] == "complete"
    assert (row["fingerprint_matches"], row["certificate_sha256"]) == (None, None)


def test_the_client_s_certificate_stands_in_where_the_server_s_was_not_seen():
    row = one([message for message in good() if message["src_addr"] == b.SERVER])
    assert row["certificate_sha256"] == hashlib.sha256(bytes.fromhex(SERVER_DER)).hexdigest()
