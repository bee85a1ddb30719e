"""No canary leaves the house: in no redacted ticket, export or report, and in no notebook about them."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pyarrow.parquet as pq
import pytest

from postproc import pipeline
from postproc.model.errors import SetupError
from postproc.read import deployment as deployments
from postproc.share import notebooks
from postproc.share.account import Account, lines
from postproc.share.export import export_redacted, report
from postproc.share.redact import products
from postproc.share.ticket import Order, Ticket, ticket
from tests.canaries import logs, packets
from tests.canaries.seeds import Canaries, found
from tests.read import wire

BY_CHANCE = re.compile(r": \d{6} as reversed")
KEY = "one"  # with a key of chance, six digits sometimes become those of a canary
KNOWN = products(deployments.read(deployments.DEFAULT))


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    return Canaries(11)


@pytest.fixture(scope="module")
def house(canaries, tmp_path_factory) -> Path:
    """A folder full of canaries, in what is in it and in how it is called."""
    folder = tmp_path_factory.mktemp("x") / canaries.word("folder") / f"Kunde {canaries.word('customer')}"
    folder.mkdir(parents=True)
    (folder / f"{canaries.word('file')}.pcapng").write_bytes(packets.capture(canaries))
    (folder / f"{canaries.word('log')}.log").write_text(logs.log(canaries), errors="surrogateescape")
    (folder / f"{canaries.word('unread')}.pcap").write_bytes(b"")
    return folder


def everything(data: bytes, name: str = "") -> Iterator[tuple[str, bytes]]:
    """What is in a file: members of a zip, values of a table."""
    yield name, data
    if data.startswith(b"PK"):
        with ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                yield name, member.filename.encode() + member.extra + member.comment
                yield from everything(archive.read(member), f"{name}/{member.filename}")
    elif data.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(data))
        yield name, repr((table.to_pydict(), table.schema.metadata)).encode()


def a_call(canaries: Canaries) -> Iterator[bytes]:
    """INVITE, 486 and ACK, as short as they may be, and full of somebody's words."""
    called = f"sip:{canaries.number('called')}@{canaries.host('called')}"
    parties = (
        f"Via: SIP/2.0/UDP {canaries.addr('via')}:5060;branch=z9hG4bK{canaries.word('branch')}\r\n"
        f'From: "{canaries.word("caller")}" <sip:{canaries.extension("x")}@{canaries.host("x")}>;tag=a1\r\n'
        f"To: <{called}>{{tag}}\r\nCall-ID: {canaries.word('id')}@{canaries.host('id')}\r\n"
        "CSeq: 1 {method}\r\n"
        f"X-Own: {canaries.word('own')}\r\nSubject: {canaries.word('subject')}\r\nContent-Length: 0\r\n\r\n"
    )
    invite, answered = parties.format(tag="", method="INVITE"), parties.format(tag=";tag=b2", method="INVITE")
    yield f"INVITE {called} SIP/2.0\r\n{invite}".encode()
    yield f"SIP/2.0 486 {canaries.word('phrase')}\r\n{answered}".encode()
    yield f"ACK {called} SIP/2.0\r\n{parties.format(tag=';tag=b2', method='ACK')}".encode()


def left(path: Path, canaries: Canaries) -> list[tuple[str, list[str]]]:
    """What is found, by file; six digits backwards are found by chance."""
    return [
        (name, told)
        for name, data in everything(path.read_bytes(), path.name)
        if (told := [each for each in found(data, canaries) if not BY_CHANCE.search(each)])
    ]


@pytest.fixture(scope="module")
def order(house, canaries) -> Order:
    """An order with an attachment and answers that tell of some canaries, known from the trace or not."""
    log = next(house.glob("*.log"))
    attached = house / f"{canaries.word('attachment')} trunk.txt"
    told = [*list(canaries.words)[::40], *list(canaries.addresses)[::10]]
    attached.write_text("\n".join(f"the trunk told of {each} then" for each in told), encoding="utf-8")
    answers = {"symptom": f"{told[0]} does not hear {told[1]}", "devices": told[2], "customer_id": "XID-4711"}
    return Order([house], [log], [attached], answers, redacted=True, key=KEY)


