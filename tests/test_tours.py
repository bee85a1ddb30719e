"""The hand-written notebooks run from top to bottom, and their results are true."""

import ast
import json
from pathlib import Path

import nbformat
import pytest

from postproc.share import notebooks
from tests.conftest import PCAPS

TOURS = sorted((PCAPS.parent / "notebooks").glob("*.ipynb"))
LARGEST = 1_500_000  # bytes


def truth(name):
    (call,) = json.loads((PCAPS / f"{name}.truth.json").read_text())["calls"]
    return call


def ended(name, tmp_path):
    """Run the tour again; return the output of its last cell."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "pcaps").symlink_to(PCAPS)
    (path,) = [tour for tour in TOURS if tour.name.startswith(name)]
    copy = folder / path.name
    copy.write_bytes(path.read_bytes())
    notebooks.execute(copy)
    (output,) = nbformat.read(copy, as_version=4).cells[-1].outputs
    return ast.literal_eval(output["data"]["text/plain"])


def test_there_are_five_tours():
    assert [path.name[0] for path in TOURS] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("path", TOURS, ids=lambda path: path.stem)
def test_a_tour_is_small_and_names_no_place_of_its_authors_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    assert str(Path.home()) not in text
    assert str(PCAPS.parent) not in text
    nbformat.validate(nbformat.reads(text, as_version=4))


@pytest.mark.parametrize("path", TOURS, ids=lambda path: path.stem)
def test_a_tour_is_kept_with_its_outputs_in_order(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


@pytest.mark.slow
def test_the_good_call(tmp_path):
    said, call = ended("1", tmp_path), truth("good")
    assert (said["verdict"], said["legs"], said["not passed"]) == ("ok", call["number_of_legs"], [])
    assert (
        said["answered"]
        == said["checks"]
        == sum(
            call["ice"][name]
            for name in ("client_requests_sent_to_freeswitch", "freeswitch_requests_that_reached_client")
        )
    )
    assert said["dtls"] == ["complete"]
    leg1, leg2 = call["media"]["leg1"], call["media"]["leg2"]
    sent = {leg1["srtp_sent_by_client"], leg2["rtp_sent_by_gateway"], leg2["rtp_received_by_gateway"]}
    assert sent <= set(said["packets"])


@pytest.mark.slow
def test_the_call_without_binding_success(tmp_path):
    said, call = ended("2", tmp_path), truth("no_binding_success")
    assert (said["verdict"], said["cause"], said["roots"]) == (
        "fault",
        "no-binding-success",
        ["no-binding-success"],
    )
    assert said["sent"] > 0
    assert said["answered"] == call["ice"]["client_success_responses_received"] == 0
    assert said["received"] == 0
    assert [addr in candidate for addr in said["remote"] for candidate in call["client_candidates"][1:]] == [
        True
    ]


@pytest.mark.slow
def test_the_calls_refused_by_access_lists(tmp_path):
    said = ended("3", tmp_path)
    config = json.loads((PCAPS / "acl_403.truth.json").read_text())["freeswitch_config"]
    assert said["rejected"] == [config["apply_inbound_acl"]]
    assert said["causes"] == ["invite-rejected-by-acl", "candidates-rejected-by-acl"]
    assert (said["without log"], said["with log"]) == (["suspect"] * 2, ["fault"] * 2)
    assert said["allowed"] == [False, True]


@pytest.mark.slow
def test_the_comparison_of_all_calls(tmp_path):
    said = ended("4", tmp_path)
    files = [
        json.loads(path.read_text())
        for folder in (PCAPS, PCAPS / "made")
        for path in folder.glob("*.truth.json")
    ]
    calls = [call for each in files for call in each["calls"]]
    assert said["calls"] >= len({leg["call_id"] for call in calls for leg in call["legs"][:1]})
    blamed = sum(said["causes"].values())  # a cannot_tell call may have a cause, too
    assert said["broken"] + said["suspect"] <= blamed <= said["calls"]
    assert {"no-binding-success", "dtls-incomplete", "invite-rejected-by-acl"} <= set(said["causes"])
    assert 0 < said["mute"] <= said["broken"]


@pytest.mark.slow
def test_the_way_in(tmp_path):
    said = ended("5", tmp_path)
    truths = json.loads((PCAPS / "way-in" / "truth.json").read_text())
    expired = truths["cert-expired-browser-tls13"]
    assert said["good"] == truths["good-ntlm"]["expect"] == []
    assert said["filtered"] == truths["2231-filtered-iis"]["expect_without_keys"]
    assert list(said["with keys"]) == expired["expect"]
    assert set(said["without keys"].values()) == {"cannot_tell"}
    assert not set(said["without keys"]) & set(expired["never_without_keys"])
