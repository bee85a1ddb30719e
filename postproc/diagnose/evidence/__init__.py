"""One call as the rules see it: its rows, and what several rules ask of them.

case         the call's rows of every table, its legs, the products in it; ``evidence`` from rows
view         what the captures can show: where they end, packets that are missing from them
paths        connectivity checks per direction, sent and answered; DTLS handshakes, who has to start
candidates   candidates a side offers, public and private ones; NAT mappings
media        RTP per leg and direction, audio both ways, legs that should have audio, whether a leg connected
hops         what a relay passes on of a stream, and what goes where nobody is
reports      what receivers report of streams (RTCP)
silences     media that stopped while it was due, per phase and side; the verdict of a phase
holds        holds that outlast the attempt to end them
fax          fax that was agreed on, and its packets
complaints   media that an end reports missing when it hangs up
negotiation  offers and answers of a leg with their messages
answers      what an answer lacks of what its offer demands
signalling   how the call was refused, codecs offered and answered, ends identified by markers
q850         causes in Reason headers
timers       SIP's timers: what is sent again unheard, and who gives up
server       the server's addresses, log lines and access list decisions
transit      packets lost between two places, and how certain that is
icmp         ICMP errors of a call
web          TLS and HTTP of the application: who rejected a certificate and why
websockets   WebSockets that are refused, closed when idle or cut
zrtp         sides that want keys by ZRTP
wordless     packets in which nobody is heard

Parts of rules that show many error pictures, with their sentences:

absent_answers                             answer-mismatch
browsers, credentials, own_failures, redirects  call-rejected
byes, in_dialog, proxy_ends, unanswered    no-response
declined, packing, unnamed                 no-common-codec
hold_findings, meanwhile                   media-stopped
placeholder, received, soundless           one-way-media
unread, unreturned, wordless               one-way-media
unsent_sections                            no-media
altered_keys, encryption                   srtp-not-decrypted
"""
