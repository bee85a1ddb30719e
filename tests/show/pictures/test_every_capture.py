"""The pictures of every call of every capture in pcaps/, in both languages."""

import pytest

import postproc
from postproc.model.calls import Calls
from postproc.model.text import LANGS
from postproc.show import pictures
from tests.conftest import PCAPS
from tests.show.pictures.looks import outside, overlaps

CAPTURES = sorted(path for folder in ("", "made/") for path in PCAPS.glob(f"{folder}*.pcap*"))


@pytest.mark.slow
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_nothing_overlaps_or_is_cut_off(path):
    for call in Calls(postproc.analyze(path)):
        for picture in pictures.PICTURES.values():
            for lang in LANGS:
                drawn = picture(call, lang)
                assert overlaps(drawn) == [] and outside(drawn) == []
