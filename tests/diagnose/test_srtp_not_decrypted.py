"""SRTP arrives and cannot be decrypted."""

import pytest

from postproc.diagnose.rules.srtp_not_decrypted import RULE
from tests.diagnose.refusals import log
from tests.diagnose.scenes import asked, stream, told_both, verdict


def failures(seconds, *, start=4.0, per_line=25, why=" (auth check failed)", **changes):
    """A line every half second, each with the count of failures since the last packet that was good."""
    return [
        log(
            "srtp",
            f"SRTP audio unprotect failed with code 7{why} {n * per_line}",
            100 + n,
            time=start + n / 2,
            level="WARNING",
            **changes,
        )
        for n in range(int(seconds * 2) + 1)
    ]


def test_a_call_whose_srtp_fails_all_along_is_a_fault_though_packets_flow_both_ways():
    lines = failures(10.0)
    (found,) = asked(RULE, log_events=lines)
    assert (found.verdict, found.confidence, found.leg) == ("fault", 0.95, 1)
    shown = told_both(found, RULE)
    assert shown["en"]["title"] == "The server cannot decrypt the SRTP of leg 1: 500 packets in 10.0 s."
    assert (
        shown["de"]["title"]
        == "Der Server kann das SRTP von Leg 1 nicht entschlüsseln: 500 Pakete in 10,0 s."
    )
    assert (
        "The server's log says so: fs.log:100 SRTP audio unprotect failed with code 7 (auth check failed) 0"
        " and 20 more. 850 packets from 198.51.100.77 arrived on the leg" in shown["en"]["detail"]
    )
    row = verdict(log_events=lines)
    assert (row.verdict, row.cause) == ("fault", "srtp-not-decrypted")


def test_where_few_of_the_packets_fail_it_is_a_doubt():
    (found,) = asked(RULE, log_events=failures(10.0, per_line=10))
    assert (found.verdict, found.confidence) == ("suspect", 0.6)
    assert "Weniger als die Hälfte der Pakete war betroffen" in told_both(found, RULE)["de"]["detail"]


def test_older_versions_count_nothing_and_write_a_line_a_packet():
    lines = [
        log("srtp", "Error: SRTP unprotect failed with code 7 (auth check failed)", n, time=4.0 + n / 50)
        for n in range(500)
    ]
    (found,) = asked(RULE, log_events=lines)
    assert (found.verdict, found.facts["failed"]) == ("fault", 500)


def test_without_a_stream_in_the_captures_the_log_stands_alone():
    (found,) = asked(RULE, log_events=failures(10.0), rtp_streams=[])
    assert found.verdict == "fault"
    assert "arrived on the leg" not in told_both(found, RULE)["en"]["detail"]


def test_it_explains_that_the_other_leg_hears_nothing():
    streams = [
        stream(),
        stream("client_to_server"),
        stream(leg=2, direction="other", src_addr="x", dst_addr="y"),
    ]
    assert verdict(log_events=failures(10.0), rtp_streams=streams).cause == "srtp-not-decrypted"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        failures(1.0),  # keys change
        failures(10.0, why=" (replay check failed)"),
        failures(10.0, call_id="c@x"),
    ],
)
def test_silent(lines):
    assert asked(RULE, log_events=lines) == []
