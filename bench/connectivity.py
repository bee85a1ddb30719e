"""ICE checks and the DTLS handshake of leg 1.

In a tenth of the calls each, the server's first check goes unanswered to the client's private address, it is
refused by the client's NAT with ICMP, or the client's first check causes a role conflict
(RFC 8445, section 7.3.1.1).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from bench import ice
from bench.handshake import dtls
from bench.plan import Call, Script
from postproc.wire.ip import Endpoint

CHECKS_AFTER, DTLS_AFTER = 0.020, 0.200  # seconds after the INVITE
PACE, ROUND_TRIP, FLIGHT = 0.020, 0.012, 0.004
CONSENT = 5.0  # seconds between consent checks (RFC 7675, section 5.1)
TRANSMISSIONS = (0.0, 0.5, 1.5)  # of an unanswered request (RFC 8489, section 6.2.1)
IN_VAIN, REFUSED, CONFLICT = 2, 6, 4  # call number modulo ten


class Check(NamedTuple):
    number: int
    time: float
    by_client: bool


def checks(script: Script, call: Call) -> dict[str, dict[str, int]]:
    """Send all checks; return the number of transactions per direction and outcome."""
    outcomes = Counter((check.by_client, _send(script, call, check)) for check in _schedule(call))
    directions = {"client_to_server": True, "server_to_client": False}
    kinds = ("success", "error", "unanswered")
    return {name: {kind: outcomes[way, kind] for kind in kinds} for name, way in directions.items()}


def handshake(script: Script, call: Call) -> dict[str, Any] | None:
    """Send the DTLS handshake, the B2BUA being the client (a=setup:active); return its truth."""
    if not call.plan.checks:
        return None
    datagrams = dtls(call.server_certificate, call.client_certificate, call.rng.bytes)
    for number, (by_dtls_client, datagram) in enumerate(datagrams):
        ends = call.server_media, call.client_media
        src, dst = ends if by_dtls_client else ends[::-1]
        script.wire.udp(call.plan.start + DTLS_AFTER + number * FLIGHT, src, dst, datagram)
    return {"state": "complete", "client": "{}:{}".format(*call.server_media)}


def _schedule(call: Call) -> Iterator[Check]:
    """Yield the checks of both sides in turn: a few at the beginning, then one every CONSENT s."""
    if not call.plan.checks:
        return
    begin = call.plan.start + CHECKS_AFTER
    times = [begin + number * PACE for number in range(call.plan.checks)]
    if call.plan.media:
        times += [begin + CONSENT * turn for turn in range(1, 1 + int((call.plan.end - begin) // CONSENT))]
    for number, time in enumerate(times):
        yield Check(number, time, by_client=True)
        yield Check(number, time + PACE / 2, by_client=False)


def _send(script: Script, call: Call, check: Check) -> str:
    """Send one transaction; return its outcome."""
    kind = call.plan.number % 10 if check.number == 0 else None
    request = _request(call, check)
    src, dst = _ends(call, check.by_client)
    if not check.by_client and kind == IN_VAIN:
        return _in_vain(script, call, check, request)
    script.wire.udp(check.time, src, dst, request[1])
    if not check.by_client and kind == REFUSED:
        script.wire.port_unreachable(check.time + ROUND_TRIP, src, dst, request[1])
        return "unanswered"
    password = (call.server if check.by_client else call.client).password
    conflict = check.by_client and kind == CONFLICT
    answer = ice.role_conflict(request[0], password) if conflict else ice.success(request[0], src, password)
    script.wire.udp(check.time + ROUND_TRIP, dst, src, answer)
    return "error" if conflict else "success"


def _in_vain(script: Script, call: Call, check: Check, request: tuple[bytes, bytes]) -> str:
    private = call.client.candidates[0]
    for after in TRANSMISSIONS:
        where = Endpoint(private.addr, private.port)
        script.wire.udp(check.time + after, call.server_media, where, request[1])
    return "unanswered"


def _request(call: Call, check: Check) -> tuple[bytes, bytes]:
    """Return transaction ID and request; the client is controlling and nominates with its second check."""
    sender, receiver = (call.client, call.server) if check.by_client else (call.server, call.client)
    transaction = call.rng.bytes(12)
    username = f"{receiver.ufrag}:{sender.ufrag}"
    nominate = check.by_client and check.number == 1
    return transaction, ice.check(transaction, username, receiver.password, check.by_client, nominate)


def _ends(call: Call, by_client: bool) -> tuple[Endpoint, Endpoint]:
    ends = call.client_media, call.server_media
    return ends if by_client else ends[::-1]
