"""``postproc probe udp``, both ends of it: on loopback, through a NAT that lets some ports pass, and under fire."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from postproc.cli import cli
from postproc.model.errors import SetupError
from postproc.probe import listener, udp
from postproc.probe.udp import ANSWER, ASK, LIST, LISTED, SIZE, Datagram, packed, parsed, ports, written

TOKEN = "0123456789abcdef"
HERE, THERE = "127.0.0.1", "127.0.0.3"  # where it is listened, and where a NAT stands in front of it


def free_ports(count):
    """So many ports in a row that nobody has."""
    for first in range(41000, 60000, 97):
        with ExitStack() as opened:
            try:
                for port in range(first, first + count):
                    opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("", port))
            except OSError:
                continue
            return list(range(first, first + count))
    raise AssertionError("no free ports")


@contextmanager
def listening(wanted):
    """A listener in a thread; what it heard is complete when the block is left."""
    ready, done, heard = threading.Event(), threading.Event(), []
    thread = threading.Thread(
        target=lambda: heard.append(
            listener.listen(HERE, wanted, TOKEN, 30, lambda _: ready.set(), lambda: not done.is_set())
        ),
        daemon=True,
    )
    thread.start()
    assert ready.wait(5)
    try:
        yield heard
    finally:
        done.set()
        thread.join()


@contextmanager
def translated(wanted, shut=(), one_way=()):
    """A NAT in front of the listener: another source port; ``shut`` let nothing in, ``one_way`` nothing back."""
    with ExitStack() as opened:
        outer = {}
        for port in wanted:
            outer[port] = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            outer[port].bind((THERE, port))
        inner, behind, clients = {}, {}, {}
        for port in wanted:
            held = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            held.connect((HERE, port))
            inner[port], behind[held] = held, port
        fronts = {held: port for port, held in outer.items()}
        end, stop = socket.socketpair()

        def passing():
            while True:
                ready, _, _ = select.select([*fronts, *behind, end], [], [])
                if end in ready:
                    return
                for each in ready:
                    try:
                        data, source = each.recvfrom(2048)
                    except OSError:
                        continue
                    if each in fronts:
                        clients[fronts[each]] = source
                        if fronts[each] not in shut:
                            inner[fronts[each]].send(data)
                    elif behind[each] not in one_way:
                        outer[behind[each]].sendto(data, clients[behind[each]])

        thread = threading.Thread(target=passing, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.send(b"x")
            thread.join()
            end.close()
            stop.close()


def probe(host, wanted, *words):
    with patch.object(udp, "GAP", 0.05), patch.object(udp, "WAIT", 0.2):
        words = ["probe", "udp", host, written(wanted), "--token", TOKEN, "--json", "--lang", "en", *words]
        done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), done.stderr


def test_all_ports_pass_and_the_account_is_kept():
    wanted = free_ports(100)
    with listening(wanted) as heard:
        results, said = probe(HERE, wanted)
    assert said == f"will contact {HERE}, UDP {wanted[0]}-{wanted[-1]} (three small datagrams to each port)\n"
    assert "all 100 ports" in results[1]["said"]  # before it: here the ports of the same numbers are in use
    assert results[-1]["verdict"] == "ok"
    assert heard[0].answered >= 100 and heard[0].strangers == 0


def test_ports_that_are_shut_each_way_and_a_nat_that_changes_ports():
    wanted = free_ports(12)
    with listening(wanted), translated(wanted, shut=wanted[:3], one_way=wanted[5:7]):
        results, _ = probe(THERE, wanted)
    said = {each["said"].partition(":")[0]: each["facts"] for each in results if each["step"] == "udp"}
    assert said["both ways"]["ports"] == written([*wanted[3:5], *wanted[7:]])
    assert said["do not arrive there"]["ports"] == written(wanted[:3])
    assert said["arrive there, and the answers do not come back"]["ports"] == written(wanted[5:7])
    assert results[-1]["rule"] == "port-not-preserved" and results[-1]["facts"]["count"] == 7


def test_nobody_there_and_another_token_look_alike_and_are_said_so():
    wanted = free_ports(3)
    results, _ = probe(HERE, wanted)
    assert results[-1]["verdict"] == "fault" and "with the same token?" in results[-1]["said"]
    with listening(wanted) as heard:
        results, _ = probe(HERE, wanted, "--token", "another token that is long enough")
    assert "with the same token?" in results[-1]["said"]
    assert heard[0].strangers == 9 and heard[0].answered == 0


def test_the_listener_survives_garbage_and_still_answers():
    (port,) = wanted = free_ports(1)
    with listening(wanted) as heard, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        good = packed(Datagram(ASK, b"s" * 8, port), TOKEN)
        # Garbage of all sizes, cut and changed questions, answers sent back to it, others' ports.
        garbage = [
            b"",
            b"\0",
            os.urandom(SIZE),
            os.urandom(4000),
            good[:-1],
            good + b"x",
            good[:40] + b"!" + good[41:],
        ]
        garbage += [packed(Datagram(kind, b"s" * 8, port), TOKEN) for kind in (ANSWER, LISTED, 99)]
        for each in garbage:
            sender.sendto(each, (HERE, port))
        sender.sendto(packed(Datagram(ASK, b"s" * 8, port - 1), TOKEN), (HERE, port))
        sender.sendto(packed(Datagram(LIST, b"s" * 8, 65535, 65535), TOKEN), (HERE, port))
        sender.sendto(good, (HERE, port))
        sender.settimeout(2)
        answers = [parsed(sender.recv(SIZE + 1), TOKEN) for _ in range(2)]
    assert [each.kind for each in answers] == [LISTED, ANSWER]
    assert answers[1].seen_port and not any(answers[0].listed)
    assert (heard[0].strangers, heard[0].answered) == (len(garbage), 2)


def test_answers_are_limited_and_sessions_forgotten():
    allowance = listener.Allowance(rate=10)
    taken = [allowance.take(1.0) for _ in range(12)]
    assert taken == [True] * 10 + [False] * 2
    assert [allowance.take(1.1) for _ in range(2)] == [True, False]
    heard = listener.Heard()
    for number in range(listener.MOST_SESSIONS + 5):
        heard.arrived(number.to_bytes(8), 1)
    assert len(heard.sessions) == listener.MOST_SESSIONS and (0).to_bytes(8) not in heard.sessions


@given(st.binary(max_size=SIZE + 10) | st.binary(min_size=SIZE, max_size=SIZE))
def test_no_bytes_are_taken_for_a_datagram_without_the_token(data):
    assert parsed(data, TOKEN) is None


@pytest.mark.parametrize("given", ["", "x", "0", "5-3", "1-65536", "1-5000", "30000-33000-34000", "1,,2"])
def test_ports_that_are_none(given):
    with pytest.raises(SetupError):
        ports(given)


def test_ports_as_people_write_them():
    assert ports("30010, 30000-30002,30001") == [30000, 30001, 30002, 30010]
    assert written([3, 1, 2, 7]) == "1-3,7"


def test_the_command_that_listens_shows_a_token_and_an_account():
    (port, held) = free_ports(2)
    words = [sys.executable, "-m", "postproc", "probe", "udp", "--listen", f"{port}-{held}", "--bind", HERE]
    with ExitStack() as opened:
        used = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        used.bind((HERE, held))
        process = opened.enter_context(
            subprocess.Popen([*words, "--lang", "en"], stdout=subprocess.PIPE, text=True)
        )
        first, second = process.stdout.readline(), process.stdout.readline()
        token = first.split()[-1]
        used.settimeout(5)
        used.sendto(packed(Datagram(ASK, bytes(8), port), token), (HERE, port))
        answer = parsed(used.recv(SIZE + 1), token)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=10)[0]
    assert first.startswith(f"listens at UDP {port} of {HERE} for 600 s; token: ")
    assert second == f"in use, and left out: {held}\n"
    assert answer.seen_port == held
    assert rest == "1 questions, 1 answered, 0 above the limit, 0 datagrams of strangers\n"
