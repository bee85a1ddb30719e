"""A FreeSWITCH log with canaries in every kind of line that holds somebody's words."""

from tests.canaries import sip
from tests.canaries.seeds import Canaries

UUID = "de7a5318-c28d-4fd3-a268-fcd10c7294ec"
HEAD = "2026-11-22 22:38:49.494894 93.33% [DEBUG] switch_core_media.c:4211"


def log(canaries: Canaries) -> str:
    """Each line is one that FreeSWITCH, or a module of it, writes."""
    word, number = canaries.word, canaries.number
    channel = f"sofia/{word('profile')}/{number('channel')}@{canaries.addr('channel')}:4901"
    said = [
        f"{channel} receiving invite from {canaries.addr('invite')}:5060 version: 1.10.12 call-id: {word('call id')}",
        f"Processing {word('caller')} {word('caller')} <{canaries.extension('caller')}>->{number('called')} in context "
        f"{word('context')}",
        f"New Channel {channel} [{UUID}]",
        f"Hangup {channel} [CS_EXECUTE] [NORMAL_CLEARING]",
        f'IP {canaries.addr("acl")} Rejected by acl "{word("acl")}"',
        f"Save audio Candidate cid: 1 proto: udp type: host addr: {canaries.addr('candidate')}:5",
        f"Activating RTP audio ICE: {word('ufrag')}:{word('ufrag')} {canaries.addr('ice')}:5",
        f"Stun Failed! {canaries.host('stun')} [{word('stun reason')}]",
        f"variable_{word('variable')}: [{word('value')}]",
        f"sip_user_agent: [{word('agent')} Phone ({word('agent comment')})]",
        f"Caller-Caller-ID-Name: {word('event')}",
        f"SET {channel} [{word('set')}]=[{word('set value')}]",
        f"EXPORT (export_vars) [{word('export')}]=[{word('value')}]",
        f"Regex (PASS) [{word('extension')}] destination_number({canaries.extension('regex')}) =~ /^({word('regex')})$/",
        f"parsing [{word('dialplan')}->{word('dialplan')}] continue=false",
        f"Action bridge(user/{word('bridge')}@{word('x')})",
        f"Action playback(/home/{word('home')}/{word('folder')}/{word('file')}.wav)",
        f"C:\\Users\\{word('windows')}\\x.pcap",
        f"File [/var/lib/{word('path')}/{word('path')}.xml] not found",
        f"user {canaries.extension('user')} is busy",
        f"{word('anybody')} called {canaries.extension('free number')} from {word('town')}",
        f"password={word('password')}",
        f"connect to {canaries.addr6('IPv6')} or {canaries.host('host')} as {word('login')}",
        f"mail {word('m')}@{word('m')}.de",
        f"AUDIO RTP [{channel}] {canaries.addr('rtp')} port 5 -> {canaries.addr('rtp')} port 6 codec: 8 ms: 20",
        f"audio RTP REPORTS ERROR: [{word('reason')}]",
        f"ODBC: {word('database')} said {word('database')}",
        f"mac {canaries.mac('mac').hex(':')}",
        f"Ext: {' '.join(canaries.number('grouped')[n : n + 2] for n in range(0, 12, 2))}",
        f"reason: {canaries.number('pointed')[:3]}.{word('pointed')}",
    ]
    lines = [f"{UUID} {HEAD} {text}" for text in said] + said
    lines += [f"{UUID} {line}" for line in sip.description(canaries).split("\r\n")]
    for text in sip.messages(canaries, ""):
        lines += [
            f"   {line}" for line in text.replace(b"\0", b"").decode(errors="surrogateescape").split("\r\n")
        ]
    grouped = [canary for canary, place in canaries.words.items() if place in ("grouped", "pointed")]
    for canary in grouped:  # it stands there in another form than a search finds
        del canaries.words[canary]
    return "\n".join(lines) + "\n"
