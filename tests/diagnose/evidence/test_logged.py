"""Lines of the server's log about a call."""

from postproc.diagnose.evidence.server import LONGEST, logged, quoted
from tests.diagnose.refusals import log
from tests.diagnose.scenes import scene

REJECTED = 'IP 192.0.2.1 Rejected by acl "lan"'


def test_lines_of_a_kind_with_their_facts():
    case = scene(log_events=[log("acl", REJECTED), log("media", "CODEC NEGOTIATION ERROR")])
    ((row, facts),) = logged(case, "acl")
    assert (row.frame, facts) == (7, {"verdict": "Rejected", "addr": "192.0.2.1", "list": "lan"})


def test_lines_of_one_leg():
    case = scene(log_events=[log("acl", REJECTED), log("acl", REJECTED, call_id="b@x")])
    assert len(logged(case, "acl")) == 2
    assert len(logged(case, "acl", call_id="b@x")) == 1


def test_a_line_that_tells_nothing_is_left_out():
    assert logged(scene(log_events=[log("acl", "something else"), log("acl", None)]), "acl") == []


def test_quotes_name_log_and_line_and_are_short():
    line = f'IP 192.0.2.1 Rejected by acl "{"x" * 500}"'
    (told,) = quoted(logged(scene(log_events=[log("acl", line)]), "acl"))
    assert told.startswith("fs.log:7 IP 192.0.2.1")
    assert len(told) == len("fs.log:7 ") + LONGEST
