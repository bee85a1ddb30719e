"""The first chart in the report: failed by findings, passed by what the tables show, else left open."""

import pytest

import postproc
from postproc.model.described import of_table
from postproc.model.wayin import FIRST_CHART
from postproc.show.report.page import html, report
from postproc.show.report.way_in import first_chart
from tests.conftest import PCAPS

WAY_IN = PCAPS / "way-in"


@pytest.fixture(scope="module")
def run():
    names = ("good-ws-tls13-iis", "2231-filtered-iis", "cert-selfsigned")
    return postproc.analyze([WAY_IN / f"{name}.pcapng" for name in names], lang="de")


def states(tables):
    walk = first_chart(tables, list(of_table(tables.findings)), "de")
    return {step["step"]: step["state"] for step in walk}


def only(tables, name):
    kept = {table.name: rows[rows["capture"] == f"{name}.pcapng"] for table, rows in tables.items()}
    return tables.with_(**kept)


def test_what_works_is_passed_and_what_no_capture_shows_is_left_open(run):
    found = states(only(run.tables, "good-ws-tls13-iis"))
    assert tuple(found) == tuple(step.id for step in FIRST_CHART)
    passed = {name for name, state in found.items() if state == "passed"}
    assert passed == {
        "web_application",
        "site",
        "test_health",
        "test_authentication",
        "test_hub",
        "test_reinitialise",
    }
    assert {found[name] for name in found.keys() - passed} == {"not_reached"}


def test_findings_fail_the_steps_that_need_what_they_blame(run):
    ports, trust = (states(only(run.tables, name)) for name in ("2231-filtered-iis", "cert-selfsigned"))
    assert {name for name, state in ports.items() if state == "failed"} >= {"test_reinitialise"}
    assert ports["test_url"] == "not_reached"  # of port 443 nothing is said
    assert {trust["certificate"], trust["test_health"]} == {"failed"}


def test_captures_without_anything_of_it_have_no_chart(run):
    assert states(only(run.tables, "none")) == {}


def test_the_page_has_it_in_the_language_of_the_run(run):
    page = html(report(run.tables, {}, "de"))
    assert "Der Zugang" in page
    assert page.count("Verbindungstest 4") >= 2  # box and panel
