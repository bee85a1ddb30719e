"""The media of a call, second by second."""

import pytest

from postproc.model.calls import Call, Calls
from postproc.model.tables import CALLS, Tables
from postproc.show import colors
from postproc.show.pictures.charts import MOST_POINTS, MOST_STREAMS, media, series
from postproc.show.pictures.layout import Layer
from tests import builders as b
from tests.show.pictures.looks import assert_good
from tests.show.pictures.test_ladder import CALLS as REAL


def rows(seconds: list[dict], *streams: dict) -> Call:
    base = {"call": 1, "leg": 1, "stream": 1, "first_time": 0, "last_time": 9.98}
    held = streams or ({},)
    return Calls(
        Tables(calls=CALLS.rows([{"call": 1}])).with_(
            rtp_streams=b.rtp_streams(*(base | stream for stream in held)),
            rtp_seconds=b.rtp_seconds(*({"stream": 1} | second for second in seconds)),
        )
    )[1]


def values(tables: Call, kind: str) -> list[float]:
    return [round(value, 1) for _, value in series(tables)[0].values[kind]]


@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize("name", REAL)
def test_nothing_overlaps_is_cut_off_or_struck_through(name: str, lang: str):
    run, call = REAL[name]()
    assert_good(media(Calls(run)[call], lang))


def test_seconds_without_packets_are_gaps():
    held = rows(
        [{"second": n, "packets": 50, "lost": 0, "jitter_ms": 1.0} for n in (0, 1, 4, 5)], {"last_time": 5.98}
    )
    assert values(held, "packets") == [50, 50, 0, 0, 50, 51]
    assert values(held, "jitter_ms") == [1, 1, 1, 1]


def test_the_last_second_counts_for_as_much_of_it_as_there_is():
    held = rows([{"second": 0, "packets": 50}, {"second": 1, "packets": 25}], {"last_time": 1.5})
    assert values(held, "packets") == [50, 50]
    assert values(
        rows([{"second": 0, "packets": 50}, {"second": 1, "packets": 5}], {"last_time": 1.1}), "packets"
    ) == [50]


def test_losses_are_bars():
    held = media(rows([{"second": n, "packets": 40, "lost": 10 * (n == 2)} for n in range(10)]))
    bars = [area for area in held.areas if area.fill == colors.PROBLEM.fill and area.layer == Layer.FRONT]
    assert len(bars) == 1


def test_long_streams_are_drawn_in_bounded_detail():
    seconds = [{"second": n, "packets": 50, "lost": 0, "jitter_ms": 2.0} for n in range(7200)]
    held = rows(seconds, {"last_time": 7199.98})
    assert len(series(held)[0].values["packets"]) <= MOST_POINTS
    assert set(values(held, "packets")) <= {50.0, 50.1}


def test_a_stream_of_one_packet_is_drawn():
    assert_good(media(rows([{"second": 0, "packets": 1}], {"last_time": 0, "packets": 1})))


def test_many_streams_are_bounded_and_said_so():
    held = rows([], *({"stream": n, "ssrc": n} for n in range(1, 40)))
    picture = media(held)
    assert f"{39 - MOST_STREAMS} more not drawn" in [label.text for label in picture.labels]
    assert_good(picture)


def test_a_call_without_media_says_so():
    held = Calls(Tables(calls=CALLS.rows([{"call": 1}])))[1]
    assert "kein RTP" in [label.text for label in media(held, "de").labels]
