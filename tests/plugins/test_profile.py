"""The profile "Legs" as tshark takes it: filters, macros, columns, colours, ports."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import postproc
from postproc.pipeline import Run
from tests.plugins import packets, wiresharks
from tests.plugins.bundle import PROFILE, Bundle, bad_filters, color_rules, make, named, table
from tests.plugins.dissected import ROOT

PCAPS = ROOT / "pcaps"
GOOD, TWO_CALLS = PCAPS / "good.pcapng", PCAPS / "two_calls.pcapng"
FIRST_MEDIA_PORT = 16384  # FreeSWITCH's default range begins here
STILL_SEEN = {"rtpproxy", "tzsp"}  # a control protocol of media relays, captures in a tunnel


def text(name: str) -> str:
    return (PROFILE / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=wiresharks.each())
def bundle(tmp_path_factory, request: pytest.FixtureRequest) -> Bundle:
    return make(tmp_path_factory.mktemp("bundle"), request.param.command("tshark"))


def called(name: str, expression: str) -> str:
    """A call of a macro with as many arguments as it takes."""
    taken = len(set(re.findall(r"\$\d", expression)))
    values = "10.0.0.1;30000" if name == "endpoint" else ";".join(["1"] * taken)
    return f"${{{name}:{values}}}" if taken else f"${{{name}}}"


def every_filter() -> dict[str, str]:
    filters = {f"colour {name}": expression for name, expression in color_rules(text("colorfilters")).items()}
    filters |= {f"button {row[1]}": row[2] for row in table(text("dfilter_buttons"))}
    filters |= {f"filter {name}": expression for name, expression in named(text("dfilters")).items()}
    filters |= {f"macro {name}": called(name, body) for name, body in named(text("dmacros")).items()}
    return filters


def test_every_filter_compiles(bundle: Bundle) -> None:
    filters = every_filter()
    assert len(filters) > 50
    assert bad_filters(bundle, GOOD, filters) == {}


def test_the_lint_names_a_filter_that_does_not_compile(bundle: Bundle) -> None:
    found = bad_filters(bundle, GOOD, {"good": "sip", "bad": "legs.nothing == 1"})
    assert list(found) == ["bad"]
    assert "legs.nothing" in found["bad"]


def test_tshark_says_nothing_but_frames(bundle: Bundle) -> None:
    assert len(bundle.shown(GOOD, "-c", "5")) == 5


def test_macros_of_old_and_new_wiresharks_are_the_same() -> None:
    assert {row[0]: row[1] for row in table(text("dfilter_macros"))} == named(text("dmacros"))


def test_the_macro_of_two_legs_shows_them_and_stun(bundle: Bundle) -> None:
    run = postproc.analyze(TWO_CALLS)
    ids = list(run.legs.loc[run.legs["call"] == 2, "call_id"])
    expected = set(run.sip_messages.loc[run.sip_messages["call_id"].isin(ids), "frame"])
    expected |= set(run.stun_messages["frame"])
    assert set(bundle.frames(TWO_CALLS, f"${{legs:{';'.join(ids)}}}")) == expected


def test_buttons_and_saved_filters_of_the_same_name_are_the_same() -> None:
    buttons = {row[1]: row[2] for row in table(text("dfilter_buttons"))}
    wanted = "INVITEs|This call|This call's STUN|Open bindings|Candidates|Errors|Media|Findings"
    assert list(buttons) == wanted.split("|")
    assert buttons.items() <= named(text("dfilters")).items()


def test_columns_are_those_an_analyst_needs(bundle: Bundle) -> None:
    printed = bundle.shown(GOOD, "-T", "psml", "-c", "1")
    titles = re.findall(r"<section>(.*?)</section>", "".join(printed).partition("</structure>")[0])
    expected = "No.|Time|Call|Leg|In short|Source|Src port|Destination|Dest port|Protocol|Info|User-Agent"
    assert titles == expected.split("|")


def test_columns_show_call_leg_agent_and_the_time_of_day(bundle: Bundle) -> None:
    assert "gui.time_format: ABSOLUTE\n" in text("recent")  # of the column %t; tshark has it from -t
    first = bundle.shown(GOOD, "-2", "-Y", 'sip.Method == "INVITE"', "-T", "psml", "-t", "a")
    cells = re.findall(r"<section>(.*?)</section>", "".join(first))[12:24]
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{6,9}", cells[1])
    assert cells[2:4] == ["1", "1"]
    assert cells[4] == "client offers host 192.168.178.34, srflx 198.51.100.77"
    assert cells[5:10] == ["10.0.50.118", "4901", "10.0.50.118", "4900", "SIP/SDP"]
    assert cells[11] == "sipsorcery_v4.0.79.1"


RULE_OF_OUTCOME = {"unanswered": "STUN open", "pending": "STUN open", "error": "STUN error"}


def expected_colors(run: Run) -> Iterator[tuple[int, str]]:
    """What the tables say each SIP, STUN and DTLS frame is."""
    legs = dict(zip(run.legs["call_id"], run.legs["leg"], strict=True))
    for row in run.sip_messages.itertuples():
        status = None if pd.isna(row.status) else row.status
        rejected = status in (403, 488) and row.cseq_method == "INVITE"
        yield row.frame, "problem" if rejected else f"leg {legs[row.call_id]}"
    bindings = run.bindings.set_index("transaction_id")
    for row in run.stun_messages.itertuples():
        binding = bindings.loc[row.transaction_id]
        answered = "discovery" if binding["purpose"] == "discovery" else "STUN success"
        yield row.frame, RULE_OF_OUTCOME.get(binding["outcome"], answered)
    unanswered = (run.dtls["state"] == "client_hello_only").any()
    for row in run.dtls_messages.itertuples():
        yield row.frame, "problem" if unanswered and row.handshake_type == "client_hello" else "DTLS"


@pytest.mark.parametrize("name", ["good", "two_calls", "no_binding_success", "acl_403", "dtls_fail"])
def test_frames_have_the_colour_of_what_the_tables_say(bundle: Bundle, name: str) -> None:
    capture = PCAPS / f"{name}.pcapng"
    run = postproc.analyze(capture)
    expected = {int(frame): f"Legs: {rule}" for frame, rule in expected_colors(run)}
    colors = bundle.colors(capture)
    assert len(expected) > 10 or name == "acl_403"
    assert {frame: colors[frame] for frame in expected} == expected
    media = {rule for frame, rule in colors.items() if frame not in expected}
    assert media <= {"", "Legs: media", "Legs: ICMP"}
    assert sum(rule == "Legs: media" for rule in colors.values()) >= run.rtp_streams["packets"].sum()


def test_a_packet_without_a_call_leaves_the_list_whole(bundle: Bundle) -> None:
    """Without a selected packet, as here, a reference has no value: as for one of no call."""
    buttons = {row[1]: row[2] for row in table(text("dfilter_buttons"))}
    every = set(range(1, 4458))
    assert set(bundle.frames(TWO_CALLS, buttons["This call"])) == every
    stun = bundle.frames(TWO_CALLS, buttons["This call's STUN"])
    assert stun == bundle.frames(TWO_CALLS, "stun || classicstun")


def test_commented_packets_have_a_colour_and_a_button(bundle: Bundle, tmp_path: Path) -> None:
    commented = tmp_path / "commented.pcapng"
    command = ["editcap", "-a", "4:looks odd", str(GOOD), str(commented)]
    subprocess.run(command, check=True, capture_output=True)
    commented.chmod(0o644)
    buttons = {row[1]: row[2] for row in table(text("dfilter_buttons"))}
    assert bundle.frames(commented, buttons["Findings"]) == [4]
    assert bundle.colors(commented)[4] == "Legs: finding"


def test_widths_are_of_the_columns_there_are() -> None:
    (widths,) = re.findall(r"^column.width: (.+)$", text("recent"), re.MULTILINE)
    shown = re.findall(r'"[^"]+", "(%[^"]+)"', text("preferences"))
    named = [word.strip(' "') for word in re.findall(r'"[^"]*"|%\w+', widths)]
    assert named == [column.removesuffix(":0:R") for column in shown]


def test_what_runs_over_tcp_is_coloured_as_over_udp(bundle: Bundle) -> None:
    run = postproc.analyze(PCAPS / "made" / "ice_tcp.pcapng")
    colors = bundle.colors(PCAPS / "made" / "ice_tcp.pcapng")
    assert {colors[frame] for frame in run.dtls_messages["frame"]} == {"Legs: DTLS"}
    checks = run.stun_messages["frame"][run.stun_messages["transport"] == "tcp"]
    assert {colors[frame] for frame in checks} == {"Legs: STUN success"}


def test_further_legs_and_refused_checks_have_their_colours(bundle: Bundle) -> None:
    assert "Legs: further leg" in bundle.colors(PCAPS / "made" / "three_legs.pcapng").values()
    refused = bundle.colors(PCAPS / "made" / "icmp_quotes_stun.pcapng")
    assert refused[18] == "Legs: problem"


def test_media_and_keys_inside_turn_are_seen(bundle: Bundle) -> None:
    relayed = list(bundle.colors(PCAPS / "made" / "turn_channel.pcapng").values())
    assert relayed.count("Legs: media") > 100
    assert relayed.count("Legs: DTLS") > 2


def test_stun_is_stun_on_ports_that_others_registered(bundle: Bundle) -> None:
    capture = PCAPS / "made" / "stun_ports.pcapng"
    run = postproc.analyze(capture)
    seen = bundle.frames(capture, "stun && udp.port in {32000, 32512, 30030, 30511}")
    checks = run.bindings[run.bindings["purpose"] == "check"]
    assert set(checks["src_port"]) | set(checks["dst_port"]) >= {32000, 32512, 30030, 30511}
    assert seen == sorted(run.stun_messages["frame"])


def registered_ports(bundle: Bundle) -> dict[int, str]:
    command = [*bundle.tshark, "-G", "decodes"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = (line.split("\t") for line in listed.splitlines())
    ports = {int(row[1]): row[2] for row in rows if row[0] == "udp.port"}
    return {port: name for port, name in ports.items() if port >= FIRST_MEDIA_PORT}


def test_stun_is_stun_on_every_registered_media_port(bundle: Bundle, tmp_path: Path) -> None:
    """Without any SDP that would tell what runs there."""
    ports = registered_ports(bundle)
    checks = [
        packets.udp_between(
            ("10.0.0.1", 40002), ("10.0.0.2", port), packets.stun(1, port.to_bytes(12, "big"))
        )
        for port in ports
    ]
    capture = packets.capture(tmp_path / "ports.pcap", *checks)
    seen = set(bundle.frames(capture, "stun"))
    unseen = {name for frame, name in enumerate(ports.values(), 1) if frame not in seen}
    assert len(ports) > 40
    assert unseen <= STILL_SEEN


def test_protocols_switched_off_are_protocols(bundle: Bundle) -> None:
    command = [*bundle.tshark, "-G", "protocols"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    known = {line.split("\t")[2] for line in listed.splitlines()}
    assert set(text("disabled_protos").split()) - known <= {"busmirroring"}  # since Wireshark 4.4


def test_wireshark_switches_to_the_profile_for_calls_only(bundle: Bundle, tmp_path: Path) -> None:
    (line,) = text("profile_settings").splitlines()
    name, _, expression = line.partition(": ")
    assert name == "auto_switch_filter"
    assert bundle.frames(GOOD, expression)
    other = packets.capture(tmp_path / "other.pcap", packets.udp(b"\0" * 30))
    assert bundle.frames(other, expression) == []
