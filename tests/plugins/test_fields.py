"""Fields and expert items of the plug-in, as tshark shows them."""

from pathlib import Path

import pytest

import postproc
from postproc.correlate.dtls import WARNINGS
from postproc.read import dtls
from postproc.show import calls as shown
from tests.plugins import packets, wiresharks
from tests.plugins.dissected import ROOT, Frame, frames, tshark
from tests.plugins.wiresharks import Wireshark

PCAPS = ROOT / "pcaps"
MADE = PCAPS / "made"
ID = b"transaction1"
CASES = PCAPS / "cases"
EXPERTS = (
    "unanswered",
    "error",
    "no_public",
    "rejected",
    "dtls_alert",
    "unreachable",
    "unacknowledged",
    "two_hellos",
    "hello_unanswered",
    "role_conflict",
    "no_media",
    "in_turn",
)


def with_fields(capture: Path, *names: str, show: str = "legs.call") -> dict[int, Frame]:
    return {frame.number: frame for frame in frames(capture, names, show=show)}


def test_a_check_and_its_response_point_at_each_other() -> None:
    names = (
        "legs.outcome",
        "legs.purpose",
        "legs.side",
        "legs.response_in",
        "legs.response_to",
        "legs.rtt_ms",
        "legs.pair",
    )
    seen = with_fields(PCAPS / "good.pcapng", *names)
    request, response = seen[21], seen[22]
    assert (request.one("legs.purpose"), request.one("legs.outcome")) == ("check", "success")
    assert (request.one("legs.side"), response.one("legs.side")) == ("server", "client")
    assert request.integer("legs.response_in") == 22
    assert response.integer("legs.response_to") == 21
    assert float(response.one("legs.rtt_ms") or 0) == pytest.approx(0.9, abs=0.01)
    assert request.one("legs.pair") == "srflx 10.0.50.118:31802 -> srflx 198.51.100.77:33246"


def test_a_message_with_sdp_lists_the_senders_candidates() -> None:
    names = (
        "legs.label",
        "legs.side",
        "legs.candidate.addr",
        "legs.candidate.type",
        "legs.candidate.addr_class",
    )
    invite = with_fields(PCAPS / "good.pcapng", *names)[4]
    assert invite["legs.label"] == ["call 1 leg 1"]
    assert invite["legs.side"] == ["client"]
    assert invite["legs.candidate.addr"] == ["192.168.178.34", "198.51.100.77"]
    assert invite["legs.candidate.type"] == ["host", "srflx"]
    assert invite["legs.candidate.addr_class"] == ["private", "documentation"]


def test_two_messages_in_one_frame_both_have_their_leg() -> None:
    seen = with_fields(MADE / "tcp_segments.pcapng", "legs.label", "sip.Call-ID", show="sip && legs.call")
    assert any(len(frame["legs.label"]) == 2 for frame in seen.values())


def test_a_repeated_request_names_the_one_before(tmp_path: Path) -> None:
    request, identity = packets.udp(packets.stun(0x0001, ID)), "legs.retransmission_of"
    answer = packets.udp(packets.stun(0x0101, ID), back=True)
    seen = with_fields(packets.capture(tmp_path / "a.pcap", request, request, answer), identity, show="stun")
    assert [frame.integer(identity) for frame in seen.values()] == [None, 1, None]


def test_a_binding_error_and_a_success_of_the_same_request(tmp_path: Path) -> None:
    request = packets.udp(packets.stun(0x0001, ID))
    refused = packets.udp(packets.stun(0x0111, ID, bytes.fromhex("0009000400000457")), back=True)
    accepted = packets.udp(packets.stun(0x0101, ID), back=True)
    failed = packets.capture(tmp_path / "failed.pcap", request, refused)
    mended = packets.capture(tmp_path / "mended.pcap", request, refused, accepted)
    assert [frame.number for frame in frames(failed, ["legs.outcome"], show="legs.expert.error")] == [2]
    assert with_fields(failed, "legs.outcome", show="frame.number == 1")[1]["legs.outcome"] == ["error"]
    assert with_fields(mended, "legs.outcome", show="frame.number == 1")[1]["legs.outcome"] == ["success"]


@pytest.mark.parametrize(
    ("alert", "raised"), [("0228", True), ("0100", False)], ids=["fatal", "close_notify"]
)
def test_a_dtls_alert_is_raised_unless_it_only_closes(alert: str, raised: bool, tmp_path: Path) -> None:
    record = bytes.fromhex("15fefd" + "0000" + "000000000001" + "0002" + alert)
    target = packets.capture(tmp_path / "alert.pcap", packets.udp(record))
    assert bool(frames(target, ["udp.length"], show="legs.expert.dtls_alert")) == raised


