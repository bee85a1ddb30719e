-- What runs through a TURN relay, as it is beyond it: between the relayed address and the peer (RFC 8656)
--
-- Between a TURN client and its server the wire shows neither. The answer to Allocate names the address that
-- the relay gives the client, the candidate it offers; ChannelBind and every indication name the peer.

local capture = require("capture")
local text = require("text")

local unordered = text.unordered

local turn = { ALLOCATE = 3, SEND = 6, DATA = 7, CHANNEL_BIND = 9 } -- methods

-- Learns what a STUN message says of the TURN client and server between which it is.
function turn.learn(m, src, dst)
    local granted = m.method == turn.ALLOCATE and m.kind == "success" and m.relay
    if not granted and not m.peer then return end
    local key = unordered(src, dst)
    local known = capture.turn[key]
    if not known then
        known = { client = (granted or m.method == turn.DATA) and dst or src, channels = {} }
        capture.turn[key] = known
    end
    known.relay = granted or known.relay
    known.peer = m.peer or known.peer
    if m.method == turn.CHANNEL_BIND and m.channel and m.peer then known.channels[m.channel] = m.peer end
end

-- Returns sender and receiver beyond the relay of what goes from one to the other on the wire, to or from a
-- peer or in a channel; nothing where the wire tells of no allocation.
function turn.beyond(src, dst, peer, channel)
    local known = capture.turn[unordered(src, dst)]
    if not known then return nil end
    local relay = known.relay or known.client
    peer = peer or known.channels[channel] or known.peer
    if src == known.client then return relay, peer or dst end
    return peer or src, relay
end

return turn
