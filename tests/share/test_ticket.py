import hashlib
import io
import json
import os
import shutil
import stat
import tempfile
from zipfile import ZipFile

import orjson
import pyarrow.parquet as pq
import pytest

from postproc.model.errors import SetupError
from postproc.model.text import clean
from postproc.pipeline import load
from postproc.share import ticket as module
from postproc.share.ticket import Order, read_answers, ticket
from postproc.show.checklist import KEYS


def content(path) -> dict[str, bytes]:
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def values(parquet: bytes) -> bytes:
    table = pq.read_table(io.BytesIO(parquet))
    return repr((table.to_pydict(), table.schema.metadata)).encode()


@pytest.fixture
def trunk(tmp_path):
    log = tmp_path / "trunk Anna.log"
    log.write_text("721 called +498984079810 from 10.0.50.118\nAnna Mobil\n")
    return log


def test_a_ticket_holds_all_and_says_what_is_open(pcaps, tmp_path, trunk):
    order = Order(
        [pcaps / "acl_403.pcapng"], [pcaps / "acl_403.freeswitch.log"], [trunk], {"customer_id": "4711"}
    )
    done = ticket(order, tmp_path / "t.zip")
    held = content(tmp_path / "t.zip")
    assert {
        "trace/acl_403.pcapng",
        "logs/acl_403.freeswitch.log",
        "attachments/trunk_Anna.log",
        "checklist.md",
        "checklist.json",
        "manifest.json",
        "results/findings.json",
        "results/tables/calls.parquet",
    } <= set(held)
    assert held["trace/acl_403.pcapng"] == (pcaps / "acl_403.pcapng").read_bytes()
    assert not any(name.startswith("results/events") for name in held)
    asked = {each["key"]: each for each in orjson.loads(held["checklist.json"])}
    assert asked["customer_id"]["answer"] == "4711"
    assert asked["trunk_logs"]["answer"] == "attachments/trunk_Anna.log"
    assert "sipsorcery_v4.0.79.1" in asked["versions"]["answer"]
    assert "invite-rejected-by-acl" in asked["calls"]["answer"]
    assert asked["symptom"]["open"] and "symptom" in done.open and "customer_id" not in done.open


def test_the_manifest_has_the_hash_of_every_file(pcaps, tmp_path):
    ticket(Order([pcaps / "made/busy_486.pcapng"]), tmp_path / "t.zip")
    held = content(tmp_path / "t.zip")
    listed = orjson.loads(held.pop("manifest.json"))["files"]
    assert {name: each["sha256"] for name, each in listed.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in held.items()
    }


@pytest.mark.parametrize("name", ["acl_403", "no_binding_success", "two_calls"])
def test_a_redacted_ticket_has_the_same_findings_and_no_name(pcaps, tmp_path, trunk, name):
    logs = [pcaps / f"{name}.freeswitch.log"]
    answers = {"symptom": "Anna Mobil (721)\nhears nothing from +498984079810", "customer_id": "XID-4711"}
    plain = ticket(Order([pcaps / f"{name}.pcapng"], logs, [trunk], answers), tmp_path / "a.zip")
    done = ticket(
        Order([pcaps / f"{name}.pcapng"], logs, [trunk], answers, redacted=True), tmp_path / "b.zip"
    )
    assert done.warnings == ()
    assert len(done.members) == len(plain.members) + 1  # redaction.md
    before, after = (orjson.loads(content(each.path)["results/findings.json"]) for each in (plain, done))
    judged = [
        [(each["name"], each["verdict"], each["confidence"]) for each in held["findings"]]
        for held in (before, after)
    ]
    assert judged[0] == judged[1]
    for member, data in content(tmp_path / "b.zip").items():
        for token in ("Anna Mobil", "8984079810", "10.0.50.118", "192.168.178.34", name):
            assert token.lower() not in data.decode("latin-1").lower(), (member, token)
    assert b"XID-4711" in content(tmp_path / "b.zip")["checklist.md"]


