"""Checks per direction, each transaction once."""

import pytest

from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, checks, receiver, sender
from postproc.model.deployment import Thresholds
from tests.diagnose.scenes import check, scene, unanswered


def seen(*rows, **asked):
    return checks(scene(bindings=list(rows)), **asked)


def test_they_are_counted_by_direction_and_leg():
    rows = (check(), check("client_to_server", time=1.1), check(leg=2, time=1.2))
    assert [seen(*rows, direction=way, leg=1).sent for way in (TO_CLIENT, TO_SERVER, None)] == [1, 1, 2]
    assert seen(*rows).answered == 3


def test_look_ups_and_answers_to_nothing_are_no_checks():
    assert seen(check(purpose="discovery"), check(outcome="response_only", time=2.0)).sent == 0


def test_a_check_two_captures_saw_counts_once_by_the_better_view():
    twice = (
        check(outcome="unanswered", transaction_id="t"),
        check(outcome="success", transaction_id="t", capture="b.pcapng", time=1.01),
    )
    found = seen(*twice)
    assert (found.sent, found.answered, found.unanswered) == (1, 1, [])


@pytest.mark.parametrize(
    ("rows", "dead"),
    [
        (unanswered(3), True),
        (unanswered(2), False),
        ([check(time=1.0, outcome="unanswered"), check(time=7.0, outcome="unanswered")], True),
        ([*unanswered(3), check(time=9.0, outcome="pending")], True),
        ([*unanswered(3), check(time=9.0)], False),
        ([*unanswered(3), check(time=9.0, outcome="error")], False),
        ([check(outcome="pending")], False),
        ([*unanswered(1), *(check(time=4.5 + n, outcome="pending") for n in range(3))], True),
        ([*unanswered(1), *(check(time=4.5 + n / 10, outcome="pending") for n in range(3))], False),
        ([check(time=4.5 + n, outcome="pending") for n in range(6)], False),
        ([check(outcome="unanswered", requests=3, last_time=1.7)], True),
        ([check(outcome="unanswered", requests=2, last_time=6.5)], True),
        ([check(outcome="unanswered", requests=2, last_time=1.5)], False),
        ([check(outcome="pending", requests=6, last_time=8.0)], True),
        ([check(outcome="pending", requests=6, last_time=2.0)], False),
        ([check(outcome="success", requests=6, last_time=8.0)], False),
        ([], False),
    ],
    ids=[
        "three",
        "two",
        "two in five seconds",
        "one open",
        "one answered",
        "one refused",
        "all open",
        "one given up, two overdue",
        "one given up, the rest just sent",
        "many, none given up",
        "one ID three times",
        "one ID for five seconds",
        "one ID twice",
        "one ID, open, but long overdue",
        "one ID, open",
        "one ID, answered at last",
        "none",
    ],
)
def test_a_direction_is_dead_after_three_requests_or_five_seconds(rows, dead):
    assert seen(*rows).dead(Thresholds()) is dead


def test_targets_and_sources_stand_in_order_of_first_use():
    found = seen(check(dst_port=2), check(dst_port=1, time=2.0), check(dst_port=2, time=3.0))
    assert [port for _, port in found.targets] == [2, 1]
    assert len(found.sources) == 1


def test_the_silent_ones_include_those_the_captures_end_left_open():
    assert len(seen(*unanswered(2), check(time=5.0, outcome="pending")).silent) == 3


def test_who_sends_and_who_receives():
    assert (sender(TO_CLIENT), receiver(TO_CLIENT), sender(TO_SERVER)) == ("server", "client", "client")
