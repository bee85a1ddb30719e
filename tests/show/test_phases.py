"""Phases of a leg's media in words."""

import pytest

from postproc.model.calls import Calls
from postproc.model.loading import load
from postproc.model.rows import PhaseRow
from postproc.show.answers import details
from postproc.show.notebook_html import call_card
from postproc.show.phases import lines, senders
from postproc.show.report.sheets import phases as sheet
from tests import builders as b
from tests.show.pictures.scenes import run_of


def phase(**changes) -> PhaseRow:
    base = {
        "leg": 1,
        "kind": "answered",
        "started": 3.0,
        "ended": 23.0,
        "opened_by": 4,
        "may_send_client": True,
        "may_send_server": True,
        "packets_from_client": 1000,
        "packets_from_server": 950,
        "silence_from_client_s": 0.1,
        "silence_from_server_s": 0.1,
        "dtls": "complete",
        "verdict": "ok",
    }
    (row,) = load(PhaseRow, b.rows("phases", base | changes))
    return row


@pytest.mark.parametrize(
    ("changes", "en", "de"),
    [
        (
            {},
            "leg 1 talk, 20.0 s from frame 4: 1,000 from far end, 950 from server: ok",
            "Leg 1 Gespräch, 20,0 s ab Frame 4: 1.000 von Gegenseite, 950 vom Server: ok",
        ),
        (
            {"packets_from_client": 250, "silence_from_client_s": 15.04, "verdict": "suspect"},
            "leg 1 talk, 20.0 s from frame 4: 250 from far end (15.0 s of silence), 950 from server: suspect",
            "Leg 1 Gespräch, 20,0 s ab Frame 4: 250 von Gegenseite (15,0 s Stille), 950 vom Server: Verdacht",
        ),
        (
            {
                "packets_from_client": 0,
                "silence_from_client_s": 20.0,
                "dtls": "client_hello_only",
                "verdict": "fault",
            },
            "leg 1 talk, 20.0 s from frame 4: 0 from far end, 950 from server; DTLS ClientHello only: fault",
            "Leg 1 Gespräch, 20,0 s ab Frame 4: 0 von Gegenseite, 950 vom Server;"
            " DTLS nur ClientHello: Fehler",
        ),
        (
            {"kind": "hold", "may_send_server": False, "packets_from_server": 0},
            "leg 1 hold, 20.0 s from frame 4: only the far end may send; 1,000 from far end: ok",
            "Leg 1 gehalten, 20,0 s ab Frame 4: nur die Gegenseite darf senden; 1.000 von Gegenseite: ok",
        ),
        (
            {
                "kind": "early",
                "packets_from_client": 0,
                "packets_from_server": 0,
                "packets_undirected": 70,
                "opened_by": None,
                "verdict": None,
            },
            "leg 1 early media, 20.0 s: 70 from nobody knows whom",
            "Leg 1 Early Media, 20,0 s: 70 von unbekannt",
        ),
    ],
)
def test_a_phase_is_one_line(changes, en, de):
    for lang, text in (("en", en), ("de", de)):
        assert list(lines([phase(**changes)], lang)) == [(text, phase(**changes).verdict)]


@pytest.mark.parametrize(
    ("may_send", "text"),
    [
        ((True, True), "beide"),
        ((True, False), "Gegenseite"),
        ((False, True), "Server"),
        ((False, False), "niemand"),
        ((None, None), ""),
    ],
)
def test_who_may_send_is_one_word(may_send, text):
    assert senders(phase(may_send_client=may_send[0], may_send_server=may_send[1]), "de") == text


def test_the_report_has_a_row_for_each_phase():
    shown = sheet(Calls(run_of("made/reinvite.pcapng"))[1], "en")
    assert shown is not None
    hold = [cell.text for cell in shown.rows[2]]
    assert hold == [
        "1",
        "hold",
        "20:00:01.412",
        "1.0 s",
        "147",
        "far end",
        "0",
        "0",
        "1.0 / – s",
        "complete",
        "ok",
    ]
    assert [cell.kind for cell in shown.rows[2]][-2:] == ["good", "good"]


def test_terminal_and_notebook_tell_the_phases():
    run = run_of("made/reinvite.pcapng")
    told = [line.plain for line in details(run.tables, run.walks, 80, "en")]
    assert "  Packets per media phase:" in told
    line = "leg 1 ICE restart, 0.7 s from frame 160: 30 from far end, 30 from server: ok"
    assert f"    {line}" in told
    assert f"<li>{line}</li>" in call_card(run.tables, 1, run.walks[1], "en")