def test_a_picture_cannot_be_redacted(pcaps, tmp_path):
    (tmp_path / "sketch.png").write_bytes(b"\x89PNG\r\n\0\0\0")
    order = Order([pcaps / "made/busy_486.pcapng"], attachments=[tmp_path / "sketch.png"])
    assert "attachments/sketch.png" in ticket(order, tmp_path / "a.zip").members
    refused = Order(order.captures, attachments=order.attachments, redacted=True)
    with pytest.raises(SetupError, match="no text"):
        ticket(refused, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("redacted", [False, True])
def test_a_pipe_cannot_be_attached(pcaps, tmp_path, redacted):
    os.mkfifo(tmp_path / "pipe.log")
    order = Order([pcaps / "made/busy_486.pcapng"], attachments=[tmp_path / "pipe.log"], redacted=redacted)
    with pytest.raises(SetupError, match=r"pipe\.log: not a regular file"):
        ticket(order, tmp_path / "t.zip")


def test_a_diagnosis_that_changes_is_said(pcaps, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_same", lambda *_: False)
    done = ticket(Order([pcaps / "made/busy_486.pcapng"], redacted=True), tmp_path / "t.zip")
    assert "does not lead to the same findings" in done.warnings[0]


def test_members_of_equal_names_and_hostile_ones_do_no_harm(pcaps, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x .log").write_text("x")
    attached = [tmp_path / "a" / "x .log", tmp_path / "b" / "x .log"]
    done = ticket(Order([pcaps / "made/busy_486.pcapng"], attachments=attached), tmp_path / "t.zip")
    assert {"attachments/x_.log", "attachments/x_-2.log"} <= set(done.members)


def test_without_a_capture_or_with_a_bad_log_there_is_no_ticket(pcaps, tmp_path):
    (tmp_path / "empty.log").write_text("nothing of a log\n")
    with pytest.raises(SetupError, match="no capture"):
        ticket(Order([tmp_path]), tmp_path / "t.zip")
    with pytest.raises(SetupError, match="not a FreeSWITCH log"):
        ticket(Order([pcaps / "made/busy_486.pcapng"], [tmp_path / "empty.log"]), tmp_path / "t.zip")
    (tmp_path / "bad.pcap").write_bytes(bytes.fromhex("d4c3b2a1") + b"x")
    with pytest.raises(SetupError, match="could be read"):
        ticket(Order([tmp_path / "bad.pcap"]), tmp_path / "t.zip")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"symptom": "x", "since": ""}'),
        ("a.toml", 'symptom = "x"'),
        (
            "a.json",
            json.dumps(
                [{"key": "symptom", "answer": "x", "question": "?"}, {"key": "since", "answer": None}]
            ),
        ),
    ],
)
def test_answers_are_read_from_json_toml_and_a_filled_checklist(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_answers(tmp_path / name) == {"symptom": "x"}


@pytest.mark.parametrize(
    ("text", "said"), [("{", "neither JSON nor TOML"), ('{"who": 1}', "unknown: who"), ("3", KEYS[0])]
)
def test_answers_that_are_none_are_refused(tmp_path, text, said):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SetupError, match=said):
        read_answers(tmp_path / "a.json")
    with pytest.raises(SetupError, match="no such file"):
        read_answers(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deep.toml", "a=" + "[" * 5000),
        ("deep.json", "[" * 5000),
        ("odd.json", '[{"key": ["symptom"], "answer": 1}]'),
        ("odder.json", '[{"key": {}, "answer": 1}]'),
        ("colours.json", '{"\x9b31mred\u202e": "1"}'),
    ],
)
def test_answers_of_any_form_are_read_or_refused_in_one_line(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(SetupError) as refused:
        read_answers(tmp_path / name)
    assert "\n" not in str(refused.value)
    assert clean(str(refused.value)) == str(refused.value)


@pytest.fixture
def from_a_customer(pcaps, tmp_path):
    """A folder that tells of a customer and a user, with a capture, a log, and two files that are none."""
    folder = tmp_path / "home" / "annamueller" / "Kunde Zauberwald"
    folder.mkdir(parents=True)
    long = "Mitschnitt_vom_Montag_" * 9 + "loopback"
    shutil.copy(pcaps / "acl_403.pcapng", folder / f"{long}.pcapng")
    shutil.copy(pcaps / "acl_403.freeswitch.log", folder / f"{long}.log")
    (folder / "zauberstab.pcap").write_bytes(b"")
    (folder / "linked.pcap").symlink_to(folder / "hexenhaus.pcap")
    return folder


@pytest.mark.parametrize("redacted", [False, True])
def test_nothing_in_a_ticket_tells_where_its_files_lay(from_a_customer, tmp_path, redacted):
    (log,) = from_a_customer.glob("*.log")
    (tmp_path / "bad.pcap").write_bytes(bytes.fromhex("d4c3b2a1") + b"x")
    done = ticket(
        Order([from_a_customer, tmp_path / "bad.pcap"], [log], redacted=redacted), tmp_path / "t.zip"
    )
    assert any(str(from_a_customer / "zauberstab.pcap") in line for line in done.warnings)
    assert any(str(tmp_path / "bad.pcap") in line for line in done.warnings) == redacted
    held = content(tmp_path / "t.zip")
    held |= {name: values(data) for name, data in held.items() if name.endswith(".parquet")}
    secret = ["annamueller", "Kunde", "hexenhaus", str(tmp_path), tempfile.gettempdir() + "/"]
    secret += ["zauberstab", "Mitschnitt_vom"] if redacted else []
    for member, data in held.items():
        told = data.decode("latin-1")
        assert not [token for token in secret if token in told], member
    told = orjson.loads(held["manifest.json"])["warnings"]
    assert told == (
        ["files that were not read: 3"]
        if redacted
        else ["linked.pcap: dangling link to ...", "zauberstab.pcap: empty file"]
    )


@pytest.mark.parametrize("redacted", [False, True])
def test_the_results_name_the_members(from_a_customer, tmp_path, redacted):
    (log,) = from_a_customer.glob("*.log")
    done = ticket(Order([from_a_customer], [log], redacted=redacted), tmp_path / "t.zip")
    with ZipFile(tmp_path / "t.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    run = load(tmp_path / "unpacked/results")
    assert list(run.captures["path"]) == [name for name in done.members if name.startswith("trace/")]
    assert list(run.logs["path"]) == [name for name in done.members if name.startswith("logs/")]
    assert all(f"trace/{name}" in done.members for name in run.sip_messages["capture"])
    assert all(name.endswith(".pcapng") for name in run.captures["path"])


def test_a_ticket_is_its_owners_alone_and_bears_no_clock_when_redacted(pcaps, tmp_path):
    for redacted in (False, True):
        ticket(Order([pcaps / "made/busy_486.pcapng"], redacted=redacted), tmp_path / "t.zip")
        assert os.name != "posix" or stat.S_IMODE((tmp_path / "t.zip").stat().st_mode) == 0o600
        with ZipFile(tmp_path / "t.zip") as archive:
            for member in archive.infolist():
                assert stat.S_IMODE(member.external_attr >> 16) == 0o600
                assert not member.extra and not member.comment
                assert not redacted or member.date_time == (1980, 1, 1, 0, 0, 0)
