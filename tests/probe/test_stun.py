"""``postproc probe stun:`` against servers on loopback: honest, silent, refusing and lying ones."""

import json
import select
import socket
import threading
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from postproc.cli import cli
from postproc.probe import stun as probing
from postproc.wire import stun
from postproc.wire.ip import Endpoint

ELSEWHERE = "127.0.0.2"  # the server's other address


def honest(asked, source, _):
    """The address as it is seen."""
    return [answer(asked).add(stun.XOR_MAPPED_ADDRESS, Endpoint(*source))]


def answer(asked, kind=stun.Class.SUCCESS):
    return stun.Message(stun.Method.BINDING, kind, asked.transaction)


@contextmanager
def serving(reply=honest):
    """A STUN server at 127.0.0.1 and 127.0.0.2, two ports each; ``reply`` makes messages or bytes of a request."""
    with ExitStack() as opened:
        sockets, ports = [], []
        while len(ports) < 2:
            first = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            second = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            first.bind(("127.0.0.1", 0))
            try:
                second.bind((ELSEWHERE, first.getsockname()[1]))
            except OSError:
                continue
            sockets += [first, second]
            ports.append(first.getsockname()[1])
        ends, stop = socket.socketpair()
        asked: list[tuple[str, int]] = []

        def answering():
            while True:
                ready, _, _ = select.select([*sockets, ends], [], [])
                if ends in ready:
                    return
                for each in ready:
                    data, source = each.recvfrom(2048)
                    asked.append(each.getsockname())
                    for told in reply(stun.parse(data), source, each.getsockname()):
                        each.sendto(bytes(told), source)

        thread = threading.Thread(target=answering, daemon=True)
        thread.start()
        try:
            yield ports, asked
        finally:
            stop.send(b"x")
            thread.join()
            ends.close()
            stop.close()


def probe(port, *words, host="127.0.0.1"):
    with patch.object(probing, "WAITS", (0.1, 0.2)):
        done = CliRunner().invoke(cli, ["probe", f"stun:{host}:{port}", *words, "--json", "--lang", "en"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), done.stderr


def test_an_honest_server_says_where_one_is_seen():
    with serving() as ((port, _), _):
        results, said = probe(port)
    assert said.startswith(f"will contact 127.0.0.1:{port}, UDP")
    assert [(each["step"], each["verdict"]) for each in results] == [
        ("stun", "ok"),
        ("nat", "ok"),
        ("mapping", "cannot_tell"),
    ]
    facts = results[0]["facts"]
    assert facts["local"] == facts["mapped"] and facts["local"].startswith("127.0.0.1:") and facts["ms"] < 100


def mapping_by(key, alternate=True):
    """A server that sees another port by what ``key`` makes of where it was asked, as behind such a NAT."""

    def reply(asked, _, target):
        seen = Endpoint("203.0.113.9", 40000 + key(target))
        other = Endpoint(ELSEWHERE, reply.ports[1])
        message = answer(asked).add(stun.XOR_MAPPED_ADDRESS, seen)
        return [message.add(stun.OTHER_ADDRESS, other) if alternate else message]

    return reply


@pytest.mark.parametrize(
    ("key", "words", "verdict", "rule", "hosts"),
    [
        (lambda _: 0, ["--mapping"], "ok", None, {"127.0.0.1", ELSEWHERE}),
        (lambda _: 0, [], "cannot_tell", None, {"127.0.0.1"}),
        (
            lambda target: target[0] == ELSEWHERE,
            ["--mapping"],
            "fault",
            "symmetric-nat",
            {"127.0.0.1", ELSEWHERE},
        ),
        (lambda target: target[1] % 1000, [], "fault", "symmetric-nat", {"127.0.0.1"}),
    ],
)
def test_how_a_nat_maps_and_who_is_asked(key, words, verdict, rule, hosts):
    reply = mapping_by(key)
    with serving(reply) as (ports, asked):
        reply.ports = ports
        results, said = probe(ports[0], *words)
    assert (results[-1]["step"], results[-1]["verdict"], results[-1]["rule"]) == ("mapping", verdict, rule)
    assert {host for host, _ in asked} == hosts
    assert (f"will contact {ELSEWHERE}:" in said) is (ELSEWHERE in hosts)
    assert results[1]["rule"] == "port-not-preserved"


def garbage_first(asked, source, target):
    stray = stun.Message(stun.Method.BINDING, stun.Class.SUCCESS, bytes(12)).add(
        stun.XOR_MAPPED_ADDRESS, Endpoint("198.51.100.1", 9)
    )
    return [b"", b"\xff" * 600, stray, asked, *honest(asked, source, target)]


def test_what_answers_nothing_that_was_asked_is_left_alone():
    with serving(garbage_first) as ((port, _), _):
        results, _ = probe(port)
    assert results[0]["facts"] == {"count": 4} and results[0]["verdict"] == "note"
    assert results[1]["facts"]["mapped"] == results[1]["facts"]["local"]


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (lambda *_: [], "does not answer 2 Binding Requests"),
        (lambda *_: [b"\0" * 20], "does not answer"),
        (
            lambda asked, *_: [
                answer(asked, stun.Class.ERROR).add(stun.ERROR_CODE, stun.ErrorCode(401, "No\x1b[31m"))
            ],
            "error 401 No\\x1b[31m",
        ),
        (lambda asked, *_: [answer(asked)], "without a mapped address"),
        (
            lambda asked, *_: [answer(asked).add(stun.XOR_MAPPED_ADDRESS, Endpoint("0.0.0.0", 5))],
            "not to be believed",
        ),
        (
            lambda asked, *_: [answer(asked).add(stun.XOR_MAPPED_ADDRESS, Endpoint("224.0.0.1", 5))],
            "not to be believed",
        ),
        (
            lambda asked, *_: [answer(asked).add(stun.XOR_MAPPED_ADDRESS, Endpoint("203.0.113.1", 0))],
            "not to be believed",
        ),
    ],
)
def test_silent_refusing_and_lying_servers(reply, word):
    with serving(reply) as ((port, _), _):
        results, _ = probe(port)
    (found,) = [each for each in results if each["step"] == "stun" and each["verdict"] != "note"]
    assert found["verdict"] == "fault" and word in found["said"]


def test_an_address_that_was_rewritten_on_the_way_is_seen():
    def rewritten(asked, source, target):
        return [
            each.add(stun.MAPPED_ADDRESS, Endpoint("192.168.7.7", 7))
            for each in honest(asked, source, target)
        ]

    with serving(rewritten) as ((port, _), _):
        results, _ = probe(port)
    assert "sip-alg" in [each["rule"] for each in results]


def test_a_server_on_the_net_cannot_send_one_into_the_house():
    """OTHER-ADDRESS of a server elsewhere that names an address in here is not asked, whoever allows it."""
    assert not probing._askable(Endpoint("192.168.1.1", 3478), Endpoint("203.0.113.1", 3478))
    assert not probing._askable(Endpoint("127.0.0.1", 3478), Endpoint("192.168.1.5", 3478))
    assert probing._askable(Endpoint("203.0.113.2", 3479), Endpoint("203.0.113.1", 3478))


def test_servers_as_people_write_them():
    assert probing.server("stun:stun.example.com") == ("stun.example.com", 3478)
    assert probing.server("stun:192.0.2.1:3479") == ("192.0.2.1", 3479)
    assert probing.server("stun:[2001:db8::1]:3479") == ("2001:db8::1", 3479)
    assert probing.server("stun:[2001:db8::1]") == ("2001:db8::1", 3478)
