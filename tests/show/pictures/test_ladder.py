"""What a ladder shows of real calls, row by row, and that nothing in it overlaps or is cut off."""

from itertools import pairwise

import pytest

from postproc.model.calls import Calls
from postproc.model.tables import FINDINGS
from postproc.show.pictures.ladder import Ladder, ladder
from postproc.show.pictures.layout import Layer, width
from postproc.show.pictures.machines import Machines
from tests.show.pictures import scenes
from tests.show.pictures.looks import assert_good

CALLS = {
    "good": lambda: (scenes.run_of("good.pcapng"), 1),
    "no_binding_success": lambda: (scenes.run_of("no_binding_success.pcapng"), 1),
    "two_calls 1": lambda: (scenes.run_of("two_calls.pcapng"), 1),
    "two_calls 2": lambda: (scenes.run_of("two_calls.pcapng"), 2),
    "two views": lambda: (scenes.run_of("server_view.pcapng", "client_view.pcapng"), 1),
    "no SIP": lambda: (scenes.run_of("client_view.pcapng"), 1),
    "acl_403": lambda: (scenes.run_of("acl_403.pcapng"), 1),
    "re-INVITE": lambda: (scenes.run_of("made/reinvite.pcapng"), 1),
    "turn": lambda: (scenes.run_of("made/turn_channel.pcapng"), 1),
    "500 messages": lambda: (scenes.long_call(), 1),
    "four legs": lambda: (scenes.four_legs(), 1),
}


@pytest.fixture(params=CALLS, scope="module")
def each(request: pytest.FixtureRequest):
    run, call = CALLS[request.param]()
    return Calls(run)[call]


def drawn(name: str, lang: str = "en") -> Ladder:
    run, call = CALLS[name]()
    return ladder(Calls(run)[call], lang)


def said(held: Ladder) -> list[tuple[str, str, str]]:
    """From, to and label of each row."""
    names = [column.name for column in held.headings]
    return [
        (names[row.event.src], names[row.event.dst], row.event.label)
        if row.event and row.event.src is not None and row.event.dst is not None
        else ("", "", row.note)
        for row in held.rows
    ]


@pytest.mark.parametrize("lang", ["en", "de"])
def test_nothing_overlaps_is_cut_off_or_struck_through(each, lang):
    assert_good(ladder(each, lang).picture)


def test_machines_of_the_good_call_stand_side_by_side():
    held = drawn("good")
    assert [(column.name, column.hosts) for column in held.headings] == [
        ("XPhone Server", ("10.0.50.118",)),
        ("XPhone Client", ("192.168.178.34", "198.51.100.77")),
        ("XCC", ("10.0.50.118", "203.0.113.10")),
        ("LabPBX", ("10.0.50.20",)),
        ("STUN server", ("192.0.2.53",)),
    ]


def test_good_call_from_invite_to_media():
    rows = said(drawn("good"))
    assert rows[:8] == [
        ("XPhone Server", "XCC", "INVITE +498984079810 (offer audio, 2 candidates)"),
        ("XCC", "XPhone Server", "100 Trying"),
        ("XCC", "STUN server", "STUN look-up"),
        ("STUN server", "XCC", "mapped 203.0.113.10:41802, 2.5 ms"),
        ("XCC", "XPhone Server", "183 Session Progress (answer audio, 2 candidates)"),
        ("", "", "leg 1: early media"),
        ("XCC", "LabPBX", "INVITE +498984079810 (offer audio, no candidates)"),
        ("LabPBX", "XCC", "100 Trying"),
    ]
    assert ("XPhone Client", "XCC", "SRTP PCMA: 543 packets, 0 lost, jitter 0.8 ms") in rows
    assert ("XCC", "XPhone Client", "Binding Request Q0Ny:XAtc.. × 8, every 1.0 s") in rows
    assert ("XPhone Client", "XCC", "success × 8, 0.5 ms – 4.1 ms") in rows
    assert rows[-1] == ("LabPBX", "XCC", "200 OK (BYE)")


