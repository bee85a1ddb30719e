"""Real logs with their captures, compared with what really happened."""

import gzip
import json
import re
import shutil
from functools import cache

import pandas as pd
import pytest
from click.testing import CliRunner

import postproc
from postproc.commands.run import run_command
from postproc.model.logtexts import said
from tests.conftest import PCAPS

RECORDED = sorted(path.name.removesuffix(".freeswitch.log") for path in PCAPS.glob("*.freeswitch.log"))
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12} ")
REJECTED, NO_CANDIDATE = "acl_403", "acl_488"


def capture_of(name):
    return {"views": "server_view"}.get(name, name)


def log_of(name):
    return PCAPS / f"{name}.freeswitch.log"


@cache
def analysed(name, log=None):
    return postproc.analyze(PCAPS / f"{capture_of(name)}.pcapng", fs_logs=log or log_of(name))


def truth(name):
    return json.loads((PCAPS / f"{capture_of(name)}.truth.json").read_text())


@pytest.mark.parametrize("name", RECORDED)
def test_every_channel_is_the_leg_it_really_was(name):
    lines = analysed(name).log_events
    assert lines["call_id"].notna().all()
    expected = {leg["call_id"] for call in truth(name)["calls"] for leg in call["legs"]}
    assert set(lines["call_id"]) == expected
    assert lines.groupby("uuid")["call_id"].nunique().eq(1).all()
    for call in truth(name)["calls"]:
        for leg in call["legs"]:
            lines_of_leg = lines[lines["call_id"] == leg["call_id"]]
            (opened,) = lines_of_leg.loc[lines_of_leg["kind"] == "channel", "text"]
            side = "sofia/xphone/" if leg["leg"] == 1 else "sofia/trunk/"
            assert said(opened)[1]["channel"].startswith(side)


@pytest.mark.parametrize("name", RECORDED)
def test_the_clock_of_the_log_is_that_of_the_machine_to_a_few_ticks(name):
    (about,) = analysed(name).logs.to_dict("records")
    assert -40 <= about["offset_ms"] <= 5
    assert about["spread_ms"] <= 40
    assert about["anchors"] == len({leg["call_id"] for call in truth(name)["calls"] for leg in call["legs"]})
    assert pd.isna(about["warnings"])


@pytest.mark.parametrize("name", RECORDED)
def test_lines_lie_within_their_legs_on_the_captures_clock(name):
    run = analysed(name)
    begin = run.legs.set_index("call_id")["time"]
    assert set(run.log_events["call_id"]) == set(begin.index)
    for row in run.log_events.itertuples():
        assert row.time >= begin[row.call_id] - pd.Timedelta(milliseconds=60)


def test_the_rejected_call_s_access_list_and_address():
    lines = analysed(REJECTED).log_events.query("kind == 'acl'")
    facts = [said(text)[1] for text in lines["text"]]
    assert [(fact["verdict"], fact["list"], fact["addr"]) for fact in facts] == [
        ("verifying", "xphone_servers", "10.0.50.118"),
        ("Rejected", "xphone_servers", "10.0.50.118"),
    ]
    assert "xphone_servers" in str(truth(REJECTED)["freeswitch_config"]["apply_inbound_acl"])


def test_the_refused_candidates():
    lines = analysed(NO_CANDIDATE).log_events
    saved = [said(text)[1] for text in lines.query("kind == 'candidate'")["text"] if text.startswith("Save")]
    offered = truth(NO_CANDIDATE)["calls"][0]["client_candidates"]
    assert [f"{fact['addr']} {fact['port']} typ {fact['type']}" for fact in saved] == [
        re.search(r"\S+ \d+ typ \w+", line)[0] for line in offered
    ]
    assert lines.query("kind == 'media'")["text"].str.contains("no suitable candidates found").all()
    assert said(lines.query("kind == 'response'")["text"].item())[1]["status"] == "488"


