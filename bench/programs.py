"""The programs that are measured, and their command lines.

The baselines are tshark with its defaults. Only ``tshark -T ek`` on many calls gets two
preferences that we set, too: without them tshark records every Call-ID that used a
media port before, and takes hours.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.captures import Spec

OURS, BASELINE_A, BASELINE_B, EK = (
    "postproc run --no-report",
    "tshark -Y (A)",
    "tshark -T fields (B)",
    "tshark -T ek",
)
AGAIN = "  again, unchanged"  # into the same folder: the results are reused
FULL, FULL_AGAIN = "postproc run", "  again, with report, unchanged"  # with report and notebooks
ONE_PROCESS, TWO_PROCESSES = "postproc run --no-report -j 1", "postproc run --no-report -j 2"
WITHOUT = "postproc run, without foreign TCP"  # the same calls, measured in the same minute
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
    """A program; ``command`` returns its arguments for a capture and an empty output folder."""

    name: str
    executable: str
    command: Callable[[Path, Path], list[str]]
    scenarios: tuple[str, ...] = ("rtp", "sip")
    one_link_type: bool = False  # cannot read two link types: gets loopback as Ethernet
    without_foreign: bool = False  # reads the capture without unrelated TCP; measured only if there is some
    only_alone: bool = False  # measured only on captures without unrelated TCP
    again: str | None = None  # name of its second run into the same folder, if that is measured
    checked: bool = False  # its results are compared with the truth

    @property
    def installed(self) -> bool:
        return shutil.which(self.executable) is not None

    def asked(self, spec: Spec) -> bool:
        """Return whether to measure this program on such a capture."""
        if spec.scenario not in self.scenarios or (self.only_alone and spec.foreign):
            return False
        return bool(spec.foreign or not self.without_foreign)

    def spec(self, spec: Spec) -> Spec:
        """Return the variant of the capture that this program reads."""
        foreign = 0 if self.without_foreign else spec.foreign
        return replace(spec, one_link_type=self.one_link_type, foreign=foreign)


def _ours(*options: str, jobs: int = 1) -> Callable[[Path, Path], list[str]]:
    command = [sys.executable, "-m", "postproc", "run"]
    return lambda capture, out: [*command, str(capture), "-o", str(out), "-j", str(jobs), *options]


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
    Program(
        OURS, sys.executable, _ours("--no-report"), again=AGAIN, checked=True
    ),  # tshark writes none either
    Program(FULL, sys.executable, _ours(), only_alone=True, again=FULL_AGAIN),
    Program(WITHOUT, sys.executable, _ours("--no-report"), without_foreign=True),
    Program(ONE_PROCESS, sys.executable, _ours("--no-report"), scenarios=("folder",), checked=True),
    Program(TWO_PROCESSES, sys.executable, _ours("--no-report", jobs=2), scenarios=("folder",), checked=True),
    Program(BASELINE_A, "tshark", _tshark(), scenarios=("rtp",)),
    Program(BASELINE_B, "tshark", _fields(), scenarios=("rtp",)),
    Program(EK, "tshark", _tshark(*PREFERENCES, "-T", "ek"), scenarios=("sip",)),
    Program("capinfos -c", "capinfos", _plain("capinfos", "-c")),
    Program("sngrep", "sngrep", _plain("sngrep", "-r", "-N", "-q", "-I"), one_link_type=True),
    Program("sip-doctor", "sip-doctor", SIP_DOCTOR, one_link_type=True),
    Program("sip-ladder", "sip-ladder", SIP_LADDER, one_link_type=True),
)
