"""Everything from the wire is a stranger's: pictures of the worst call there can be."""

import warnings
from xml.etree import ElementTree

import pandas as pd
import pytest

from postproc.model.calls import Calls
from postproc.model.columns import TEXT
from postproc.model.tables import FINDINGS, Table, Tables
from postproc.show import pictures
from postproc.show.pictures import figures
from postproc.show.pictures.ladder import ladder
from tests.show.pictures import scenes
from tests.show.pictures.looks import outside, overlaps

EVIL = [
    "<script>alert(1)</script>",
    '"]); import os',
    "\x1b[2J\x07red",
    "=cmd|' /C calc'!A0",
    "x" * 60_000,
    "\u202egnp.exe\u2066",
    "nul\x00inside",
    "$\\frac{1}{2}$ $x",
    "]]>-->",
    "{call} %s {0}",
    "Z" + "\u0335" * 3000,
]
KEPT = {
    "capture",
    "call_id",
    "lane",
    "outcome",
    "purpose",
    "direction",
    "src",
    "dst",
    "severity",
    "verdict",
    "frames",
}


def spoiled(tables: Tables, evil: str) -> Tables:
    """The tables with every text a stranger's; what joins rows is left alone."""
    changed = {
        table.name: rows.assign(
            **{
                column.name: pd.array([evil] * len(rows), dtype="string")
                for column in table.columns
                if column.dtype == TEXT and column.name not in KEPT
            }
        )
        for table, rows in tables.items()
        if len(rows)
    }
    return tables.with_(**changed)


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_pictures_of_hostile_texts_are_inert_and_whole(evil: str):
    tables = Calls(spoiled(scenes.run_of("good.pcapng").tables, evil))[1]
    for name, text in pictures.svgs(tables, "de").items():
        root = ElementTree.fromstring(text)
        assert {child.tag.rpartition("}")[2] for child in root.iter()} == {
            "svg",
            "title",
            "path",
            "g",
            "text",
        }
        shown = "".join(root.itertext())
        assert not set("\x00\x07\x1b\u202e\u2066") & set(shown)
        layout = pictures.PICTURES[name](tables, "de")
        assert overlaps(layout) == [] and outside(layout) == []
        assert layout.width < 3000 and layout.height < 3000


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_matplotlib_draws_them_without_a_word(evil: str):
    tables = spoiled(scenes.run_of("no_binding_success.pcapng").tables, evil)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert figures.png(figures.ladder(tables, 1), 50).startswith(b"\x89PNG")


def test_hostile_addresses_and_codes_of_findings_stay_in_their_places():
    run = scenes.run_of("good.pcapng")
    evil = "x" * 4000
    events = run.timeline.assign(
        dst=pd.array([f"{evil}:{n}" for n in range(len(run.timeline))], dtype="string")
    )
    findings = FINDINGS.rows(
        [
            {
                "capture": "good.pcapng",
                "frame": 4,
                "frames": "4, 6,x,-1,٣,99999999999999999999",
                "call": 1,
                "code": "<b>" * 100,
                "severity": "absurd",
                "verdict": "fault",
                "title": evil,
            }
            for _ in range(30)
        ]
    )
    held = ladder(Calls(run.tables.with_(timeline=events, findings=findings))[1])
    assert overlaps(held.picture) == [] and outside(held.picture) == []
    assert held.picture.width < 4000


def gaps(table: Table, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with nothing in them but what is always there, and what makes them this call's."""
    keep = {"call", "leg", *(column.name for column in table.columns if column.always)}
    names = [name for name in rows.columns if name not in keep]
    return rows.assign(**{name: pd.array([pd.NA] * len(rows), dtype=rows[name].dtype) for name in names})


def test_tables_full_of_gaps_are_drawn():
    tables = scenes.run_of("good.pcapng").tables
    empty = {table.name: gaps(table, rows) for table, rows in tables.items() if len(rows)}
    for text in pictures.svgs(Calls(tables.with_(**empty))[1]).values():
        assert ElementTree.fromstring(text) is not None and "please report it" not in text


def test_absurd_numbers_are_drawn():
    run = scenes.run_of("good.pcapng")
    streams = run.rtp_streams.assign(packets=2**62, lost=2**62, jitter_ms=1e300, leg=2**40)
    seconds = run.rtp_seconds.assign(packets=2**50, lost=2**50, jitter_ms=1e300)
    legs = run.legs.assign(leg=2**40, final_status=2**60)
    tables = run.tables.with_(rtp_streams=streams, rtp_seconds=seconds, legs=legs)
    for name, text in pictures.svgs(Calls(tables)[1]).items():
        assert ElementTree.fromstring(text) is not None
        assert overlaps(pictures.PICTURES[name](Calls(tables)[1], "en")) == []
