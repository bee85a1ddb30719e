-- What was learnt of the file that is open, frame by frame: facts only, what they mean is worked out
-- of them (knowledge)

local huge = math.huge

local capture = {}

local function nothing()
    return {
        frames = {},       -- record of each frame that is not plain media, by number
        dialogs = { list = {} },        -- SIP messages by Call-ID
        transactions = { list = {} },   -- STUN Binding transactions by id
        checks = {},       -- connectivity checks by time
        icmp = {},         -- ICMP errors by time
        dtls = {},         -- handshakes by pair of places
        segments = {},     -- all handshakes
        flows = {},        -- flows of media by addresses and ports; those relayed by TURN apart
        relayed = {},
        streams = {},      -- RTP streams by pair of places
        ports = {},        -- by pair of ports the only flow that has it, false if it may be something else
        places = {},       -- where IP began in frames so far
        shapes = {},       -- where the key of a flow stood in packets so far
        recent = {}, recent_before = {}, recent_since = -huge, -- packets that may come a second time
        learnt = 0, known_at = 0, -- how much was learnt, and had been when knowledge was worked out
        now = 0, last_time = -huge, -- s since the first frame
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
