"""The server cannot open the port for its media."""

import pytest

from postproc.diagnose.rules.rtp_bind_failed import RULE
from tests.diagnose.refusals import at_once, log
from tests.diagnose.scenes import asked, told_both, verdict

BIND = "AUDIO RTP REPORTS ERROR: [Bind Error! 203.0.113.10:17830]"


def test_the_log_says_which_socket_and_the_refusal_follows():
    scene = at_once(502, after=0.05) | {"log_events": [log("media", BIND)]}
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.confidence, found.leg) == ("fault", 0.95, 1)
    shown = told_both(found, RULE)
    assert shown["en"]["title"] == "The server cannot open its media port 203.0.113.10:17830: Bind Error."
    assert (
        shown["de"]["title"]
        == "Der Server kann seinen Medien-Port 203.0.113.10:17830 nicht öffnen: Bind Error."
    )
    assert (
        shown["en"]["detail"] == f"The server's log says so: fs.log:7 {BIND}. The leg then ends with 502 No."
    )
    assert "rtp-ip of the SIP profile" in shown["en"]["remedies"]
    row = verdict(**scene)
    assert (row.verdict, row.cause) == ("fault", "rtp-bind-failed")


@pytest.mark.parametrize("reason", ["Socket Error!", "Local Address Error!"])
def test_other_failures_of_the_servers_own_socket_are_meant_too(reason):
    (found,) = asked(RULE, **at_once(502), log_events=[log("media", f"AUDIO RTP REPORTS ERROR: [{reason}]")])
    assert found.facts["reason"] == reason[:-1]
    assert (
        told_both(found, RULE)["en"]["title"]
        == f"The server cannot open a port for its media: {reason[:-1]}."
    )


def test_where_audio_flows_all_the_same_it_is_a_note():
    assert verdict(log_events=[log("media", BIND)]).verdict == "ok"


@pytest.mark.parametrize(
    "line",
    [
        "AUDIO RTP REPORTS ERROR: [Remote Address Error!]",  # of the other side's address
        BIND.replace("AUDIO", "VIDEO"),
        "a=crypto in RTP/AVP, refer to rfc3711",
    ],
)
def test_silent_on_other_errors(line):
    assert asked(RULE, **at_once(502), log_events=[log("media", line)]) == []


def test_silent_without_the_log_and_on_lines_of_another_call():
    assert asked(RULE, **at_once(502)) == []
    assert asked(RULE, **at_once(502), log_events=[log("media", BIND, call_id="b@x")]) == []