@pytest.fixture(scope="module")
def packed(order, tmp_path_factory) -> Ticket:
    """A ticket in which is replaced what its sender was shown."""
    folder, shown = tmp_path_factory.mktemp("t"), []
    ticket(replace(order, look=lambda account: shown.extend(account.words)), folder / "first.zip")
    assert shown
    return ticket(replace(order, hidden=shown), folder / "t.zip")


def test_the_search_of_this_test_finds_what_is_there(house, canaries, tmp_path):
    (capture,) = house.glob("*.pcapng")
    done = ticket(Order([capture]), tmp_path / "t.zip")
    assert len([name for name, _ in left(done.path, canaries)]) > 5


def test_all_that_is_left_of_attachments_and_answers_is_shown_before(order, canaries, tmp_path):
    shown: list[str] = []
    done = ticket(replace(order, look=lambda account: shown.extend(account.words)), tmp_path / "t.zip")
    there = [
        (name, line.split(": ")[1].split(" ")[0]) for name, told in left(done.path, canaries) for line in told
    ]
    assert there and {word for _, word in there} <= set(shown)
    members = {name.partition("/")[2] for name, _ in there}
    assert members <= {"attachments/1.txt", "checklist.md", "checklist.json", "redaction.md"}


def test_who_looks_can_stop_it(order, tmp_path):
    def stops(_: Account) -> None:
        raise SetupError("no")

    with pytest.raises(SetupError, match="no"):
        ticket(replace(order, look=stops), tmp_path / "t.zip")
    assert not list(tmp_path.iterdir())


def test_no_canary_is_in_a_ticket(packed, canaries):
    assert left(packed.path, canaries) == []
    assert {name.partition("/")[0] for name in packed.members} > {"trace", "logs", "attachments", "results"}
    with ZipFile(packed.path) as archive:
        assert b"XID-4711" in archive.read("redaction.md")


def test_no_canary_is_in_an_export(house, canaries, tmp_path):
    place = house / f"{canaries.word('call')}.pcap"
    place.write_bytes(wire.pcap([(at, wire.datagram(text)) for at, text in enumerate(a_call(canaries), 1)]))
    done = export_redacted(pipeline.run([place]), 1, tmp_path / "call.pcapng", products=KNOWN, key=KEY)
    place.unlink()
    assert list(done.written.values()) == [3]
    assert left(tmp_path / "call.pcapng", canaries) == []


def test_no_canary_is_in_a_report(house, canaries, tmp_path):
    run = pipeline.run([next(house.glob("*.pcapng"))], fs_logs=[next(house.glob("*.log"))])
    done = report(run, tmp_path / "r.html", key=KEY)
    assert left(tmp_path / "r.html", canaries) == []
    assert all(count for count in done.account.tally.replaced.values())


def test_no_canary_is_in_the_notebook_of_a_ticket(packed, canaries, tmp_path):
    with ZipFile(packed.path) as archive:
        archive.extractall(tmp_path)
    run = pipeline.load(tmp_path / "results")
    trace = tmp_path / "trace/1.pcapng"
    target = tmp_path / "n.ipynb"
    notebooks.write(run.capture("1.pcapng"), target, trace, tmp_path / "results")
    assert left(target, canaries) == []
    assert str(tmp_path).encode() not in target.read_bytes()


def test_what_was_replaced_is_counted_in_both_languages(packed):
    account = packed.account
    assert isinstance(account, Account)
    for lang, words in (
        ("en", ("replaced: ", "users and numbers", "remains: ")),
        ("de", ("ersetzt: ", "Benutzer", "bleibt: ")),
    ):
        told = "\n".join(lines(account, lang))
        assert all(word in told for word in words)
