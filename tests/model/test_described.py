"""A description of a finding, to the table and back, and whose advice is shown."""

from datetime import UTC, datetime

import pytest

from postproc.model.described import Described, of_table
from postproc.model.tables import FINDINGS

FOUND = Described(
    "ICE001",
    "no-binding-success",
    "fault",
    "No Binding Success",
    "2 of 2. Nothing came back.",
    confidence=0.9,
    call=1,
    leg=2,
    capture="a.pcapng",
    frames=(19, 21),
    time=datetime(2026, 11, 22, 22, 38, 49, 496116, tzinfo=UTC),
    facts={"sent": 2},
    causes=("A firewall.", "No route."),
    remedies=("Capture on both sides.",),
    references=("RFC 8445, section 7", "RFC 792"),
)


def test_a_description_comes_back_from_the_table_as_it_was():
    bare = Described("RTP001", "no-media", "note", "No media", caused_by="no-binding-success")
    assert list(of_table(FINDINGS.rows([FOUND.row(), bare.row()]))) == [FOUND, bare]


@pytest.mark.parametrize(
    ("verdict", "caused_by", "advised"),
    [
        ("fault", None, True),
        ("suspect", None, True),
        ("fault", "dtls-alert", False),
        ("cannot_tell", None, False),
        ("note", None, False),
        ("ok", None, False),
        ("<b>", None, False),
    ],
)
def test_advice_is_shown_of_what_may_be_wrong_at_its_root(verdict, caused_by, advised):
    assert Described("X1", "x", verdict, "t", caused_by=caused_by).advised is advised


def test_a_table_of_strangers_is_read_as_far_as_it_goes():
    odd = {"capture": "a", "frame": 4, "code": "X1"}
    rows = FINDINGS.rows([odd, odd | {"frames": "4,x,,9", "reference": "RFC 792; RFC 4443; "}])
    first, second = of_table(rows)
    assert (first.frames, first.references, first.title, first.verdict) == ((4,), (), "", "")
    assert (second.frames, second.references) == ((4, 9), ("RFC 792", "RFC 4443"))