def test_how_calls_ended():
    causes = {
        name: {said(text)[1]["cause"] for text in analysed(name).log_events.query("kind == 'hangup'")["text"]}
        for name in RECORDED
    }
    assert causes[REJECTED] == {"CALL_REJECTED"}
    assert causes[NO_CANDIDATE] == {"INCOMPATIBLE_DESTINATION"}
    assert causes["good"] == {"NORMAL_CLEARING"}
    assert causes["dtls_fail"] == {"NORMAL_CLEARING", "ORIGINATOR_CANCEL"}


def test_the_log_joins_the_legs_where_it_tells_who_was_bridged():
    joined = {name: analysed(name).calls["joined_by"].str.contains("log").tolist() for name in RECORDED}
    assert joined["good"] == [True]
    assert joined["two_calls"] == [True, True]
    assert joined[REJECTED] == [False]


def test_the_timeline_has_the_log_s_lines():
    lane = analysed(REJECTED).timeline.query("lane == 'log'")
    assert lane["kind"].tolist() == ["invite", "acl", "acl", "hangup"]
    assert lane["severity"].tolist() == ["normal", "normal", "warning", "note"]
    times = analysed(REJECTED).timeline["time"]
    assert times.is_monotonic_increasing


@pytest.mark.parametrize("name", ["good", "two_calls", REJECTED, NO_CANDIDATE])
def test_without_uuids_in_the_log_the_calls_are_found_too(name, tmp_path):
    plain = tmp_path / "plain.log"
    plain.write_text("\n".join(UUID.sub("", line, count=1) for line in log_of(name).read_text().splitlines()))
    with_uuids, without = analysed(name).log_events, analysed(name, plain).log_events
    same = with_uuids.merge(without, on="frame", suffixes=("", "_plain"))
    assert (same["call_id"] == same["call_id_plain"].fillna(same["call_id"])).all()  # no line of another call
    assert len(without[without["call_id"].notna()]) >= 0.6 * len(with_uuids)
    assert set(without["call_id"].dropna()) == set(with_uuids["call_id"])
    assert without[without["kind"] == "acl"]["call_id"].notna().all()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: re.sub(r" \d+\.\d\d%", "", text).encode(),
        lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: re.sub("^", "\x1b[36m", text, flags=re.MULTILINE).encode(),
        lambda text: b"half a line \xe4\xf6" + text.encode(),
        lambda text: gzip.compress(text.encode()),
    ],
    ids=["no idle", "CRLF and BOM", "UTF-16", "colours", "truncated first line", "gzip"],
)
def test_however_it_is_written_the_log_says_the_same(change, tmp_path):
    (tmp_path / "x.log").write_bytes(change(log_of("good").read_text()))
    columns = ["time", "level", "source", "text", "uuid", "call_id", "kind", "offset_ms"]
    lines = analysed("good", tmp_path / "x.log").log_events[columns]
    pd.testing.assert_frame_equal(lines, analysed("good").log_events[columns])


def test_rotated_in_the_middle_of_a_call_it_says_the_same(tmp_path):
    lines = log_of("good").read_text().splitlines(keepends=True)
    (tmp_path / "freeswitch.log.2026-11-22-22-38-50.1").write_text("".join(lines[:150]))
    (tmp_path / "freeswitch.log").write_text("".join(lines[150:]))
    columns = ["time", "text", "uuid", "call_id", "kind"]
    whole, parts = (rows.log_events[columns] for rows in (analysed("good"), analysed("good", tmp_path)))
    assert sorted(parts.itertuples(index=False)) == sorted(whole.itertuples(index=False))


def test_in_local_time_the_zone_is_learnt(tmp_path):
    shifted = re.sub(r"2026-11-22 22:", "2026-11-22 23:", log_of("good").read_text())
    (tmp_path / "x.log").write_text(shifted)
    run = analysed("good", tmp_path / "x.log")
    assert run.log_events["time"].tolist() == analysed("good").log_events["time"].tolist()
    assert run.logs["offset_ms"].item() == pytest.approx(
        analysed("good").logs["offset_ms"].item() + 3_600_000
    )


