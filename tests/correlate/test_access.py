"""Column ``acl_verdict`` of the table candidates."""

from dataclasses import replace

import pandas as pd

from postproc.correlate.candidates import access
from postproc.model.acl import built
from postproc.model.deployment import GENERIC
from postproc.model.tables import CANDIDATES
from tests import builders as b

WAN = replace(GENERIC, candidate_acl=("wan.auto",))


def rows():
    return b.candidates(
        {"side": "client", "addr": "192.168.178.34"},
        {"side": "client", "addr": "198.51.100.77"},
        {"side": "server", "addr": "203.0.113.10"},
        {"side": "other", "addr": "a.local"},
        {"side": None, "addr": "198.51.100.77"},
        {"side": "client", "addr": None},
    )


def told(deployment):
    found = access(rows(), deployment)
    CANDIDATES.conform(found)
    return [None if pd.isna(value) else value for value in found["acl_verdict"]]


def test_candidates_offered_to_the_server_get_a_verdict():
    assert told(WAN) == ["denied", "allowed", None, "unknown", None, "unknown"]


def test_without_lists_there_is_none():
    assert told(GENERIC) == [None] * 6


def test_lists_of_which_nobody_says_that_they_are_applied_leave_it_open():
    some = replace(GENERIC, lists={"x": built("x", True)})
    assert told(some) == ["unknown", "unknown", None, "unknown", None, "unknown"]


def test_no_candidates_stay_none():
    assert access(CANDIDATES.empty(), WAN).empty
