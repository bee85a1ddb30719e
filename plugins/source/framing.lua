-- Messages in TCP: TURN (RFC 8656), and what RFC 4571 frames for ICE over TCP (RFC 6544); as postproc/read/segments.py
--
-- A connection is taken up at the first segment that begins with a message; each direction is put together by its
-- sequence numbers. Where a segment is missing, the next that begins with a message goes on.

local text = require("text")
local packet = require("packet")

local byte, sub, floor, max, min = string.byte, string.sub, math.floor, math.max, math.min
local insert = table.insert
local number16 = text.number16

local framing = {
    TURN = "TURN", RFC4571 = "RFC 4571",
    MOST_WAITING = 64, -- segments that wait for one before them
    TURN_PORT = 3478, -- where ChannelData may be the first that a capture shows (RFC 8656, section 18)
}

local COOKIE, WRAP = packet.stun.COOKIE, 4294967296
local CHANNEL_HEADER, STUN_HEADER, PREFIX = 4, 20, 2

local function is_channel(first) return first >= 64 and first <= 79 end

-- Whether ChannelData messages, one after the other, end where the segment does: nothing else proves them.
local function is_channel_data(data)
    local at = 1
    while at + 3 <= #data and is_channel(byte(data, at)) do
        at = at + CHANNEL_HEADER + floor((number16(data, at + 2) + 3) / 4) * 4
        if at == #data + 1 then return true end
    end
    return false
end

-- How the messages are framed of which one begins a segment; nil where none does.
function framing.of(data, turn)
    if #data < 8 then return nil end
    if sub(data, 5, 8) == COOKIE and byte(data) < 4 then return framing.TURN end
    if sub(data, 7, 10) == COOKIE and byte(data, 3) < 4 and number16(data, 1) >= STUN_HEADER then
        return framing.RFC4571
    end
    return turn and is_channel_data(data) and framing.TURN or nil
end

-- What shares a transport with ICE: STUN, DTLS, RTP and RTCP (RFC 7983).
local function is_multiplexed(first)
    return first < 4 or (first >= 20 and first <= 63) or (first >= 128 and first <= 191)
end

-- Returns where a message starts and ends, and where the next one starts; nothing while its end is missing; false where
-- none starts.
local function message(data, at, kind)
    local left = #data - at + 1
    local start, size, filled
    if kind == framing.RFC4571 then
        if left <= PREFIX then return nil end
        start, size = at + PREFIX, number16(data, at)
        if size > 0 and not is_multiplexed(byte(data, start)) then return false end
    else
        if left < CHANNEL_HEADER then return nil end
        start = at
        if byte(data, at) > 127 then return false end
        local length = number16(data, at + 2)
        if byte(data, at) >= 64 then
            size, filled = CHANNEL_HEADER + length, floor((length + 3) / 4) * 4 - length
        else
            local seen = max(0, min(#COOKIE, left - CHANNEL_HEADER))
            if length % 4 > 0 or sub(data, at + 4, at + 3 + seen) ~= sub(COOKIE, 1, seen) then return false end
            size = STUN_HEADER + length
        end
    end
    local after = start + size + (filled or 0)
    if after - 1 > #data then return nil end
    return start, start + size - 1, after
end

-- Distance of a segment from what is expected; below 0 if its first bytes came before.
local function ahead(way, segment)
    if not way.expected then return 0 end
    return (segment.sequence - way.expected + WRAP / 2) % WRAP - WRAP / 2
end

local function lose(way) way.buffer, way.kind = "", nil end

-- Takes the messages out of what has come together; each is of the segment with its last byte.
local function whole(way, segment, found)
    local at = 1
    while true do
        local start, stop, after = message(way.buffer, at, way.kind)
        if start == false then return lose(way) end
        if not start then break end
        insert(found, { segment = segment, kind = way.kind, data = sub(way.buffer, start, stop) })
        at = after
    end
    way.buffer = sub(way.buffer, at)
end

local function join(way, segment, again, found)
    if way.expected and again >= segment.size then return end
    way.expected = (segment.sequence + segment.size) % WRAP
    if not way.kind then
        way.buffer, way.kind = "", framing.of(segment.payload, way.turn)
        if not way.kind then return end
    end
    way.buffer = way.buffer .. sub(segment.payload, again + 1)
    whole(way, segment, found)
    if #segment.payload < segment.size then lose(way) end -- the capture shows no more of it
end

local function first_waiting(way)
    local first, place
    for at, segment in ipairs(way.waiting) do
        if not first or ahead(way, segment) < ahead(way, first) then first, place = segment, at end
    end
    return first, place
end

local function waited(way, found)
    while way.waiting[1] do
        local first, place = first_waiting(way)
        local distance = ahead(way, first)
        if distance > 0 then return end
        table.remove(way.waiting, place)
        join(way, first, -distance, found)
    end
end

function framing.new_way(turn) return { buffer = "", waiting = {}, turn = turn } end

-- Goes on behind what is missing.
local function skip(way, found)
    lose(way)
    way.expected = first_waiting(way).sequence
    waited(way, found)
end

-- Returns the messages that are whole with a segment {sequence, payload, size}: {segment, kind, data}.
function framing.take(way, segment)
    local found, distance = {}, ahead(way, segment)
    if segment.opens then
        while way.waiting[1] do skip(way, found) end
        lose(way)
        way.expected = nil
    elseif segment.size > 0 and distance > 0 then
        insert(way.waiting, segment)
        if #way.waiting > framing.MOST_WAITING then skip(way, found) end
    elseif segment.size > 0 then
        join(way, segment, -distance, found)
        waited(way, found)
    end
    return found
end

return framing