def test_all_captures_with_all_logs_at_once_are_as_each_for_itself():
    captures = [PCAPS / f"{capture_of(name)}.pcapng" for name in RECORDED]
    run = postproc.analyze(captures, fs_logs=sorted(PCAPS.glob("*.freeswitch.log")))
    each = [analysed(name).log_events for name in RECORDED]
    assert sorted(run.log_events["text"]) == sorted(text for lines in each for text in lines["text"])
    assert run.logs["used"].tolist() == [len(lines) for lines in each]
    assert run.logs["warnings"].isna().all()


def run(*words):
    return CliRunner().invoke(run_command, [str(word) for word in words])


def test_the_command_tells_what_the_log_was_good_for(tmp_path):
    done = run(PCAPS / "acl_403.pcapng", "--fs-log", log_of(REJECTED), "-o", tmp_path)
    assert done.exit_code == 0
    assert re.search(
        r"^log acl_403.freeswitch.log: 5 lines about 1 leg; its clock: UTC, 4 ms behind$", done.stdout, re.M
    )
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["logs"][0]["calls"] == 1
    assert postproc.load(tmp_path).logs["used"].tolist() == [5]


def test_the_command_tells_which_logs_are_not_used_and_which_cannot_be_read(tmp_path):
    (tmp_path / "no.log").write_text("nothing\n")
    words = ["--fs-log", log_of("good"), "--fs-log", tmp_path / "no.log", "--fs-log", tmp_path / "gone.log"]
    done = run(PCAPS / "acl_403.pcapng", *words, "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert re.search(
        r"^warning: log .*good.freeswitch.log .*: none of the captures' calls", done.stdout, re.M
    )
    assert "gone.log: no such file or folder" in done.stderr
    assert "no.log: not a FreeSWITCH log" in done.stderr
    assert postproc.load(tmp_path / "out").log_events.empty


def test_several_logs_may_follow_one_option_as_a_shell_writes_them(tmp_path):
    done = run("--fs-log", log_of("good"), log_of(REJECTED), PCAPS / "acl_403.pcapng", "-o", tmp_path)
    assert done.exit_code == 0
    assert "log acl_403.freeswitch.log: 5 lines about 1 leg" in done.stdout


def test_logs_beside_the_captures_are_mentioned_in_one_line_and_not_used(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for path in (PCAPS / "acl_403.pcapng", log_of(REJECTED)):
        shutil.copy(path, folder)
    done = run(folder, "-o", tmp_path / "out")
    assert [line for line in done.stdout.splitlines() if "freeswitch.log" in line] == [
        "FreeSWITCH logs beside the captures, not used (--fs-log uses them): acl_403.freeswitch.log"
    ]
    assert postproc.load(tmp_path / "out").logs.empty
    again = run(folder, "--fs-log", folder, "-o", tmp_path / "out")
    assert "1 unchanged, not read again" in again.stdout
    assert "logs beside" not in again.stdout


def test_a_hostile_log_breaks_nothing(tmp_path):
    uuid = "de7a5318-c28d-4fd3-a268-fcd10c7294ec"
    head = f"{uuid} 2026-11-22 22:38:49.494894 93.33% [NOTICE] sofia.c:1"
    lines = [
        f"{head} Hangup \x1b[2J\u202e=cmd|' /C calc'!A0 [CS_NEW] [X]",
        f"{head} New Channel {'x' * 5000} [{uuid}]",
        f"{head} Remote SDP:",
        "o=\x00 \x00 \x00",
        "m=audio 99999999999999999999 RTP/AVP",
        "",
        f"{head} Save audio Candidate cid: 99999999999 proto: udp type: host addr: x:999999999999999999999",
        f"{head} Originate Resulted in Success: [] Peer UUID: {uuid}",
        f"{head} sofia/x receiving invite from :::0 version: call-id: \u2066",
        "\x00" * 1000,
        head.replace("2026-11-22", "2026-99-99") + " Hangup x [CS_NEW] [X]",
    ]
    (tmp_path / "x.log").write_text(log_of("good").read_text() + "\n".join(lines) + "\n")
    done = run(PCAPS / "good.pcapng", "--fs-log", tmp_path / "x.log", "-o", tmp_path / "out", "--csv")
    assert done.exit_code == 0, done.output
    assert len(postproc.load(tmp_path / "out").log_events) >= 31
    assert "\x1b" not in done.output
