"""Options of ``postproc.analyze``, and the Python interface of a run."""

import runpy
from pathlib import Path

import pytest

import postproc
from postproc.model.errors import SetupError

REPOSITORY = Path(__file__).parents[1]
# Denies every private address.
LISTS = """\
<configuration name="acl.conf"><network-lists>
<list name="public" default="allow">
<node type="deny" cidr="192.168.0.0/16"/><node type="allow" cidr="odd"/>
</list>
</network-lists></configuration>
"""


@pytest.fixture(scope="module")
def calls(pcaps):
    return postproc.analyze(pcaps / "two_calls.pcapng", lang="en")


def test_a_run_has_a_length_and_its_calls_in_order(calls):
    assert len(calls) == 2
    assert [call.number for call in calls] == [1, 2]
    assert calls.call(1).legs.equals(next(iter(calls)).legs)


def test_a_run_without_calls_is_a_run(tmp_path, pcaps):
    capture = tmp_path / "none.pcapng"
    capture.write_bytes((pcaps / "good.pcapng").read_bytes()[:1000])
    run = postproc.analyze(capture)
    assert len(run) == 0 and run


def test_a_path_that_does_not_exist_raises(pcaps, tmp_path):
    with pytest.raises(FileNotFoundError, match="nix"):
        postproc.analyze([pcaps / "good.pcapng", tmp_path / "nix.pcap"])


def test_what_is_no_capture_is_in_unread(tmp_path):
    (tmp_path / "a.pcap").write_bytes(b"no capture")
    run = postproc.analyze(tmp_path / "a.pcap")
    assert [each.path.name for each in run.unread] == ["a.pcap"]


def test_access_lists_of_a_file_decide(pcaps, tmp_path):
    lists = tmp_path / "acl.conf.xml"
    lists.write_text(LISTS)
    with pytest.warns(UserWarning, match="odd"):
        run = postproc.analyze(pcaps / "good.pcapng", acl=lists, acl_list="public")
    offered = run.candidates[run.candidates["acl_verdict"].notna()]
    private = offered["addr"].str.startswith("192.168.")
    assert private.any() and not private.all()
    assert set(offered.loc[private, "acl_verdict"]) == {"denied"}
    assert set(offered.loc[~private, "acl_verdict"]) == {"allowed"}


def test_rules_are_asked_by_name_or_code(pcaps):
    capture = pcaps / "no_binding_success.pcapng"
    assert set(postproc.analyze(capture, only="ICE001").findings["name"]) == {"no-binding-success"}
    assert postproc.analyze(capture, only=["dtls-alert"]).findings.empty
    with pytest.raises(SetupError, match="did you mean dtls-alert"):
        postproc.analyze(capture, only="dtls-alart")


@pytest.mark.parametrize(("locale", "lang"), [("de_DE.UTF-8", "de"), ("C", "en")])
def test_the_language_is_that_of_the_locale(pcaps, monkeypatch, locale, lang):
    monkeypatch.setenv("LC_ALL", locale)
    run = postproc.analyze(pcaps / "acl_403.pcapng")
    assert run.lang == lang
    assert ("Zugriffsliste" in run.calls["headline"].iloc[0]) == (lang == "de")


def test_the_steps_of_calls_are_a_table_and_a_picture(pcaps):
    run = postproc.analyze([pcaps / "acl_403.pcapng", pcaps / "good.pcapng"], lang="de")
    assert list(run.steps.index) == list(run.worst_first()["call"])
    assert run.steps.loc[run.calls.set_index("cause")["call"]["invite-rejected-by-acl"], "legs"] == "failed"
    assert (run.steps.loc[run.calls.set_index("verdict")["call"]["ok"]] == "passed").sum() > 4
    drawn = run.steps_plot().picture
    assert {"✗", "✓"} <= {label.text for label in drawn.labels}
    assert 'style="max-width:100%' in run.steps_plot()._repr_svg_()


def test_packets_print_number_time_addresses_and_what_they_are(calls):
    packets = calls.call(1).packets(limit=3)
    first = packets.table.iloc[0]
    assert first["info"].startswith("SIP INVITE sip:")
    assert first["time"] == calls.call(1).sip_messages["time"].min()
    line = repr(packets).splitlines()[0].split()
    assert line[:2] == [str(first["frame"]), f"{first['time']:%H:%M:%S.%f}"] and line[3] == "->"
    assert len(repr(packets).splitlines()) == len(packets) == 3
    assert "<td>SIP INVITE" in packets._repr_html_()
    assert packets[0].sip


def test_the_pages_of_the_interface_are_made_from_its_docstrings():
    made = runpy.run_path(str(REPOSITORY / "scripts/api.py"))["page"]()
    assert (REPOSITORY / "docs/API.md").read_text() == made, "renew it: python scripts/api.py > docs/API.md"
    assert "None\n" not in made, "a public name without a docstring"
