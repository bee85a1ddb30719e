"""The pictures of every call of every capture in pcaps/, mostly in German, which is longer."""

from itertools import cycle

import pytest

import postproc
from postproc.model.calls import Calls
from postproc.show import pictures
from tests.conftest import PCAPS
from tests.sample import some
from tests.show.pictures.looks import outside, overlaps

CAPTURES = some(sorted(path for folder in ("", "made/") for path in PCAPS.glob(f"{folder}*.pcap*")), one_in=3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "lang"),
    [*zip(CAPTURES, cycle(("de", "de", "en")), strict=False)],
    ids=lambda each: getattr(each, "name", each),
)
def test_nothing_overlaps_or_is_cut_off(path, lang):
    for call in Calls(postproc.analyze(path)):
        for picture in pictures.PICTURES.values():
            drawn = picture(call, lang)
            assert overlaps(drawn) == [] and outside(drawn) == []
