"""Two calls that only the server's log explains: no socket for its media, and stale keys."""

from datetime import UTC, datetime, timedelta

from pcaps.make.builders import sdp
from pcaps.make.builders.plain import Leg, PlainCall, answer, begin
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "FreeSWITCH has no file descriptor left for a call's media and refuses it with 502; and a desk phone"
    " changes its SRTP key with a re-INVITE, after which the server cannot decrypt it any more"
)
AGENT = "FreeSWITCH-mod_sofia/1.10.11-release"
KEY = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}"
OLD, NEW = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR", "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
OUT_OF_ORDER = ('Reason: Q.850;cause=27;text="DESTINATION_OUT_OF_ORDER"',)


def make() -> Files:
    socket, first, socket_log = _socket()
    rekeyed, second, keys_log = _rekeyed()
    return product(
        "server_logs",
        {"server_logs_socket.pcapng": pcapng(socket), "server_logs_rekeyed.pcapng": pcapng(rekeyed)},
        WHAT,
        [first, second | {"call": 2}],
        view="server",
    ) | {"server_logs_socket.freeswitch.log": socket_log, "server_logs_rekeyed.freeswitch.log": keys_log}


class _Log:
    """The lines of one channel; times are s after the recording's start, as for packets."""

    def __init__(self, begin: str, leg: Leg, number: str) -> None:
        self._begin, self._uuid = datetime.fromisoformat(begin).replace(tzinfo=UTC), leg.seed.uuid()
        self._lines: list[str] = []
        self._channel = f"sofia/external/{number}@{leg.ends['uac'][0]}"
        came_from = f"{leg.ends['uac'][0]}:{leg.ends['uac'][1]}"
        self.add(0.102, "NOTICE", "switch_channel.c:1142", f"New Channel {self._channel} [{self._uuid}]")
        self.add(
            0.102,
            "INFO",
            "sofia.c:10460",
            f"{self._channel} receiving invite from {came_from} version: 1.10.11-release 64bit call-id: "
            f"{leg.dialog.call_id}",
        )

    def add(self, at: float, level: str, source: str, text: str) -> None:
        time = f"{self._begin + timedelta(seconds=at):%Y-%m-%d %H:%M:%S.%f}"
        self._lines.append(f"{self._uuid} {time} 98.13% [{level}] {source} {text}")

    def hang_up(self, at: float, source: str, state: str, why: str) -> bytes:
        self.add(at, "NOTICE", source, f"Hangup {self._channel} [{state}] [{why}]")
        return ("\n".join(self._lines) + "\n").encode()


def _socket() -> tuple[Recording, dict[str, object], bytes]:
    begin_at = "2026-12-07T12:00:00"
    recording = Recording(begin_at)
    call = PlainCall(recording, "server_logs_socket", callee="+4940339944")
    trunk, server = ("198.51.100.33", 31044), ("203.0.113.53", 5080)
    leg = call.leg((trunk[0], 5060), server, (trunk, (server[0], 0)), ("AudioCodes SBC/7.40A", AGENT))
    log = _Log(begin_at, leg, "+493022004455")
    begin(leg, 0.1, sdp.audio("-", trunk, leg.session["uac"], formats=(8, 101)))
    log.add(0.131, "ERR", "switch_core_media.c:8790", "AUDIO RTP REPORTS ERROR: [Socket Error!]")
    leg.dialog.refuse(0.142, 502, extra=OUT_OF_ORDER)
    return (
        recording,
        call.truth(),
        log.hang_up(0.133, "switch_core_media.c:8791", "CS_CONSUME_MEDIA", "DESTINATION_OUT_OF_ORDER"),
    )


def _rekeyed() -> tuple[Recording, dict[str, object], bytes]:
    begin_at = "2026-12-07T13:00:00"
    recording = Recording(begin_at)
    call = PlainCall(recording, "server_logs_rekeyed", callee="7001")
    phone, server = ("192.0.2.72", 16412), ("192.0.2.21", 27310)
    leg = call.leg((phone[0], 5061), (server[0], 5060), (phone, server), ("PolyEdge-E350-UA/8.1.2", AGENT))
    log = _Log(begin_at, leg, "2215")

    def secured(end: str, key: str, owner: str) -> str:
        return sdp.audio(
            owner,
            leg.media[end],
            leg.session[end],
            profile="RTP/SAVP",
            formats=(9, 101),
            attributes=(KEY.format(key),),
        )

    begin(leg, 0.1, secured("uac", OLD, "-"))
    answer(leg, 0.9, secured("uas", OLD[::-1], "FreeSWITCH"))
    leg.rtp("uac", 0.92, 1.9, secured=True)
    leg.rtp("uas", 0.93, 6.0, secured=True)
    begin(leg, 1.9, secured("uac", NEW, "-"))
    answer(leg, 1.95, secured("uas", OLD[::-1], "FreeSWITCH"))
    leg.rtp("uac", 1.98, 6.0, secured=True)
    for nth in range(9):
        text = f"SRTP audio unprotect failed with code 7 (auth check failed) {25 * nth}"
        log.add(2.0 + 0.5 * nth, "WARNING", "switch_rtp.c:5840", text)
    leg.dialog.bye(6.1)
    return recording, call.truth(), log.hang_up(6.11, "sofia.c:1062", "CS_EXECUTE", "NORMAL_CLEARING")
