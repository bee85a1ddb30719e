"""A call in notebooks: its rows, pictures and packets."""

import pytest

import postproc
from postproc.call import Call
from postproc.model.errors import CaptureError
from postproc.model.tables import BY_NAME, Tables
from tests import builders as t


@pytest.fixture(scope="module")
def run(pcaps):
    return postproc.analyze([pcaps / "good.pcapng", pcaps / "no_binding_success.pcapng"])


@pytest.fixture(scope="module")
def good(run):
    return run.call(1)


@pytest.fixture(scope="module")
def broken(run):
    return run.call(2)


def test_the_tables_of_two_calls_are_together_those_of_the_run(run, good, broken):
    for name in ("legs", "candidates", "bindings", "pairs", "dtls", "rtp_streams", "timeline", "findings"):
        assert len(getattr(good, name)) + len(getattr(broken, name)) == len(getattr(run, name)), name
    assert set(good.sip_messages["capture"]) == {"good.pcapng"}
    assert len(good.stun_messages) == 2 * len(good.bindings)


def test_verdict_headline_and_walk(good, broken):
    assert (good.verdict, broken.verdict) == ("ok", "fault")
    assert "No Binding Success" in broken.headline
    walk = broken.walk.set_index("step")
    assert walk.index.tolist()[0] == "trace"
    assert walk.loc["answers", "state"] == "failed"
    checks = broken.bindings[broken.bindings["purpose"] == "check"]
    assert walk.loc["answers", "frames"] == checks["frame"].tolist()
    assert set(good.walk["state"]) == {"passed"}


def test_a_call_that_nobody_judged():
    call = Call(1, Tables(calls=t.calls({"call": 1})))
    assert (call.verdict, call.headline, call.filter) == (None, None, "")
    assert call.walk.empty
    assert list(call.walk.columns)[:2] == ["step", "state"]
    assert call.packets() == []
    assert repr(call) == "<Call 1: not judged, 0 legs>"


def test_a_wrong_name_is_answered_with_those_there_are(good):
    with pytest.raises(AttributeError, match=r"a call has no 'leg'; its tables are captures, .*legs"):
        _ = good.leg
    assert set(BY_NAME) <= set(dir(good))
    assert {"ladder", "packets", "filter"} <= set(dir(good))


@pytest.mark.parametrize(
    "picture", ["places", "route", "ladder", "call_timeline", "bindings_plot", "media_plot"]
)
def test_every_picture_is_of_this_call(broken, picture):
    figure = getattr(broken, picture)()
    assert figure._repr_svg_().startswith("<svg")
    assert "Call 2" in figure._repr_svg_()


def test_without_a_filter_packets_are_the_signalling_of_this_call(good):
    packets = good.packets()
    numbers = [int(packet.number) for packet in packets]
    assert set(good.sip_messages["frame"]) | set(good.stun_messages["frame"]) <= set(numbers)
    assert len(numbers) < 100 < len(good.packets("udp", limit=101))


def test_with_a_filter_packets_are_what_it_lets_through(broken):
    found = broken.packets("stun.type.class == 0 && stun.att.priority")
    checks = broken.bindings[broken.bindings["purpose"] == "check"]
    assert [int(packet.number) for packet in found] == sorted(checks["frame"])
    assert {packet.ip.dst for packet in found} == set(checks["dst_addr"])


def test_packets_of_another_call_never_come(pcaps):
    """``or`` in the user's filter does not extend beyond the call."""
    calls = postproc.analyze(pcaps / "two_calls.pcapng")
    found = calls.call(2).packets("sip || sip.Method == INVITE", limit=200)
    assert {packet.sip.get_field_value("Call-ID") for packet in found} == set(calls.call(2).legs["call_id"])


def test_a_capture_that_moved_is_read_where_it_is_now(pcaps, tmp_path):
    before, after = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    before.write_bytes((pcaps / "acl_403.pcapng").read_bytes())
    call = postproc.analyze(before).call(1)
    before.rename(after)
    with pytest.raises(CaptureError, match="not there any more"):
        call.packets()
    assert [packet.sip.get_field_value("Method") for packet in call.packets("sip.Method", file=after)] == [
        "INVITE",
        "ACK",
    ]


def test_as_html_it_says_what_it_found(broken):
    page = broken._repr_html_()
    assert "No Binding Success" in page
    assert "Pin Hole Puncher" in page
