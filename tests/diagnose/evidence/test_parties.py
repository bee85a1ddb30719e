"""Which machines are the server's."""

from postproc.diagnose.evidence.server import server_addresses
from tests.builders import APP, GATEWAY, SERVER
from tests.diagnose.scenes import candidate, check, foreign, leg, scene

EMPTY = {"bindings": [], "candidates": []}


def test_the_host_the_legs_share_is_the_servers():
    assert server_addresses(scene(**EMPTY)) == {SERVER}


def test_checks_say_so_by_their_direction():
    case = scene(
        legs=[], bindings=[check(src_addr="10.1.1.1"), check("client_to_server", dst_addr="10.1.1.2")]
    )
    assert server_addresses(case) == {"10.1.1.1", "10.1.1.2"}


def test_the_base_of_its_candidates_is_its_own():
    held = [candidate("server", "203.0.113.9", "documentation", "srflx", related_addr="10.9.9.9")]
    assert server_addresses(scene(candidates=held, bindings=[])) == {SERVER, "10.9.9.9"}


def test_of_a_single_leg_it_is_the_called_end():
    assert server_addresses(scene(base=foreign())) == {"192.0.2.20"}


def test_a_leg_whose_role_nobody_knows_says_nothing():
    unknown = [leg(1, role=None), leg(2, role=None)]
    found = server_addresses(scene(legs=unknown, **EMPTY))
    assert not found & {APP, GATEWAY}
