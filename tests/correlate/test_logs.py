import pandas as pd
import pytest

from postproc.correlate.logs import EMPTY, NO_CLOCK, logs, stream
from postproc.model.recordings import recordings
from postproc.model.tables import LOG_EVENTS, LOGS, Tables
from tests import builders as b
from tests.correlate import logscenes as s
from tests.correlate.logscenes import LOG, A, B, C

HOUR = 3600.0
LEG_A = {"call_id": "a@x", "time": 10.0, "invite_time": 10.0, "answer_time": 12.0, "end_time": 20.0}
LEG_B = {"call_id": "b@x", "time": 10.5, "invite_time": 10.5, "answer_time": 12.0, "end_time": 20.0}


def found(lines, legs=(LEG_A, LEG_B), about=None, captures=("a.pcapng",)):
    held = b.legs(*legs)
    seen = b.captures(*({"capture": name, "first_time": 0.0, "last_time": 99.0} for name in captures))
    events = Tables(
        captures=seen,
        sip_messages=b.sip_messages(*({"call_id": leg["call_id"]} for leg in legs)),
        log_events=s.log_events(*lines),
        logs=s.logs(LOG) if about is None else about,
    )
    return logs(events, held, recordings(seen, events.sip_messages))


def test_without_logs_there_is_nothing():
    none = found([], about=LOGS.empty())
    assert none.events.columns.tolist() == LOG_EVENTS.names
    assert none.about.columns.tolist() == LOGS.names
    assert none.joins == []


def test_lines_get_their_call_id_and_the_captures_time():
    told = found([s.invite(A, "a@x", time=10 + HOUR - 0.009), s.hangup(A, time=20 + HOUR)])
    assert told.events["call_id"].tolist() == ["a@x", "a@x"]
    assert told.events["time"].tolist() == [b.at(10), b.at(20.009)]
    assert told.events["offset_ms"].tolist() == [HOUR * 1000 - 9] * 2


def test_what_was_learnt_of_the_log_is_told():
    told = found([s.invite(A, "a@x", time=9.99), s.sent(B, "b@x", time=10.51), s.hangup(A, time=20.0)])
    (about,) = told.about.to_dict("records")
    assert (about["used"], about["calls"], about["anchors"]) == (3, 2, 2)
    assert about["offset_ms"] == pytest.approx(-10)
    assert about["spread_ms"] == pytest.approx(20)
    assert (about["first_time"], about["last_time"]) == (b.at(10), b.at(20.01))
    assert pd.isna(about["warnings"])


@pytest.mark.parametrize(
    ("line", "at"),
    [(s.hangup(A, time=21.0), 20.0), ({"uuid": A, "kind": "answered", "text": "", "time": 13.0}, 12.0)],
)
def test_where_no_invite_was_seen_the_answer_or_the_end_tells_the_time(line, at):
    legs = [LEG_A | {"invite_time": None}]
    told = found([s.invite(A, "a@x", time=1.0), line], legs)
    assert told.events["time"].tolist()[-1] == b.at(at)
    assert told.about["offset_ms"].tolist() == [1000.0]


def test_where_nothing_tells_the_time_the_lines_have_none():
    told = found([s.invite(A, "a@x")], [{"call_id": "a@x", "time": 10.0}])
    assert told.events["time"].isna().tolist() == [True]
    assert told.events["offset_ms"].isna().tolist() == [True]
    assert told.events["call_id"].tolist() == ["a@x"]
    assert told.about["warnings"].tolist() == [NO_CLOCK]


def test_the_access_list_s_lines_are_the_rejected_call_s():
    rejected = {"uuid": None, "kind": "acl", "text": f'IP {b.APP} Rejected by acl "lan"', "time": 10.0}
    told = found([s.invite(A, "a@x", time=10.0), rejected])
    assert told.events["call_id"].tolist() == ["a@x", "a@x"]
    assert told.events["uuid"].tolist() == [A, A]


def test_lines_of_other_calls_are_left_out():
    told = found([s.invite(A, "a@x", time=10.0), s.invite(C, "other", time=11.0), s.hangup(C, time=11.0)])
    assert told.events["uuid"].tolist() == [A]