def test_every_alert_that_the_tables_name_has_its_name(tmp_path: Path) -> None:
    records = [bytes.fromhex(f"15fefd0000000000000001000202{code:02x}") for code in dtls.ALERTS]
    target = packets.capture(tmp_path / "alerts.pcap", *map(packets.udp, records))
    shown = frames(target, ["_ws.expert.message"], show="legs.expert.dtls_alert")
    assert {message for frame in shown for message in frame["_ws.expert.message"] if "alert:" in message} == {
        f"DTLS alert: {name}" for name in dtls.ALERTS.values() if name not in WARNINGS
    }


INVITE = (
    "INVITE sip:{to}@example.org SIP/2.0\r\n"
    "Via: SIP/2.0/UDP {host};branch=z9hG4bK{name}\r\nCall-ID: {name}\r\n"
    "From: <sip:{name}@example.org>;tag={name}\r\nTo: <sip:{to}@example.org>\r\nCSeq: 1 INVITE\r\n"
    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


@pytest.mark.parametrize(("country", "calls"), [("49", 2), ("", 1)])
def test_the_country_code_tells_numbers_of_two_towns_apart(country: str, calls: int, tmp_path: Path) -> None:
    """Their last seven digits are the same; only whoever reads the area code knows that they differ."""
    phone, server, leaving, trunk = (
        ("192.0.2.1", 5060),
        ("192.0.2.2", 5060),
        ("192.0.2.2", 5080),
        ("192.0.2.3", 5060),
    )
    first = INVITE.format(to="08912345678", host="192.0.2.1", name="anna")
    second = INVITE.format(to="+493012345678", host="192.0.2.2", name="otto")
    target = packets.capture(
        tmp_path / "towns.pcap",
        packets.udp_between(phone, server, first.encode()),
        packets.udp_between(leaving, trunk, second.encode()),
    )
    seen = frames(target, ["legs.call"], more=("-o", f"legs.country:{country}"))
    assert len({frame.one("legs.call") for frame in seen}) == calls


def test_what_cannot_be_told_is_called_unsure() -> None:
    unsure = with_fields(MADE / "same_second_ambiguous.pcapng", "legs.label")
    assert {label for frame in unsure.values() for label in frame["legs.label"]} == {
        f"call {number} leg 1 (unsure)" for number in (1, 2, 3, 4)
    }
    sure = with_fields(PCAPS / "two_calls.pcapng", "legs.label")
    assert not any("unsure" in label for frame in sure.values() for label in frame["legs.label"])


def test_nomination_is_shown_on_the_check_that_nominates() -> None:
    seen = with_fields(PCAPS / "good.pcapng", "legs.use_candidate", show="stun.type.class == 0 && legs.call")
    assert {frame.one("legs.use_candidate") for frame in seen.values()} & {"1", "True"}


@pytest.mark.parametrize(
    ("capture", "expert"),
    [
        (PCAPS / "no_binding_success.pcapng", "unanswered"),
        (PCAPS / "only_private.pcapng", "no_public"),
        (PCAPS / "acl_403.pcapng", "rejected"),
        (PCAPS / "acl_488.pcapng", "rejected"),
        (MADE / "icmp_quotes_stun.pcapng", "unreachable"),
        (CASES / "f_ack_lost.pcapng", "unacknowledged"),
        (CASES / "opensips_missing_ack_32s.pcapng", "unacknowledged"),
        (CASES / "r_both_clients.pcapng", "two_hellos"),
        (PCAPS / "dtls_fail.pcapng", "hello_unanswered"),
        (MADE / "ice_role_conflict_kept.pcapng", "role_conflict"),
        (PCAPS / "dtls_fail.pcapng", "no_media"),
        (PCAPS / "two_calls.pcapng", "nat_port"),
        (MADE / "turn_channel.pcapng", "in_turn"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.stem,
)
def test_an_expert_item_is_raised_where_it_belongs(capture: Path, expert: str) -> None:
    assert frames(capture, ["legs.call"], show=f"legs.expert.{expert}")


def told(capture: Path, name: str, show: str = "frame") -> dict[int, list[str]]:
    return {frame.number: frame[name] for frame in frames(capture, [name], show=show) if frame[name]}


def test_messages_in_short() -> None:
    unanswered = told(PCAPS / "no_binding_success.pcapng", "legs.summary")
    assert unanswered[4] == ["client offers host 192.168.178.34, srflx 198.51.100.77"]
    assert unanswered[13] == ["look-up answered (1 of 1)"]
    assert unanswered[14] == ["look-up answered, seen as 203.0.113.10:32026"]
    assert unanswered[19] == ["check server->client unanswered (15 of 17)"]
    assert unanswered[6] == ["server: 100 Trying"]
    assert [text for said in unanswered.values() for text in said if "BYE" in text] == [
        "client: BYE",
        "server: BYE",
    ]
    hellos = told(PCAPS / "dtls_fail.pcapng", "legs.summary", "dtls.handshake.type == 1")
    assert list(hellos.values()) == [["ClientHello, never answered (5 sent)"]] * 5
    assert ["check server->client refused by ICMP (4 of 4)"] in told(
        MADE / "icmp_quotes_stun.pcapng", "legs.summary"
    ).values()
    inside = list(told(MADE / "turn_channel.pcapng", "legs.summary").values())
    assert ["check server->client in TURN answered (2 of 2)"] in inside


def test_one_pass_leaves_open_what_may_still_be_answered() -> None:
    seen = frames(PCAPS / "no_binding_success.pcapng", ["legs.summary"], show="legs.summary", passes=())
    assert not any("unanswered" in value for frame in seen for value in frame["legs.summary"])


@pytest.mark.parametrize(
    ("name", "expert", "message"),
    [
        ("dtls_fail", "hello_unanswered", "ClientHello never answered (5 sent)"),
        ("dtls_fail", "no_media", "Answered; RTP packets: 0 from the client, 0 from the server"),
        (
            "made/view_pictures_one_way",
            "no_media",
            "Answered; RTP packets: 0 from the client, 98 from the server",
        ),
        ("two_calls", "nat_port", "Port changed by NAT: 10.0.50.118:30748 is 203.0.113.10:40748 outside"),
        ("made/turn_channel", "in_turn", "Checks inside TURN: 4 of 4 answered"),
        ("cases/turn_channel_unanswered", "in_turn", "Checks inside TURN: 0 of 4 answered"),
    ],
)
def test_expert_items_count(name: str, expert: str, message: str) -> None:
    capture = next(PCAPS.glob(f"{name}.pcap*"))
    messages = told(capture, "_ws.expert.message", f"legs.expert.{expert}").values()
    assert message in {each for of_frame in messages for each in of_frame}


@pytest.mark.parametrize(
    "name", ["only_private", "no_binding_success", "acl_403", "made/busy_486", "made/reinvite"]
)
def test_media_is_missed_where_a_run_misses_it(name: str) -> None:
    """On the client's leg: answered, its media path captured, and no packet one way."""
    capture = PCAPS / f"{name}.pcapng"
    line = shown.call_lines(postproc.analyze(capture).tables)[0]
    answered = line.final_status is not None and line.final_status < 300
    checked = line.checks_to_client[1] or line.checks_to_server[1]
    missed = answered and checked and not (line.packets_to_client and line.packets_to_server)
    raised = frames(capture, ["legs.leg"], show="legs.expert.no_media && legs.leg == 1")
    assert bool(raised) == bool(missed)


def test_segments_of_a_connection_of_one_call_are_its() -> None:
    alone = frames(PCAPS / "good.pcapng", ["legs.call"], show="tcp && !sip")
    assert {frame.one("legs.call") for frame in alone} == {"1"}
    shared = frames(PCAPS / "two_calls.pcapng", ["legs.call"], show="tcp.port == 4900 && !sip")
    assert {frame.one("legs.call") for frame in shared} == {None}


@pytest.mark.parametrize("expert", EXPERTS)
def test_a_good_call_raises_no_expert_item(expert: str) -> None:
    assert not frames(PCAPS / "two_calls.pcapng", ["legs.call"], show=f"legs.expert.{expert}")


def test_one_pass_says_what_is_known_by_then() -> None:
    seen = frames(PCAPS / "good.pcapng", ["legs.outcome", "legs.label"], show="stun && legs.call", passes=())
    by_number = {frame.number: frame for frame in seen}
    assert by_number[21]["legs.outcome"] == []
    assert by_number[22]["legs.outcome"] == ["success"]


def test_nothing_is_called_unanswered_before_the_file_was_read() -> None:
    assert not frames(
        PCAPS / "no_binding_success.pcapng", ["legs.call"], show="legs.expert.unanswered", passes=()
    )


PROBE = """
local number, probe = Field.new("frame.number"), Proto("probe", "Probe")
function probe.dissector(_, pinfo)
    if not pinfo.visited and pinfo.number == 4 then print(number() and "fields" or "blind") end
end
register_postdissector(probe)
"""


@pytest.mark.parametrize("wireshark", wiresharks.each())
def test_sip_is_learnt_in_the_second_pass_if_the_first_has_no_fields(
    wireshark: Wireshark, tmp_path: Path
) -> None:
    probe = tmp_path / "probe.lua"
    probe.write_text(PROBE)
    arguments = ("-X", f"lua_script:{probe}", "-2", "-T", "fields", "-e", "frame.number", "-e", "legs.label")
    first_pass, *lines = tshark(PCAPS / "good.pcapng", *arguments, wireshark=wireshark).stdout.splitlines()
    assert first_pass == "blind"
    labels = dict(line.split("\t") for line in lines)
    assert (labels["4"], labels["17"]) == ("call 1 leg 1", "call 1 leg 2")
    assert set(labels.values()) == {"", "call 1 leg 1", "call 1 leg 2"}
    with_filter = tshark(PCAPS / "good.pcapng", *arguments, "-Y", "frame", wireshark=wireshark).stdout
    assert with_filter.startswith("fields\n")
