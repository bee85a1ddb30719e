"""What the entries of the menus make of a capture: against the capture, and against Python."""

from pathlib import Path

import pytest

import postproc
from postproc.model import filters
from postproc.show.firewall import holes
from postproc.show.selection import call_filters
from tests.plugins import packets
from tests.plugins.dissected import ROOT, Click, frames, tshark, watched
from tests.plugins.test_fields import INVITE

PCAPS = ROOT / "pcaps"
WIDTH = 80  # characters of a window in every Wireshark, before its text wraps


def by_entry(done: list[Click]) -> dict[tuple[str, int | None, str], str]:
    return {(click.entry, click.call, click.what): click.text for click in done}


def found(capture: Path, show: str) -> set[int]:
    """The frames that a display filter finds without the plug-in."""
    done = tshark(capture, "-2", "-Y", show, "-T", "fields", "-e", "frame.number", plugin=None)
    assert done.returncode == 0, done.stderr
    return {int(line) for line in done.stdout.split()}


# The server behind a NAT; the same 5-tuples again; another port; an address that changes; a call without ICE.
@pytest.mark.parametrize(
    "name",
    [
        "two_calls",
        "made/two_calls_same_number",
        "made/nat_remapped_port",
        "made/ipv6",
        "made/proxy_hops",
    ],
)
def test_copied_filters_find_what_those_of_a_run_find(name: str) -> None:
    capture = PCAPS / f"{name}.pcapng"
    run = postproc.analyze(capture)
    seen, done = watched(capture, ["legs.call", "tcp.len", "sip.CSeq"])
    clicked = by_entry(done)
    expected, opened = call_filters(run.tables), holes(run.tables)
    assert expected
    for call, show in expected.items():
        copied = clicked["Copy filter of this call", call, "clipboard"]
        assert clicked["Copy filter of this call", call, "window"] == copied
        of_call = (frame for frame in seen if frame.integer("legs.call") == call)
        frames_of_call = {frame.number for frame in of_call if not frame["tcp.len"] or frame["sip.CSeq"]}
        assert frames_of_call <= found(capture, copied) == found(capture, show)
        ports = [number for port in opened[call].ports for number in port.numbers]
        if ports:
            assert clicked["Copy filter of the server's ports", call, "clipboard"] == filters.ports(ports)


def test_the_copied_filter_of_ice_over_tcp_finds_its_packets() -> None:
    capture = PCAPS / "made/ice_tcp.pcapng"
    seen, done = watched(capture, ["legs.call", "tcp.dstport"])
    of_call = {frame.number for frame in seen if frame["legs.call"]}
    in_tcp = {frame.number for frame in seen if frame.integer("tcp.dstport") in (31802, 33270)}
    assert in_tcp <= of_call
    assert in_tcp <= found(capture, by_entry(done)["Copy filter of this call", 1, "clipboard"])


def test_every_call_has_a_button_up_to_eight_and_a_question_for_more(tmp_path: Path) -> None:
    invites = [INVITE.format(to=f"{number}", host="192.0.2.1", name=f"call{number}") for number in range(9)]
    phone, server = ("192.0.2.1", 5060), ("192.0.2.2", 5060)
    parted = [packets.udp_between(phone, server, invite.encode()) for invite in invites]
    for calls in (2, 9):
        _, done = watched(packets.capture(tmp_path / f"{calls}.pcap", *parted[:calls]), [])
        window = [click for click in done if click.entry == "Calls in this file"]
        labels = [click.text for click in window if click.what == "button"]
        shown = [click.text for click in window if click.what == "filter"]
        first = range(1, min(calls, 8) + 1)
        assert labels == [f"Call {number}" for number in first] + ["Other call..."] * (calls > 8)
        assert shown[:8] == [f"legs.call == {number}" for number in first]


def test_the_report_opens_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture, folder = PCAPS / "good.pcapng", tmp_path / "of the run"
    for more in ((), ("-o", f"legs.results:{folder}")):
        done = by_entry(watched(capture, [], more=more)[1])
        assert "postproc run CAPTURE" in done["Open report", None, "window"]
    folder.mkdir()
    (folder / "report.html").write_text("<!doctype html>")
    done = by_entry(watched(capture, [], more=more)[1])
    assert done["Open report", None, "url"] == (folder / "report.html").as_uri()
    monkeypatch.setenv("PWD", str(tmp_path))
    folder.rename(tmp_path / "postproc-out")
    done = by_entry(watched(capture, [])[1])
    assert done["Open report", None, "url"] == (tmp_path / "postproc-out" / "report.html").as_uri()


def test_filters_of_the_menus_are_those_of_the_call() -> None:
    capture = PCAPS / "no_binding_success.pcapng"
    _, done = watched(capture, [])
    clicked = by_entry(done)
    assert clicked["Filter this call", 1, "filter"] == "legs.call == 1"
    assert clicked["Filter this leg", 1, "filter"] == "legs.call == 1 && legs.leg == 1"
    unanswered = frames(capture, [], show=clicked["Open bindings of this call", 1, "filter"])
    run = postproc.analyze(capture)
    still_open = run.bindings[run.bindings["outcome"].isin(["unanswered", "pending"])]
    assert len(unanswered) == still_open["requests"].sum() > 10
    candidates = clicked["Candidates of this call", 1, "window"]
    silent = "call 1 leg 1: Answered; RTP packets: 0 from the client, 0 from the server"
    calls = clicked["Calls in this file", None, "window"]
    assert silent in calls.splitlines()
    assert max(map(len, calls.splitlines())) <= WIDTH
    assert "leg 2  721 -> +498984079810  bye of the server 22:40:" in candidates
    offered = run.candidates.dropna(subset=["addr"])
    assert all(f"{row.addr} port {row.port}, {row.addr_class}" in candidates for row in offered.itertuples())