@pytest.mark.parametrize(("time", "kept"), [(15.0, True), (26.0, False), (4.0, False)])
@pytest.mark.parametrize(
    ("kind", "text"),
    [("stun", "STUN Failed! 192.0.2.53:3478 [Timeout]"), ("acl", 'IP 192.0.2.99 Rejected by acl "lan"')],
)
def test_failures_of_no_channel_are_kept_while_the_calls_last(time, kept, kind, text):
    line = {"uuid": None, "kind": kind, "text": text, "time": time}
    told = found([s.invite(A, "a@x", time=10.0), line])
    assert len(told.events) == 1 + kept
    assert told.events["call_id"].isna().sum() == kept


def test_a_log_of_another_day_is_used_for_nothing_and_says_so():
    told = found([s.invite(C, "other", time=10.0), s.peer(C, B), s.hangup(C, time=10.0)])
    assert told.events.empty
    assert told.joins == []
    (about,) = told.about.to_dict("records")
    assert (about["used"], about["calls"]) == (0, 0)
    assert pd.isna(about["offset_ms"])
    assert "nothing of it is used" in about["warnings"]
    assert "2026-01-01 12:00:00 to 2026-01-01 12:00:09" in about["warnings"]


def test_a_log_without_calls_says_so_beside_what_was_said_before():
    about = s.logs(LOG, first_time=None, last_time=None, warnings="cut short")
    assert found([], about=about).about["warnings"].tolist() == [f"cut short\n{EMPTY}"]


def test_a_log_that_was_not_read_stays_as_it_is():
    about = s.logs(LOG, lines=None, warnings="same content as a.log; not read again")
    assert found([], about=about).about["warnings"].tolist() == ["same content as a.log; not read again"]


def test_a_rotated_log_has_the_channels_and_the_clock_of_its_neighbour():
    lines = [
        s.invite(A, "a@x", time=10.1) | {"capture": "fs.log.1"},
        s.hangup(A, time=21.1) | {"capture": "fs.log"},
    ]
    told = found(lines, [LEG_A | {"end_time": None, "answer_time": None}], s.logs("fs.log.1", "fs.log"))
    assert dict(zip(told.events["capture"], told.events["time"], strict=True)) == {
        "fs.log.1": b.at(10),
        "fs.log": b.at(21),
    }
    assert told.events["call_id"].tolist() == ["a@x", "a@x"]


def test_another_machine_s_log_has_a_clock_of_its_own():
    lines = [
        s.invite(A, "a@x", time=10.1) | {"capture": "one.log_events"},
        s.sent(B, "b@x", time=10.5 + HOUR) | {"capture": "two.log"},
    ]
    told = found(lines, about=s.logs("one.log_events", "two.log"))
    assert told.about["offset_ms"].tolist() == [pytest.approx(100), pytest.approx(HOUR * 1000)]


@pytest.mark.parametrize(
    "name",
    [
        "fs.log",
        "fs.log.1",
        "fs.log.1.gz",
        "fs.log.2026-11-22-22-38-46.1",
        "fs.log-20261122.gz",
        "fs_2023_01_26_14_59_05.log",
        "fs.log.2026-11-22.xz",
    ],
)
def test_rotated_files_are_one_stream(name):
    assert stream(name) == "fs.log"


@pytest.mark.parametrize("name", ["fs1.log", "fs2.log", "b/fs.log", "acl_403.fs.log"])
def test_other_files_are_not(name):
    assert stream(name) == name


def test_in_several_recordings_the_clock_is_that_of_the_one_with_most_calls():
    seen = [
        LEG_A | {"capture": "client.pcapng", "invite_time": 10.137},
        LEG_A | {"capture": "server.pcapng"},
        LEG_B | {"capture": "server.pcapng"},
    ]
    lines = [s.invite(A, "a@x", time=10.0), s.sent(B, "b@x", time=10.5)]
    captures = ("client.pcapng", "server.pcapng")
    assert found(lines, seen, captures=captures).about["offset_ms"].tolist() == [0.0]
