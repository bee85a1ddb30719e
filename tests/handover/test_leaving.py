"""No canary leaves the house: neither in a redacted ticket, export or report, nor in a notebook about them."""

import io
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pyarrow.parquet as pq
import pytest

from postproc import pipeline
from postproc.handover import notebooks
from postproc.handover.account import Account, lines
from postproc.handover.export import export_redacted
from postproc.handover.redact import products
from postproc.handover.report import report
from postproc.handover.ticket import Order, Ticket, ticket
from postproc.read import deployment as deployments
from tests.canaries import logs, packets
from tests.canaries.seeds import Canaries, found

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


def left(path: Path, canaries: Canaries) -> list[tuple[str, list[str]]]:
    return [
        (name, told) for name, data in everything(path.read_bytes(), path.name) if (told := found(data, canaries))
    ]


@pytest.fixture(scope="module")
def packed(house, canaries, tmp_path_factory) -> Ticket:
    log = next(house.glob("*.log"))
    attached = house / f"{canaries.word('attachment')} trunk.log"
    told = [*list(canaries.words)[::40], *list(canaries.addresses)[::10]]
    attached.write_text("\n".join(f"the trunk told of {each} then" for each in told), encoding="utf-8")
    answers = {"symptom": f"{told[0]} does not hear {told[1]}", "devices": told[2], "customer_id": "XID-4711"}
    order = Order([house], [log], [attached], answers, redacted=True)
    return ticket(order, tmp_path_factory.mktemp("t") / "t.zip")


def test_the_search_of_this_test_finds_what_is_there(house, canaries, tmp_path):
    (capture,) = house.glob("*.pcapng")
    done = ticket(Order([capture]), tmp_path / "t.zip")
    assert len([name for name, _ in left(done.path, canaries)]) > 5


def test_no_canary_is_in_a_ticket(packed, canaries):
    assert left(packed.path, canaries) == []
    assert {name.partition("/")[0] for name in packed.members} > {"trace", "logs", "attachments", "results"}
    with ZipFile(packed.path) as archive:
        assert b"XID&#45;4711" in archive.read("redaction.md") or b"XID-4711" in archive.read("redaction.md")


def test_no_canary_is_in_an_export(house, canaries, tmp_path):
    run = pipeline.run([next(house.glob("*.pcapng"))])
    for call in run.calls["call"]:
        done = export_redacted(run, call, tmp_path / f"{call}.pcapng", products=KNOWN)
        assert done.written
        assert [left(path, canaries) for path in done.written] == [[]] * len(done.written)


def test_no_canary_is_in_a_report(house, canaries, tmp_path):
    run = pipeline.run([next(house.glob("*.pcapng"))], fs_logs=[next(house.glob("*.log"))])
    done = report(run, tmp_path / "r.html")
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
    for lang, words in (("en", ("replaced: ", "users and numbers", "remains: ")), ("de", ("ersetzt: ", "Benutzer", "bleibt: "))):
        told = "\n".join(lines(account, lang))
        assert all(word in told for word in words)
        assert "0 " not in told.split(", ")
