"""The rules see what is wrong, and nothing in what is right."""

import pandas as pd
import pytest

from postproc import pipeline
from postproc.model.columns import INTEGER, TEXT, TIME
from postproc.model.tables import BY_NAME, TABLES, Tables
from tests import builders
from tests.fuzz import campaign, rules
from tests.fuzz.stages import NEIGHBOUR
from tests.hostile import SURROGATE, TEXTS


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    (folder / "in").mkdir()
    (folder / "in" / NEIGHBOUR).write_bytes(campaign.neighbour())
    run = pipeline.run([folder / "in"], folder / "out", jobs=1, csv=True)
    return run, folder / "out"


def test_a_good_call_breaks_no_rule(good):
    run, out = good
    assert list(run.calls["verdict"]) == ["ok"]
    assert list(rules.of_tables(run.tables)) == []
    assert list(rules.of_results(out, run.tables)) == []
    assert list(rules.of_round_trip(run.tables, pipeline.load(out).tables)) == []
    mine = rules.of_capture(run.tables, NEIGHBOUR)
    assert list(rules.of_neighbour(mine, mine)) == []


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("sip_messages", {"status": 999}, "sip_messages.status"),
        ("sip_messages", {"src_port": 70_000}, "sip_messages.src_port"),
        ("stun_messages", {"mapped_port": -1}, "stun_messages.mapped_port"),
        ("stun_messages", {"kind": "rumour"}, "stun_messages.kind"),
        ("rtp_streams", {"lost": -1}, "rtp_streams.lost"),
        ("rtp_streams", {"jitter_ms": float("inf")}, "rtp_streams.jitter_ms"),
        ("sip_messages", {"time": pd.Timestamp("2261-01-01", tz="UTC")}, "sip_messages.time"),
        ("sip_messages", {"time": pd.Timestamp("1969-01-01", tz="UTC")}, "sip_messages.time"),
        ("sip_messages", {"capture": "other.pcapng"}, "sip_messages.capture"),
        ("sip_messages", {"frame": 4}, "sip_messages.frame"),
    ],
)
def test_what_is_out_of_range_is_seen(table, row, said):
    captures = builders.captures({"packets": 3})
    sound = Tables().with_(captures=captures, **{table: builders.rows(table, {})})
    assert list(rules.of_tables(sound)) == []
    odd = Tables().with_(captures=captures, **{table: builders.rows(table, row)})
    assert [each.partition(": ")[0] for each in rules.of_tables(odd)] == [said]


def test_half_a_surrogate_pair_is_seen():
    rows = builders.sip_messages({})
    rows["call_id"] = pd.Series([SURROGATE], dtype=pd.StringDtype("python"))
    held = Tables(captures=builders.captures({"packets": 3}), sip_messages=rows)
    assert any("surrogate" in each for each in rules.of_tables(held))


def test_a_column_of_another_type_is_seen():
    rows = builders.sip_messages({}).astype({"frame": "Float64"})
    assert any("Float64" in each for each in rules.of_tables(Tables(sip_messages=rows)))


SAID_ELSEWHERE = {"pairs.dtls", "phases.dtls", "legs.transport"}  # the words of another column


def test_the_words_of_a_column_are_in_its_description():
    for place, values in rules.CHOICES.items():
        table, _, name = place.partition(".")
        (column,) = (each for each in BY_NAME[table].columns if each.name == name)
        told = column.doc if name != "direction" else column.doc + " other"
        assert column.dtype == TEXT
        assert place in SAID_ELSEWHERE or [value for value in values if value not in told] == [], place


def test_every_port_status_and_time_has_its_range():
    ports = [c.name for t in TABLES for c in t.columns if c.dtype == INTEGER and c.name.endswith("port")]
    assert ports and all(rules._limits(name) == (0, 65_535) for name in ports)
    assert rules._limits("final_status") == (100, 699) and rules._limits("frame")[0] == 0
    assert all(c.dtype != TIME or rules.EARLIEST.year == 1970 for t in TABLES for c in t.columns)


def test_a_neighbour_that_suffers_is_seen(good):
    run, _ = good
    mine = rules.of_capture(run.tables, NEIGHBOUR)
    for name in ("sip_messages", "calls", "findings", "captures"):
        if len(mine[name]):
            assert list(rules.of_neighbour(mine, mine | {name: mine[name].iloc[1:]}))


@pytest.mark.parametrize("text", ["escape", "bidi", "c1", "lines", "title"])
def test_what_would_act_on_a_terminal_is_seen(text):
    assert list(rules.of_said(f"postproc: {TEXTS[text]}"))


def test_a_traceback_and_our_own_mistakes_are_seen():
    assert list(rules.of_said("Traceback (most recent call last):\nValueError: x"))
    assert list(rules.of_said("a.pcap: internal error, please report it: KeyError: 1"))
    assert list(rules.of_said("3 calls in 2 captures\n")) == []


def test_a_page_that_acts_is_seen(good):
    _, out = good
    html = (out / "report.html").read_text(encoding="utf-8")
    for evil in (
        TEXTS["html"],
        "<a href='javascript:x'>a</a>",
        "<iframe></iframe>",
        "<b onclick=x>",
        "\u202e",
    ):
        assert list(rules.of_page(html.replace("</body>", evil + "</body>")))


def test_a_formula_in_a_spreadsheet_is_seen():
    table, rows = BY_NAME["logs"], 1
    text = ",".join(table.names) + "\r\n" + ",".join("=1" for _ in table.names) + "\r\n"
    assert list(rules._of_csv(table, rows, text))
