"""Sheets of legs, DTLS handshakes and RTP streams."""

import pytest

from postproc.model.calls import Calls
from postproc.model.tables import Tables
from postproc.show.report.sheets import handshakes, legs, streams
from tests import builders
from tests.show.report import scenes


def row(made) -> dict:
    return dict(zip(made.headings, made.rows[0], strict=True))


def test_a_leg_names_its_ends_and_how_it_ended():
    first = row(legs(Calls(scenes.tables())[1], "en"))
    assert first["Leg"].kind == "leg leg1"
    assert first["From"].text == "721 10.0.50.5:4901"
    assert first["User agents"].text == "phone/1 → switch/2"
    assert (first["Status"].text, first["Status"].kind) == ("200 OK", "good")
    assert (first["Time"].text, first["Ringing"].text) == ("12:00:00.000", "–")


@pytest.mark.parametrize(("status", "kind"), [(None, ""), (200, "good"), (403, "doubt")])
def test_a_final_status_is_rated(status, kind):
    held = Tables(calls=builders.calls({"call": 1}), legs=builders.legs({"call": 1, "final_status": status}))
    assert row(legs(Calls(held)[1], "en"))["Status"].kind == kind


def test_a_handshake_says_whether_the_certificate_is_the_announced_one():
    first = row(handshakes(Calls(scenes.tables())[2], "en"))
    assert (first["State"].text, first["State"].kind, first["Duration"].text) == (
        "complete",
        "good",
        "100.0 ms",
    )
    assert (first["Fingerprint"].text, first["Fingerprint"].kind) == ("differs", "bad")


@pytest.mark.parametrize(("matches", "text"), [(True, "matches"), (None, "–")])
def test_a_fingerprint_that_matches_or_is_unknown(matches, text):
    held = Tables(
        calls=builders.calls({"call": 1}),
        dtls=builders.dtls(
            {"call": 1, "state": "alert", "alert": "bad_certificate", "fingerprint_matches": matches}
        ),
    )
    first = row(handshakes(Calls(held)[1], "en"))
    assert (first["Fingerprint"].text, first["State"].text) == (text, "alert: bad_certificate")


@pytest.mark.parametrize(
    ("lost", "kind"), [(0, "figure"), (1, "figure"), (3, "figure doubt"), (6, "figure bad")]
)
def test_loss_is_rated_by_its_share(lost, kind):
    held = Tables(
        calls=builders.calls({"call": 1}),
        rtp_streams=builders.rtp_streams({"call": 1, "lost": lost, "packets": 100 - lost}),
    )
    assert row(streams(Calls(held)[1], "en"))["Lost"].kind == kind


def test_a_stream_says_where_it_goes_and_how_it_is_protected():
    first = row(streams(Calls(scenes.tables())[2], "en"))
    assert (first["Direction"].text, first["Codec"].text, first["Jitter"].text) == (
        "to client",
        "PCMA SRTP",
        "1.2 ms",
    )
    assert first["Lost"].text == "6 (6.0 %)"


def test_a_stream_of_which_nothing_was_expected_has_no_loss():
    held = Tables(
        calls=builders.calls({"call": 1}), rtp_streams=builders.rtp_streams({"call": 1, "expected": None})
    )
    assert row(streams(Calls(held)[1], "en"))["Lost"].text == "–"
