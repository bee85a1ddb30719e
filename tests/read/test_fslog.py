import gzip

import pandas as pd
import pytest

from postproc.model.tables import LOG_EVENTS, LOGS
from postproc.read import fslog, logfiles

A, U, OTHER = (f"{number}2f1a11b-54d9-4b2d-b15d-ca65a6961792" for number in range(3))
TIME = "2026-11-22 22:39:44.599138"
INVITE = "sofia/x/1 receiving invite from 192.0.2.1:5060 version: 1.10.12 call-id: {}"


def line(uuid, text, time=TIME):
    return f"{uuid} {time} [INFO] sofia.c:1 {text}\n" if uuid else f"{time} [INFO] sofia.c:1 {text}\n"


def hangup(uuid):
    return line(uuid, "Hangup sofia/x/1 [CS_EXECUTE] [NORMAL_CLEARING]")


CALL = (
    line(A, INVITE.format("a@x"))
    + line(A, f"Originate Resulted in Success: [sofia/x/2] Peer UUID: {U}")
    + hangup(A)
    + hangup(U)
)
STRANGER = line(OTHER, INVITE.format("other@x")) + hangup(OTHER)


def read(folder, known=None, **logs):
    for name, text in logs.items():
        (folder / f"{name}.log").write_bytes(text if isinstance(text, bytes) else text.encode())
    return fslog.read_all([folder / f"{name}.log" for name in logs], known=known)


def test_a_log_becomes_its_relevant_lines_and_a_row_about_itself(tmp_path):
    tables, unread = read(tmp_path, a=CALL + "noise\n")
    assert unread == []
    rows = tables.log_events
    assert rows.columns.tolist() == LOG_EVENTS.names
    assert rows["kind"].tolist() == ["invite", "peer", "hangup", "hangup"]
    assert set(rows["capture"]) == {"a.log"}
    assert rows["frame"].tolist() == [1, 2, 3, 4]
    assert rows["time"].tolist() == [pd.Timestamp(f"{TIME}+00:00")] * 4
    assert rows["call_id"].tolist() == ["a@x", pd.NA, pd.NA, pd.NA]
    (about,) = tables.logs.to_dict("records")
    assert tables.logs.columns.tolist() == LOGS.names
    assert about["lines"] == 5
    assert about["path"] == str(tmp_path / "a.log")
    assert about["first_time"] == about["last_time"] == pd.Timestamp(f"{TIME}+00:00")


def test_only_the_channels_of_known_calls_and_those_bridged_to_them_are_kept(tmp_path):
    tables, _ = read(tmp_path, {"a@x"}, a=STRANGER + CALL)
    assert set(tables.log_events["uuid"]) == {A, U}
    assert len(tables.log_events) == 4


def test_a_channel_is_known_by_its_uuid_or_by_a_session_id_too(tmp_path):
    assert set(read(tmp_path, {OTHER}, a=STRANGER)[0].log_events["uuid"]) == {OTHER}
    described = line(U, "Remote SDP:") + f"{U} o=- 123456 1 IN IP4 192.0.2.1\n" + hangup(U)
    assert set(read(tmp_path, {"123456"}, b=STRANGER + described)[0].log_events["uuid"]) == {U}


def test_a_rotated_log_has_the_lines_of_channels_that_another_one_names(tmp_path):
    tables, _ = read(tmp_path, {"a@x"}, a=CALL, b=STRANGER + hangup(U))
    assert tables.log_events.query("capture == 'b.log'")["uuid"].tolist() == [U]


def test_of_a_log_of_other_calls_nothing_is_kept_but_what_it_is(tmp_path):
    tables, _ = read(tmp_path, {"a@x"}, a=STRANGER)
    assert tables.log_events.empty
    assert tables.logs["lines"].tolist() == [2]


def test_a_log_without_channels_is_kept_whole(tmp_path):
    tables, _ = read(tmp_path, {"a@x"}, a=line(None, INVITE.format("other@x")) + hangup(None))
    assert tables.log_events["kind"].tolist() == ["invite", "hangup"]


def test_the_same_log_twice_is_read_once(tmp_path):
    tables, unread = read(tmp_path, a=CALL, b=CALL)
    assert unread == []
    assert set(tables.log_events["capture"]) == {"a.log"}
    assert tables.logs["warnings"].tolist() == [pd.NA, "same content as a.log; not read again"]
    assert tables.logs["lines"].tolist() == [8 // 2, pd.NA]


def test_no_log_gives_empty_tables():
    tables, unread = fslog.read_all([])
    assert tables.log_events.empty
    assert tables.logs.empty
    assert unread == []


def test_what_cannot_be_read_is_told_and_the_others_are_read(tmp_path):
    tables, unread = read(tmp_path, a=CALL, b="no log\n", c=b"")
    assert [(each.path.name, each.reason) for each in unread] == [
        ("b.log", logfiles.NOT_A_LOG),
        ("c.log", "empty file"),
    ]
    assert tables.logs["capture"].tolist() == ["a.log"]


def test_a_log_that_vanishes_meanwhile_is_told(tmp_path):
    (tmp_path / "a.log").write_text(CALL)
    _, (left_out,) = fslog.read_all([tmp_path / "a.log"], tell=lambda _: (tmp_path / "a.log").unlink())
    assert left_out.reason == "no such file or directory"


def test_a_packed_log_that_breaks_off_is_used_as_far_as_it_goes(tmp_path, monkeypatch):
    noise = "".join(f"{number * 7919 % 100_003}\n" for number in range(100_000))
    tables, _ = read(tmp_path, a=gzip.compress((CALL + noise).encode())[:-50_000])
    assert len(tables.log_events) == 4
    assert tables.logs["warnings"].tolist() == ["cut short: damaged, it cannot be unpacked"]

    def broken(path):
        raise fslog.CaptureError("cut short: input/output error")
        yield path

    monkeypatch.setattr(logfiles, "blocks", broken)
    _, (left_out,) = read(tmp_path, b=CALL)
    assert left_out.reason == "cut short: input/output error"


@pytest.mark.parametrize(
    "time", ["2026-13-45 22:39:44.599138", "9999-11-22 22:39:44.599138", "0000-00-00 00:00:00.0"]
)
def test_a_line_of_an_impossible_time_is_left_out(tmp_path, time):
    tables, _ = read(tmp_path, a=CALL + line(A, INVITE.format("b@x"), time))
    assert len(tables.log_events) == 4


def test_utf_16_and_blocks_do_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(logfiles, "BLOCK", 300)
    text = (CALL + STRANGER) * 20
    plain, wide = read(tmp_path, a=text)[0], read(tmp_path, a=text.encode("utf-16"))[0]
    pd.testing.assert_frame_equal(plain.log_events, wide.log_events)
    assert len(plain.log_events) == 120


@pytest.mark.parametrize(
    "time", ["1969-12-31 23:59:59.000000", "0001-01-01 00:00:00.100000", "9999-12-31 23:59:59.999999"]
)
def test_a_line_of_no_believable_time_is_no_evidence(tmp_path, time):
    tables, _ = read(tmp_path, a=CALL + line(A, "Hangup sofia/x/1 [CS_EXECUTE] [USER_BUSY]", time))
    assert len(tables.log_events) == 4
    assert set(tables.log_events["time"].dt.year) == {2026}
