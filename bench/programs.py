"""The programs that are measured, and how each is called.

The baselines are tshark as it comes. Only ``tshark -T ek`` on many calls has two
preferences set as we set them: without, tshark notes every Call-ID that used a
media port before, and takes hours.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.captures import Spec

OURS, BASELINE_A, BASELINE_B, EK = "postproc run", "tshark -Y (A)", "tshark -T fields (B)", "tshark -T ek"
AGAIN = "postproc run, again"  # into the same folder: the capture is not read, all else done anew
WITHOUT = "postproc run, without foreign TCP"  # the same calls, in the same minute
CORRELATING = "  correlating alone"  # CPU only
SIGNALLING = "sip || stun || dtls || icmp"
PREFERENCES = ["-o", "udp.try_heuristic_first:TRUE", "-o", "sdp.establish_conversation:FALSE"]
FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "frame.interface_id",
    "ip.src",
    "ip.dst",
    "udp.srcport",
    "udp.dstport",
    "tcp.srcport",
    "tcp.dstport",
    "sip.Method",
    "sip.Status-Code",
    "sip.Call-ID",
    "sip.CSeq",
    "sip.from.user",
    "sip.to.user",
    "sdp.media",
    "sdp.media_attr",
    "stun.type",
    "stun.id",
    "stun.att.username",
    "stun.att.ipv4",
    "dtls.handshake.type",
    "icmp.code",
)


@dataclass(frozen=True)
class Program:
    """``command`` makes the arguments from a capture and an empty folder for output."""

    name: str
    executable: str
    command: Callable[[Path, Path], list[str]]
    scenarios: tuple[str, ...] = ("rtp", "sip")
    one_link_type: bool = False  # cannot read a file with two: gets loopback as Ethernet
    without_foreign: bool = False  # what it is given; measured only where there is some

    @property
    def installed(self) -> bool:
        return shutil.which(self.executable) is not None

    def asked(self, spec: Spec) -> bool:
        """Whether this program on such a capture says anything."""
        return spec.scenario in self.scenarios and bool(spec.foreign or not self.without_foreign)

    def spec(self, spec: Spec) -> Spec:
        """The form of the capture that this program is to read."""
        foreign = 0 if self.without_foreign else spec.foreign
        return replace(spec, one_link_type=self.one_link_type, foreign=foreign)


def _ours(capture: Path, out: Path) -> list[str]:
    command = [sys.executable, "-m", "postproc", "run", str(capture), "-o", str(out), "-j", "1"]
    return [*command, "--no-report"]  # tshark writes none either


def _tshark(*arguments: str) -> Callable[[Path, Path], list[str]]:
    return lambda capture, _: ["tshark", "-n", "-r", str(capture), "-Y", SIGNALLING, *arguments]


def _fields() -> Callable[[Path, Path], list[str]]:
    columns = [argument for name in FIELDS for argument in ("-e", name)]
    return _tshark("-T", "fields", *columns)


def _plain(*arguments: str) -> Callable[[Path, Path], list[str]]:
    return lambda capture, _: [*arguments, str(capture)]


SIP_DOCTOR = _plain("sip-doctor", "read", "--brief", "--no-flow")
SIP_LADDER = _plain("sip-ladder", "--list", "--ports", "4900,4901,5060")
PROGRAMS = (
    Program(OURS, sys.executable, _ours),
    Program(WITHOUT, sys.executable, _ours, without_foreign=True),
    Program(BASELINE_A, "tshark", _tshark(), scenarios=("rtp",)),
    Program(BASELINE_B, "tshark", _fields(), scenarios=("rtp",)),
    Program(EK, "tshark", _tshark(*PREFERENCES, "-T", "ek"), scenarios=("sip",)),
    Program("capinfos -c", "capinfos", _plain("capinfos", "-c")),
    Program("sngrep", "sngrep", _plain("sngrep", "-r", "-N", "-q", "-I"), one_link_type=True),
    Program("sip-doctor", "sip-doctor", SIP_DOCTOR, one_link_type=True),
    Program("sip-ladder", "sip-ladder", SIP_LADDER, one_link_type=True),
)
