"""Which flows of two captures are one: by what they carry, never by addresses alone."""

import numpy as np
import pytest

from postproc.model.tables import Tables
from postproc.places.datagrams import DATAGRAM, RTP, STUN, Datagrams, Flow
from postproc.places.matches import FEWEST_RTP, matches
from tests.builders import rows

PHONE, SERVER, OTHER = "192.0.2.10", "10.0.50.118", "192.0.2.20"
INWARD, OUTWARD = Flow(PHONE, 4000, SERVER, 30000), Flow(SERVER, 30002, OTHER, 5000)
MS = 10**6


def packets(capture, flow, *, kind=RTP, count=50, payload=7, late=0, first=0):
    """RTP of one stream, every 20 ms."""
    found = np.zeros(count, DATAGRAM)
    found["capture"], found["flow"], found["kind"] = capture, flow, kind
    found["key"] = np.arange(first, first + count) + 1000
    found["time"] = np.arange(count) * 20 * MS + late
    found["payload"] = payload
    return found


def joined(flows, *streams, tables=None):
    seen = Datagrams(["a", "b"], flows, np.concatenate(streams))
    return matches(seen, tables or Tables()).joined


def described(*sections):
    """Tables with SDP: capture, Call-ID, address and port each."""
    names = ("capture", "call_id", "connection_addr", "port")
    return Tables(sdp_media=rows("sdp_media", *(dict(zip(names, each, strict=True)) for each in sections)))


def test_rtp_with_the_same_numbers_and_payload_joins_flows():
    flows = [(0, INWARD), (1, INWARD)]
    assert joined(flows, packets(0, 0), packets(1, 1, late=5 * MS)) == {(0, 1)}


@pytest.mark.parametrize(("call_id", "expected"), [("one", {(0, 1)}), ("two", set())])
def test_a_b2bua_that_passes_rtp_on_does_not_join_its_legs(call_id, expected):
    """SDP of either capture names one end; the legs' Call-IDs differ."""
    tables = described(("a", "one", PHONE, 4000), ("b", call_id, OTHER, 5000))
    flows = [(0, INWARD), (1, OUTWARD)]
    assert joined(flows, packets(0, 0), packets(1, 1, late=MS), tables=tables) == expected


def test_rtp_of_other_payload_is_another_stream():
    flows = [(0, INWARD), (1, INWARD)]
    assert joined(flows, packets(0, 0), packets(1, 1, payload=8)) == set()


def test_few_rtp_packets_prove_nothing_and_one_check_does():
    flows, few = [(0, INWARD), (1, INWARD)], FEWEST_RTP - 1
    assert joined(flows, packets(0, 0, count=few), packets(1, 1, count=few, late=MS)) == set()
    check = packets(0, 0, kind=STUN, count=1), packets(1, 1, kind=STUN, count=1, late=MS)
    assert joined(flows, *check) == {(0, 1)}


def test_of_two_legs_that_carry_the_same_the_flow_with_an_end_in_common_is_joined():
    """The server's capture shows what it takes in and what it passes on; the phone's, what it sends."""
    flows = [(0, INWARD), (0, OUTWARD), (1, INWARD)]
    streams = packets(0, 0, late=9 * MS), packets(0, 1, late=10 * MS), packets(1, 2)
    assert joined(flows, *streams) == {(0, 2)}


def test_a_file_cut_out_of_another_is_no_other_place():
    flows = [(0, INWARD), (1, INWARD)]
    assert joined(flows, packets(0, 0), packets(1, 1, late=900)) == set()


def test_a_nat_that_changes_the_port_in_the_middle_joins_both_flows_to_the_one():
    moved = INWARD._replace(src_port=4001)
    flows = [(0, INWARD), (1, INWARD), (1, moved)]
    halves = packets(1, 1, count=25, late=MS), packets(1, 2, count=25, first=25, late=501 * MS)
    assert joined(flows, packets(0, 0), *halves) == {(0, 1), (0, 2)}
