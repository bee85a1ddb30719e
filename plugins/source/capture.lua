-- What was learnt of the file that is open, frame by frame: facts only, what they mean is worked out
-- of them (knowledge)

local huge = math.huge

local capture = {}

local function nothing()
    return {
        -- The record of each frame that is not plain media, by number.
        frames = {},
        -- SIP messages by Call-ID, STUN Binding transactions by id, both also in the order they came;
        -- connectivity checks and ICMP errors by time.
        dialogs = { list = {} }, transactions = { list = {} }, checks = {}, icmp = {},
        -- DTLS handshakes by pair of places, and all of them.
        dtls = {}, segments = {},
        -- Flows of media by addresses and ports, those relayed by TURN apart; RTP streams by pair of places.
        flows = {}, relayed = {}, streams = {},
        -- Connections that carry STUN, by pair of places, and what of each direction is not whole yet.
        connections = {}, ways = {},
        -- What is known of TURN clients and servers, by pair of places.
        turn = {},
        -- By pair of ports the only flow that has it; false if it may be something else.
        ports = {},
        -- Where IP began, and where the key of a flow stood, in frames so far.
        places = {}, shapes = {},
        -- Packets that may come a second time.
        recent = {}, recent_before = {}, recent_since = -huge,
        -- How much was learnt, and had been when the index was worked out of it.
        learnt = 0, index_at = 0,
        -- Seconds since the first frame.
        now = 0, last_time = -huge,
    }
end

function capture.forget()
    for name, value in pairs(capture) do
        if type(value) ~= "function" then capture[name] = nil end
    end
    for name, value in pairs(nothing()) do capture[name] = value end
end

capture.forget()

return capture
