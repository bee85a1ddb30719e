"""One call from INVITE to BYE (signalling, checks, DTLS, media) and its truth."""

from typing import Any

from bench import media
from bench.connectivity import checks, handshake
from bench.media import OPUS, PCMA, Stream
from bench.plan import Call, Plan, Script, cast
from bench.signalling import signal
from postproc.wire.ip import Endpoint

STATUS = {"answered": 200, "busy": 486, "cancelled": 487}
RTCP_INTERVAL = 5.0  # seconds
MEDIA_AFTER, MEDIA_BEFORE = 0.02, 0.1  # seconds after the answer, before the BYE
LAGS = (0.0, 0.003, 0.001, 0.005)  # seconds: the streams do not begin together


def play(script: Script, plan: Plan, seed: int, server_certificate: bytes) -> None:
    """Put one call on the wire."""
    call = cast(plan, seed, server_certificate)
    truth = _identity(call)
    truth["sip_messages"] = signal(script, call)
    truth["bindings"] = checks(script, call)
    truth["dtls"] = handshake(script, call)
    truth["streams"] = _media(script, call) if plan.media else []
    script.truth.append(truth)


def _identity(call: Call) -> dict[str, Any]:
    status = STATUS[call.plan.outcome]
    legs = [{"call_id": each.call_id, "final_status": status} for each in (call.inbound, call.outbound)]
    ufrags = {"client": call.client.ufrag, "server": call.server.ufrag}
    return {"call": call.plan.number + 1, "legs": legs, "ufrags": ufrags}


def _media(script: Script, call: Call) -> list[dict[str, Any]]:
    streams = _streams(call)
    truths = []
    for stream in streams:
        batch, truth = media.packets(stream, call.rng)
        script.batches.append(batch)
        truths.append(truth)
    for number, opposite in enumerate((1, 0, 3, 2)):
        _control(script, call, streams[number], streams[opposite])
    return truths


def _streams(call: Call) -> list[Stream]:
    """Return four streams: both directions on leg 1, then on leg 2."""
    leg1 = call.client_media, call.server_media
    leg2 = call.trunk_media, call.carrier_media
    ends = [(leg1, OPUS), (leg1[::-1], OPUS), (leg2, PCMA), (leg2[::-1], PCMA)]
    ssrcs = [int(ssrc) for ssrc in call.rng.choice(2**32, 4, replace=False)]
    start = call.plan.answer + MEDIA_AFTER
    seconds = call.plan.talk - MEDIA_AFTER - MEDIA_BEFORE
    return [
        Stream(*way, ssrc, codec, start + lag, seconds)
        for (way, codec), ssrc, lag in zip(ends, ssrcs, LAGS, strict=True)
    ]


def _control(script: Script, call: Call, stream: Stream, other: Stream) -> None:
    """Send RTCP every five seconds: SRTCP on the media port (RFC 5761), plain RTCP on the next one."""
    step = 0 if stream.codec.secured else 1
    src, dst = (Endpoint(end.addr, end.port + step) for end in (stream.src, stream.dst))
    for turn in range(1, 1 + int(stream.seconds // RTCP_INTERVAL)):
        time = stream.start + turn * RTCP_INTERVAL
        script.wire.udp(time, src, dst, media.rtcp(stream, other, time, call.rng.bytes))
