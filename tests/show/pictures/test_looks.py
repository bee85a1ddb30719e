"""The tests' own eye: it sees what it is there to see."""

from postproc.show.pictures.layout import Label, Picture, Stroke
from tests.show.pictures.looks import outside, overlaps, struck


def picture(*labels: Label, **more) -> Picture:
    return Picture(100, 100, "p", labels=list(labels), **more)


def test_texts_that_meet_are_seen_and_those_that_do_not_are_not():
    assert overlaps(picture(Label(10, 10, "one"), Label(20, 14, "two"))) == [("one", "two")]
    assert overlaps(picture(Label(10, 10, "one"), Label(10, 20, "two"))) == []


def test_texts_over_the_edge_are_seen():
    assert outside(picture(Label(95, 50, "long"), Label(5, 50, "ok"))) == ["long"]


def test_texts_with_a_line_through_them_are_seen():
    through = Stroke(((0, 50), (100, 50)), "#000000")
    assert struck(picture(Label(10, 50, "text"), strokes=[through])) == ["text"]
    assert struck(picture(Label(10, 42, "text"), strokes=[through])) == []
