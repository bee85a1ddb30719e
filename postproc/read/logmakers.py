"""Recognise logs of programs other than FreeSWITCH by their first lines, to report that they are not read.

A program is recognised by what only it writes, after any prefix of journald, syslog or docker. Any other log
is recognised by lines that begin with a time, or by lines of JSON with a time and a message.
"""

import re

CHANCE = 2  # lines that begin with a time from which on a text is a log: one occurs in any text
MAKERS = tuple(
    (name, re.compile(words, re.MULTILINE))
    for name, words in (
        (
            "Asterisk",
            rb"\b(?:VERBOSE|NOTICE|WARNING|ERROR|DEBUG|SECURITY|DTMF)\[\d+\](?:\[C-[0-9a-f]+\])?:?"
            rb" [\w./-]+\.c\b"
            rb"|<--- (?:SIP read from|(?:Reliably )?Transmitting|Received SIP)[ (]"
            rb"|\b(?:Got|Sent)  ?(?:RTP|RTCP|DTLS|STUN)(?: DTMF)? (?:packet|P2P packet)"
            rb"|\bRetransmitting #\d+ \(|^\w*\*CLI>",
        ),
        (
            "rtpengine",
            rb"\brtpengine\[\d+\]:|\[(?:control|srtp|ice|crypto|core|rtcp)\] [A-Z]"
            rb"|\bReceived command '\w+' from",
        ),
        (
            "Kamailio/OpenSIPS",
            rb"\b(?:kamailio|opensips|openser|osipsconfig)(?:\[\d+\])?:"
            rb"|\b(?:DBG|DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT): ?"
            rb"(?:<script>|<?core>?|[a-z_]+ \[[\w.]+:\d+\]):"
            rb"|\b(?:DBG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT):[a-z_]+:[a-z_]+:|\[\d+\] xlog\b",
        ),
        (
            "coturn",
            rb"\bturnserver(?:\[\d+\])?:|: session \d{12,}: "
            rb"|\bincoming packet (?:ALLOCATE|CREATE_PERMISSION|BINDING|REFRESH)"
            rb"|\bTURN server (?:allocation|listener)|\bRelay ports initialization",
        ),
        ("Janus", rb"\[(?:WARN|ERR|FATAL)\] \[[\w./-]+\.c:\w+:\d+\]|\[janus\.plugin\.\w+"),
        (
            "a browser's console",
            rb"\bJsSIP:\w+|\bsip\.(?:UserAgent|Transport|Invite\w*|invite-dialog|user-agent\w*)\b"
            rb"|\babout:webrtc\b|\bchrome://webrtc"
            rb"|\bRTCPeerConnection\b|\bUncaught \(in promise\)|\bnet::ERR_\w+",
        ),
    )
)
TIME = re.compile(
    rb"^[\[\s(<>]{0,4}(?:<\d{1,3}>)?(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d"
    rb"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d\d[./]\d\d[./]\d{2,4},? \d\d:\d\d:\d\d|\d\d:\d\d:\d\d[.,]\d)",
    re.MULTILINE,
)
IN_JSON = re.compile(
    rb'^\{(?=[^\n]{0,4000}"(?:@?timestamp|time|ts|date|__REALTIME_TIMESTAMP)"\s*:)'
    rb'[^\n]{0,4000}"(?:log|MESSAGE|message|msg)"\s*:',
    re.MULTILINE,
)


def maker(head: bytes) -> str | None:
    """Return the program whose log begins like this; "" if it is an unknown one's, None if it is no log."""
    for name, words in MAKERS:
        if words.search(head):
            return name
    return "" if len(TIME.findall(head)) >= CHANCE or IN_JSON.search(head) else None
