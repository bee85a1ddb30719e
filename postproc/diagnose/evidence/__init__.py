"""One call as the rules see it: its rows, and what several rules ask of them.

case        the call's rows of every table, its legs, the products in it; ``evidence`` from rows
paths       connectivity checks per direction, sent and answered; DTLS handshakes, who was to begin
media       RTP per leg and direction, audio both ways, legs that should have audio, whether a leg connected
silences    media that stopped while it was due, per phase and side; the verdict of a phase
candidates  candidates a side offers, public and private ones; mappings of NATs
signalling  how the call was refused, codecs offered and answered, ends that the deployment's markers name
server      the server's addresses, its log's lines, its access lists' decisions
web         the way in: what TLS and HTTP of the application show, who turned away and why
view        what the captures can show: where they end, packets that are missing from them
"""
