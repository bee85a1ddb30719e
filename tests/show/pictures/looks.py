"""What must never be seen in a picture: texts that meet, texts cut off, arrows through texts."""

from collections.abc import Iterator
from itertools import pairwise

from postproc.show.pictures.layout import Box, Label, Layer, Picture


def overlaps(picture: Picture) -> list[tuple[str, str]]:
    """Texts whose boxes meet; swept from top to bottom, so that long ladders are quick."""
    held = sorted(((label.box, label) for label in picture.labels), key=lambda item: item[0].top)
    return [(one.text, other.text) for one, other in _meeting(held)]


def _meeting(held: list[tuple[Box, Label]]) -> Iterator[tuple[Label, Label]]:
    for n, (box, label) in enumerate(held):
        for other_box, other in held[n + 1 :]:
            if other_box.top >= box.bottom:
                break
            if meet(box, other_box):
                yield label, other


def meet(one: Box, other: Box) -> bool:
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.bottom
        and other.top < one.bottom
    )


def outside(picture: Picture) -> list[str]:
    """Texts that reach over the picture's edge."""
    return [
        label.text
        for label in picture.labels
        if label.box.left < 0
        or label.box.top < 0
        or label.box.right > picture.width
        or label.box.bottom > picture.height
    ]


def struck(picture: Picture) -> list[str]:
    """Texts with a rail, an arrow or a rule of more than a few points through them; grids lie behind."""
    lines = [
        _box(*pair)
        for stroke in picture.strokes
        if stroke.layer in (Layer.FRONT,)
        for pair in pairwise(stroke.points)
    ]
    lines.sort(key=lambda box: box.top)
    return [
        label.text
        for label in picture.labels
        for box in [label.box]
        for line in lines
        if meet(_inner(box), line) and not _is_badge(label)
    ]


def _box(one: tuple[float, float], other: tuple[float, float]) -> Box:
    (x, y), (to_x, to_y) = one, other
    return Box(min(x, to_x) - 0.1, min(y, to_y) - 0.1, max(x, to_x) + 0.1, max(y, to_y) + 0.1)


def _inner(box: Box) -> Box:
    """Letters without the room above and below them."""
    return Box(box.left + 1, box.top + 1.5, box.right - 1, box.bottom - 1.5)


def _is_badge(label: Label) -> bool:
    return label.text.isdecimal() and label.align == "center"  # on its own box, over the arrow's beginning


def assert_good(picture: Picture) -> None:
    assert overlaps(picture) == []
    assert outside(picture) == []
    assert struck(picture) == []
    assert picture.labels
