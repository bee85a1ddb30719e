"""The DTLS of a call."""

import pytest

from postproc.diagnose.evidence.paths import best, handshakes, secured, starter
from tests.diagnose.scenes import foreign, good, scene, section


def row(**changes):
    return dict(good()["dtls"][0]) | changes


def test_of_two_views_the_one_that_shows_most_counts():
    case = scene(dtls=[row(state="incomplete"), row(state="complete", capture="b.pcapng", time=1.3)])
    assert [found.state for found in handshakes(case, 1)] == ["complete"]


def test_other_ports_are_another_handshake_and_the_best_is_asked_for():
    case = scene(dtls=[row(state="client_hello_only", client_port=1), row(state="incomplete")])
    assert len(handshakes(case, 1)) == 2
    found = best(case, 1)
    assert found is not None and found.state == "incomplete"
    assert best(case, 2) is None


def test_dtls_is_agreed_where_both_sides_give_a_fingerprint():
    assert secured(scene(), 1)
    assert not secured(scene(), 2)
    assert not secured(scene(base=foreign()), 1)
    assert not secured(scene(sdp_media=[section()]), 1)


@pytest.mark.parametrize(
    ("sections", "side"),
    [
        ([section(), section(ufrag="server", setup="active")], "server"),
        ([section(setup="active")], "client"),
        ([section(), section(ufrag="server", setup="passive")], None),
        ([section(ufrag="unknown", setup="active")], None),
    ],
)
def test_who_says_active_has_to_begin(sections, side):
    assert starter(scene(sdp_media=sections), 1) == side
