"""Lists of a file beside those of the deployment."""

from dataclasses import replace

from postproc.model.acl import built
from postproc.model.deployment import GENERIC
from postproc.read.access import Access

OLD = replace(GENERIC, lists={"a": built("a", False), "b": built("b", False)}, candidate_acl=("a",))


def test_a_file_s_lists_go_before_those_of_the_deployment():
    found = Access({"b": built("b", True)}).into(OLD)
    assert {name: listed.allow for name, listed in found.lists.items()} == {"a": False, "b": True}
    assert (found.candidate_acl, found.signalling_acl) == (("a",), ())


def test_what_the_file_applies_is_applied():
    found = Access({}, ("wan.auto",), ("b",)).into(OLD)
    assert (found.candidate_acl, found.signalling_acl) == (("wan.auto",), ("b",))
