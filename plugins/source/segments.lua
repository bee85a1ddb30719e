-- Segments in: STUN, DTLS and media in TCP, learnt like those in UDP

local capture = require("capture")
local text = require("text")
local address = require("address")
local packet = require("packet")
local framing = require("framing")
local learn = require("learn")

local byte, sub = string.byte, string.sub
local insert = table.insert
local unordered, number16 = text.unordered, text.number16

local segments = {}

-- Learns from what a message in TCP carries, told as in UDP; media has a record, too: few calls have it in TCP.
function segments.carried(at, ip_bytes, data, src, dst)
    local channel
    if data.kind == framing.TURN and byte(data.data) >= 64 then channel = number16(data.data, 1) end
    local payload = channel and sub(data.data, 5) or data.data
    local one, other, unknown = learn.ends(src, dst, channel)
    local first, record = byte(payload) or 255, nil
    if first >= 128 and first <= 191 then
        local flows = channel and capture.relayed or capture.flows
        local key = "tcp" .. src .. dst .. (channel or "")
        local flow = flows[key] or learn.new_flow(flows, key, one, other)
        local stream = learn.stream(payload, flow, 1, true)
        record = stream and learn.keep(at.number, { kind = "stream", stream = stream })
    else
        local way = { inside = channel ~= nil, unknown = unknown }
        record = learn.content(at, ip_bytes .. data.data, payload, one, other, way)
    end
    if record then record.wire_src, record.wire_dst, record.transport = src, dst, "tcp" end
    return record
end

-- Returns the direction of a connection that carries STUN; nil of others.
function segments.way_of(key, src, dst, segment)
    local between, is_turn = unordered(src, dst), address.port(src) == framing.TURN_PORT
        or address.port(dst) == framing.TURN_PORT
    if not capture.connections[between] then
        if not framing.of(segment.payload, is_turn) then return nil end
        capture.connections[between] = true
    end
    local way = capture.ways[key]
    if not way then
        way = framing.new_way(is_turn)
        capture.ways[key] = way
    end
    return way
end

-- Keeps what messages of one segment are as one record; a segment that waited is a frame before this one.
function segments.keep_part(number, record, before)
    record.stamp = record.stamp or capture.stamp
    if not before then return record end
    if before.kind ~= "several" then before = { kind = "several", parts = { before }, stamp = record.stamp } end
    insert(before.parts, record)
    capture.frames[number] = before
    return before
end

-- Learns the messages in TCP that are whole with a segment.
function segments.learn(pinfo, bytes, ip, header, version)
    local segment = packet.segment(bytes, ip, header, version)
    if not segment or (segment.size == 0 and not segment.opens) then return nil end
    local key = packet.flow_key(bytes, ip, header)
    local src, dst = packet.places_of(key)
    local way = segments.way_of(key, src, dst, segment)
    if not way then return nil end
    segment.number, segment.now, segment.stamp = pinfo.number, capture.now, capture.stamp
    segment.interface = learn.interface_of()
    local now, stamp, ip_bytes = capture.now, capture.stamp, sub(bytes, ip, header - 1)
    for _, data in ipairs(framing.take(way, segment)) do
        local at = data.segment
        capture.now, capture.stamp = at.now, at.stamp
        local before = capture.frames[at.number]
        local record = segments.carried(at, ip_bytes, data, src, dst)
        if record then segments.keep_part(at.number, record, before) end
    end
    capture.now, capture.stamp = now, stamp
    return capture.frames[pinfo.number]
end

return segments
