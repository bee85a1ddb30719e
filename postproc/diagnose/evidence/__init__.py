"""One call as the rules see it: its rows, and queries on them that several rules share.

case         the call's rows of every table, its legs, the products in it; ``evidence`` from rows
paths        connectivity checks per direction, sent and answered; DTLS handshakes, who has to start
media        RTP per leg and direction, audio both ways, legs that should have audio, whether a leg connected
complaints   media that an end reports missing when it hangs up
silences     media that stopped while it was due, per phase and side; the verdict of a phase
holds        holds that outlast the attempt to end them
candidates   candidates a side offers, public and private ones; NAT mappings
negotiation  offers and answers of a leg with their messages
signalling   how the call was refused, codecs offered and answered, ends identified by markers
server       the server's addresses, log lines and access list decisions
transit      packets lost between two places, and how certain that is
icmp         ICMP errors of a call
web          TLS and HTTP of the application: who rejected a certificate and why
view         what the captures can show: where they end, packets that are missing from them
"""
