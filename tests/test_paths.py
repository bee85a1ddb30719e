"""The fast path reads the same events from every capture as tshark alone, field by field."""

import pandas as pd
import pytest

from postproc.read.capture import read
from postproc.read.option_files import Options
from tests.conftest import PCAPS
from tests.sample import some

CAPTURES = some(
    sorted(
        path
        for pattern in ("*.pcap", "*.pcapng", "made/*.pcap", "made/*.pcapng", "made/*.gz")
        for path in PCAPS.glob(pattern)
    ),
    one_in=2,
)
NOT_COMPARED = ["media_packets", "foreign_packets", "dissected_packets", "warnings"]


def test_there_are_captures():
    assert len(CAPTURES) > 30


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_events_are_the_same_on_both_paths(path):
    keys = path.with_suffix(".keys")
    keylog = keys if keys.exists() else None
    fast = read(path, path.name, Options(keylog=keylog))
    whole = read(path, path.name, Options(all_packets=True, keylog=keylog))
    for table, rows in fast.items():
        drop = NOT_COMPARED if table.name == "captures" else []
        expected = getattr(whole, table.name).drop(columns=drop)
        pd.testing.assert_frame_equal(rows.drop(columns=drop), expected, obj=table.name)
    assert not fast.captures["warnings"].fillna("").str.contains("tshark alone").any()
    assert (whole.captures["dissected_packets"] == whole.captures["packets"]).all()


def test_media_does_not_go_through_tshark():
    held = read(PCAPS / "two_calls.pcapng", "a", Options()).captures.iloc[0]
    assert held["media_packets"] == 4300
    assert held["media_packets"] + held["foreign_packets"] + held["dissected_packets"] == held["packets"]
