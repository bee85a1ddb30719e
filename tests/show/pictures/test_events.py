"""Rows of a ladder: what is folded, what is not, where time stands still."""

from dataclasses import replace

from postproc.show.pictures.events import MOST_ROWS, PLENTY, Event, fold, rows
from tests.builders import at as moment


def event(at: float, label: str = "check", **more) -> Event:
    told = {"lane": "stun", "kind": "check", "leg": 1, "src": 0, "dst": 1} | more
    time = moment(at)
    frame = (("a", round(at * 1000)),)
    return Event(time=time, last=time, frames=frame, label=label, base=label, **told)


def sip(at: float, label: str = "180 Ringing", **more) -> Event:
    return event(at, label, **({"lane": "sip", "kind": "response"} | more))


def labels(events: list[Event]) -> list[str]:
    return [each.label for each in events]


def test_checks_alike_are_folded_into_the_first():
    folded = fold([event(n) for n in range(12)], "en")
    assert labels(folded) == ["check × 12, every 1.0 s"]
    assert (folded[0].time, folded[0].last, folded[0].count) == (moment(0), moment(11), 12)
    assert len(folded[0].frames) == 12


def test_requests_and_answers_in_turn_become_two_rows():
    turns = [
        each
        for n in range(3)
        for each in (event(n), event(n + 0.1, "success", kind="success", src=1, dst=0, rtt_ms=(n + 1.0,)))
    ]
    assert labels(fold(turns, "en")) == ["check × 3, every 1.0 s", "success × 3, 1.0 ms – 3.0 ms"]


def test_another_event_between_keeps_them_apart():
    folded = fold([event(0), event(1), sip(2), event(3)], "en")
    assert labels(folded) == ["check × 2, every 1.0 s", "180 Ringing", "check"]


def test_what_differs_is_not_folded():
    checks = [
        event(0),
        event(1, leg=2),
        event(2, src=1, dst=0),
        event(3, severity="warning"),
        event(4, "other"),
    ]
    assert labels(fold(checks, "en")) == labels(checks)


def test_frames_of_another_place_are_not_folded_with_these():
    """Those of the next file of a recording are."""
    other = replace(event(1), frames=(("b", 1),))
    assert len(fold([event(0), other], "en")) == 1
    assert len(fold([event(0), replace(other, place="b")], "en")) == 2


def test_a_burst_names_no_rhythm():
    assert labels(fold([event(0), event(0.001)], "de")) == ["check × 2"]


def test_long_silence_is_a_row_of_its_own():
    held = rows([sip(0), sip(1.9), sip(9.4)], "de")
    assert [row.note for row in held if row.event is None] == ["7,5 s ohne Ereignisse"]


def test_folded_checks_are_no_silence():
    assert all(row.event for row in rows([sip(0), *(event(n) for n in range(1, 60)), sip(60)], "en"))


def test_repeated_requests_are_folded_only_where_there_is_plenty():
    def infos(number: int) -> list[Event]:
        return [
            each
            for n in range(number)
            for each in (sip(n, "INFO", kind="request"), sip(n + 0.1, "200 OK (INFO)", src=1, dst=0))
        ]

    assert len(rows(infos(10), "en")) == 20
    many = rows(infos(PLENTY), "en")
    assert [row.event.label for row in many if row.event] == [
        "INFO × 120, every 1.0 s",
        "200 OK (INFO) × 120, every 1.0 s",
    ]


def test_re_invites_are_never_folded():
    many = [
        sip(n / 10, "re-INVITE 721 (offer audio, no candidates)", kind="request") for n in range(PLENTY + 30)
    ]
    assert len(rows(many, "en")) == PLENTY + 30


def test_the_middle_of_very_long_calls_is_left_out_and_said_so():
    held = rows([sip(n / 10, f"INFO {n}") for n in range(5000)], "en")
    assert len(held) == MOST_ROWS + 1
    assert held[MOST_ROWS // 2].note == "4,400 events not drawn"