def test_phases_begin_below_what_opens_them():
    held = drawn("re-INVITE")
    before = {row.note: held.rows[n - 1] for n, row in enumerate(held.rows) if row.close}
    assert [(note, row.event.label.split(" (")[0] if row.event else "") for note, row in before.items()] == [
        ("leg 1: early media", "183 Session Progress"),
        ("leg 2: talk", "200 OK"),
        ("leg 1: talk", "200 OK"),
        ("leg 2: hold, only the server may send", "200 OK"),
        ("leg 1: hold, only the far end may send", "200 OK"),
        ("leg 2: resumed", "200 OK"),
        ("leg 1: ICE restart", "200 OK"),
    ]


def test_a_hold_interrupts_the_media_of_its_leg():
    bands = sorted((band for band in drawn("re-INVITE").bands if band.leg == 1), key=lambda band: band.top)
    assert [band.hold for band in bands] == [False, True, False]
    assert all(one.bottom == other.top for one, other in pairwise(bands))


def test_a_silence_is_named_where_it_begins():
    notes = [row.note for row in drawn("500 messages", "de").rows if row.close]
    assert "Leg 1: 3:00 min lang nichts von der Gegenseite" in notes
    assert sum(note.startswith("Leg 1: Gespräch") for note in notes) == 1  # re-INVITEs that change nothing


def test_unanswered_checks_are_folded_and_end_in_a_cross():
    held = drawn("no_binding_success")
    folded = [row.event for row in held.rows if row.event and row.event.count == 12]
    assert [event.label for event in folded] == ["Binding Request WTJz:3RME.., unanswered × 12, every 1.0 s"]
    assert not folded[0].arrives and len(folded[0].frames) == 12
    y = held.grid.ys[[row.event for row in held.rows].index(folded[0])]
    crosses = [s for s in held.picture.strokes if s.layer == Layer.TOP and abs(s.points[0][1] - y) < 4]
    assert len(crosses) == 2
    assert ("XCC", "XPhone Client", "Binding Request WTJz:3RME.., open at the end × 2, every 1.0 s") in said(
        held
    )


def test_german_words_stand_beside_protocol_words():
    rows = [label for _, _, label in said(drawn("no_binding_success", "de"))]
    assert "INVITE +498984079810 (Angebot: audio, 2 Kandidaten)" in rows
    assert "Binding Request WTJz:3RME.., unbeantwortet × 12, alle 1,0 s" in rows
    assert "RTP PCMA: 707 Pakete, 0 verloren, Jitter 0,8 ms" in rows


def test_what_a_second_capture_shows_again_is_drawn_once():
    held = drawn("two views")
    labels = [label for _, _, label in said(held)]
    assert labels.count("ClientHello") == 1
    hello = next(row.event for row in held.rows if row.event and row.event.label == "ClientHello")
    assert {capture for capture, _ in hello.frames} == {"client_view.pcapng", "server_view.pcapng"}
    texts = [label.text for label in held.picture.labels]
    assert "a: client_view.pcapng" in texts and "b: server_view.pcapng" in texts


def test_what_two_captures_tell_differently_is_drawn_twice():
    """Packets lost on the way: the sender's capture has more of them."""
    labels = [label for _, _, label in said(drawn("two views"))]
    assert {
        "SRTP PCMA: 895 packets, 0 lost, jitter 1.3 ms",
        "SRTP PCMA: 816 packets, 79 lost, jitter 1.3 ms",
    } <= set(labels)


def test_500_messages_become_a_ladder_of_some_hundred_rows():
    run = scenes.long_call()
    assert len(run.sip_messages) > 500
    held = ladder(Calls(run)[1])
    assert len(held.rows) < 150
    assert ("XPhone Server", "XCC", "INFO × 115, every 1.7 s") in said(held)
    assert sum(label.startswith("re-INVITE") for _, _, label in said(held)) == 16
    assert ("", "", "21 s without events") in said(held)


