"""call_uid depends on packets alone: not on the names, the order or the cut of the captures."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from postproc import pipeline
from postproc.correlate.identity import with_uids
from postproc.model.tables import CALLS, LEGS, SIP_MESSAGES, STUN_MESSAGES, Tables
from tests.pieces import cut

# Two legs in two captures; SIP over TCP; HEP; a fork; ICE alone; NAT between places
CAPTURES = (
    "good.pcapng",
    "two_calls.pcapng",
    "server_view.pcapng",
    "client_view.pcapng",
    "made/hep.pcapng",
    "made/forked.pcapng",
    "made/double_captured.pcapng",
    "cases/f_oneway_later.pcapng",
)


def uids(*paths: Path) -> set[str]:
    found = pipeline.run(paths, report=False, jobs=1).calls["call_uid"]
    assert found.notna().all()
    assert found.is_unique
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in found)
    return set(found)


@pytest.fixture(scope="module")
def whole(pcaps) -> set[str]:
    return uids(*(pcaps / name for name in CAPTURES))


def test_neither_order_nor_names_change_it(pcaps, tmp_path, whole):
    for number, name in enumerate(reversed(CAPTURES)):
        folder = tmp_path / f"{number % 3}"
        folder.mkdir(exist_ok=True)
        shutil.copy(pcaps / name, folder / f"{number}{Path(name).suffix}")
    assert uids(tmp_path) == whole


def test_the_files_of_a_ring_buffer_have_those_of_the_whole(pcaps, tmp_path):
    for name in ("two_calls.pcapng", "cases/f_oneway_later.pcapng", "made/hep.pcapng"):
        made = cut(pcaps / name, 4, tmp_path / Path(name).stem, seed=4)
        assert uids(made[0].parent) == uids(pcaps / name), name


def test_a_run_of_one_capture_has_those_of_a_run_of_all(pcaps, whole):
    assert uids(pcaps / "two_calls.pcapng") < whole


def tables(sip: list[dict[str, object]], stun: list[dict[str, object]]) -> Tables:
    at = {"capture": "a", "frame": 1, "time": pd.Timestamp("2026-01-01T10:00:00.000001Z")}
    ends = {"src_addr": "192.0.2.1", "src_port": 5060, "dst_addr": "192.0.2.2", "dst_port": 5060}
    return Tables().with_(
        calls=CALLS.rows([at | {"call": 1}]),
        legs=LEGS.rows(at | {"call": 1, "leg": 1, "call_id": each["call_id"]} for each in sip[:1]),
        sip_messages=SIP_MESSAGES.rows(at | ends | each for each in sip),
        stun_messages=STUN_MESSAGES.rows(at | ends | {"call": 1} | each for each in stun),
    )


INVITE = {"call_id": "x", "method": "INVITE"}
CHECK = {"transaction_id": "ab"}


def uid(sip: list[dict[str, object]], stun: list[dict[str, object]] | None = None) -> str:
    return str(with_uids(tables(sip, stun or [])).calls["call_uid"].iloc[0])


@pytest.mark.parametrize(
    "other",
    [
        {"call_id": "y"},
        {"time": pd.Timestamp("2026-01-01T10:00:00.000002Z")},
        {"src_addr": "192.0.2.3"},
        {"dst_port": 5061},
    ],
)
def test_another_call_has_another(other):
    assert uid([INVITE]) != uid([INVITE | other])


def test_what_comes_after_the_first_invite_changes_nothing():
    earlier = pd.Timestamp("2026-01-01T09:59:59Z")
    assert uid([INVITE, INVITE | {"to_tag": "t", "time": earlier}], [CHECK]) == uid([INVITE])


def test_nanoseconds_that_a_pcap_does_not_keep_change_nothing():
    assert uid([INVITE | {"time": pd.Timestamp("2026-01-01T10:00:00.000001999Z")}]) == uid([INVITE])


def test_a_call_without_sip_is_its_first_check():
    later = CHECK | {"transaction_id": "00", "time": pd.Timestamp("2026-01-01T10:00:01Z")}
    assert uid([], [later, CHECK]) == uid([], [CHECK]) != uid([], [later])
    assert with_uids(tables([], [])).calls["call_uid"].isna().all()