def test_names_are_repeated_down_a_long_ladder():
    held = drawn("500 messages")
    assert len(held.grid.names) == 3
    names = [label for label in held.picture.labels if label.text == "XPhone Client"]
    assert len(names) == 1 + len(held.grid.names)


def test_four_legs_show_each_b2bua_once():
    held = drawn("four legs")
    assert [column.name for column in held.headings] == [
        "XPhone Server",
        "XPhone Client",
        "XCC",
        "BorderController",
        "CarrierSwitch",
        "LabPBX",
        "STUN server",
    ]
    assert {row.event.leg for row in held.rows if row.event} == {1, 2, 3, 4}
    assert held.headings[3].hosts == ("10.0.50.40", "10.0.60.1")


def test_media_are_bands_between_the_columns_of_their_leg():
    held = drawn("four legs")
    assert [(band.leg, band.left, band.right) for band in held.bands] == [
        (1, 1, 2),
        (3, 3, 4),
        (4, 4, 5),
        (2, 2, 3),
    ]
    assert all(band.top < band.bottom <= held.grid.bottom for band in held.bands)


def test_findings_mark_the_rows_of_their_frames_and_are_listed():
    run = scenes.run_of("no_binding_success.pcapng")
    base = {"capture": "no_binding_success.pcapng", "call": 1}
    found = FINDINGS.rows(
        [
            base
            | {
                "frame": 19,
                "frames": "19,37,89",
                "code": "ICE004",
                "severity": "error",
                "verdict": "fault",
                "title": "No Binding Success",
            },
            base
            | {
                "frame": 9,
                "code": "SDP002",
                "severity": "warning",
                "verdict": "suspect",
                "title": "The server's private candidate is missing",
            },
            base | {"frame": 9, "code": "SDP009", "severity": "info", "verdict": "ok", "title": "not shown"},
        ]
    )
    held = ladder(Calls(run.tables.with_(findings=found))[1])
    marked = {n: [mark.code for mark in marks] for n, marks in enumerate(held.marks) if marks}
    rows = said(held)
    assert {rows[n][2].split(",")[0]: codes for n, codes in marked.items()} == {
        "183 Session Progress (answer audio": ["SDP002"],
        "Binding Request WTJz:3RME..": ["ICE004"],
    }
    assert len(marked) == 3
    texts = [label.text for label in held.picture.labels]
    assert "No Binding Success" in texts and "The server's private candidate is missing" in texts
    assert "not shown" not in texts
    assert_good(held.picture)


def test_a_call_without_events_says_so():
    run = scenes.run_of("good.pcapng")
    empty = run.tables.with_(timeline=run.timeline.iloc[:0], rtp_streams=run.rtp_streams.iloc[:0])
    held = ladder(Calls(empty)[1])
    assert "nothing of this call was captured" in [label.text for label in held.picture.labels]
    assert_good(held.picture)


def test_labels_that_fit_are_not_shortened():
    held = drawn("good")
    texts = {label.text for label in held.picture.labels}
    fitting = {row.event.label for row in held.rows if row.event and width(row.event.label, 7.0) < 220}
    assert len(fitting) > 5
    assert fitting <= texts


def test_every_call_cut_apart_is_the_same_as_one_by_one():
    run = scenes.run_of("two_calls.pcapng")
    apart = list(Calls(run))
    assert [one.number for one in apart] == [1, 2]
    for one in apart:
        assert ladder(one).picture == ladder(Calls(run)[one.number]).picture


def test_a_call_that_is_not_there_is_named():
    with pytest.raises(LookupError, match="no call 7 in this run; it has 1, 2"):
        Calls(scenes.run_of("two_calls.pcapng"))[7]


def test_addresses_of_a_turn_server_are_no_ones_own():
    run, call = CALLS["turn"]()
    machines = Machines(Calls(run)[call]).all
    assert [machine.part for machine in machines if "198.51.100.200" in machine.hosts] == ["relay"]
