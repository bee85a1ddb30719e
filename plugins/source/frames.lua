-- Frames in: what a frame is, by its bytes, and what is known of it (learn)

local capture = require("capture")
local address = require("address")
local packet = require("packet")
local learn = require("learn")
local segments = require("segments")

local byte, sub, find = string.byte, string.sub, string.find
local min, abs = math.min, math.abs
local insert = table.insert

local frames = {}

local raw, size_of = Tvb.raw, Tvb.len
-- Bytes that tell whose a packet of media is: 14 of Ethernet, 4 to 8 of VLANs, 40 of IPv6, 8 of UDP, 12 of RTP.
local HEAD = 96
local UDP, TCP, ICMP, ICMPV6 = packet.UDP, packet.TCP, packet.ICMP, packet.ICMPV6

-- Remembers where the key stands in packets like this: addresses and ports without options between.
function frames.shape(bytes, ip, header)
    local from, size = packet.addresses_at(bytes, ip)
    if from + size ~= header or #capture.shapes >= packet.PLACES then return end
    for _, shape in ipairs(capture.shapes) do
        if shape.from == from and shape.udp == header then return end
    end
    insert(capture.shapes, { from = from, udp = header, proto = size == 8 and ip + 9 or ip + 6 })
end

-- Notes which flow has a pair of ports: if none else has, later passes need not read its packets.
function frames.note_ports(flow, src, dst)
    local ports = address.port(src) * 65536 + address.port(dst)
    capture.ports[ports] = capture.ports[ports] == nil and flow
end

-- Returns the stream of a packet whose flow is known already. This is what runs on nearly every frame
-- of a capture: it makes no table and calls no extractor.
function frames.known_media(bytes, counts)
    local shapes, flows = capture.shapes, capture.flows
    for number = 1, #shapes do
        local shape = shapes[number]
        local udp = shape.udp
        local flow = flows[sub(bytes, shape.from, udp + 3)]
        if flow and byte(bytes, shape.proto) == 17 then
            local first = byte(bytes, udp + 8)
            return first and first >= 128 and first <= 191 and learn.stream(bytes, flow, udp + 8, counts) or nil
        end
    end
    return nil
end

-- Returns the stream of a packet of media; in a channel of TURN it is between the ends beyond the relay.
function frames.media(bytes, ip, udp, at, channel, counts)
    local key, flows = packet.flow_key(bytes, ip, udp), channel and capture.relayed or capture.flows
    local named = channel and key .. channel or key
    local flow = flows[named]
    if not flow then
        local src, dst = packet.places_of(key)
        local one, other = learn.ends(src, dst, channel)
        flow = learn.new_flow(flows, named, one, other)
        flow.wire_src, flow.wire_dst = src, dst
        frames.note_ports(flow, src, dst)
        if not channel then frames.shape(bytes, ip, udp) end
    end
    return learn.stream(bytes, flow, at, counts)
end

-- Sets the time, in seconds since the file's first frame.
function frames.time(pinfo)
    local stamp = pinfo.abs_ts
    if not capture.base then capture.base = stamp - pinfo.rel_ts end
    capture.stamp, capture.now = stamp, stamp - capture.base
    if capture.now > capture.last_time then capture.last_time = capture.now end
end

-- Makes it more exact: near 0 a double has nanoseconds. A time reference set in Wireshark restarts
-- the relative time: then it is of no use.
function frames.exact_time(pinfo)
    local relative = pinfo.rel_ts
    if abs(capture.now - relative) < 1e-5 then capture.now = relative end
end

-- Learns from a UDP payload, told by its first byte (RFC 7983); ``from`` is where IP begins.
function frames.datagram(pinfo, bytes, from, header, at, channel)
    local first = byte(bytes, at) or 255
    if first > 3 and not packet.is_dtls(bytes, at) then return nil end
    local src, dst = packet.places_of(packet.flow_key(bytes, from, header))
    local one, other, unknown = learn.ends(src, dst, channel)
    local way = { inside = channel ~= nil, unknown = unknown }
    local record = learn.content(pinfo, sub(bytes, from), sub(bytes, at), one, other, way)
    if record then record.wire_src, record.wire_dst = src, dst end
    return record
end

-- Returns what is known of a UDP packet: its record, or a stream of media.
function frames.udp(pinfo, bytes, from, header, visited)
    local at, channel = header + 8, nil
    local first = byte(bytes, at)
    if first and first >= 64 and first <= 79 then
        local inner, number = packet.in_channel(bytes, at)
        if inner then at, channel, first = inner, number, byte(bytes, inner) end
    end
    if first and first >= 128 and first <= 191 then
        return nil, frames.media(bytes, from, header, at, channel, not visited)
    end
    if visited then return nil end
    frames.exact_time(pinfo)
    return frames.datagram(pinfo, bytes, from, header, at, channel)
end

-- Finds out whether the first pass has no tree, and so no fields: then SIP is learnt later on.
function frames.sense(tree)
    if capture.blind == nil then capture.blind = find(tostring(tree), "has item=false", 1, true) ~= nil end
end

-- Returns what is known of a frame without a record: a new record, or a stream of media; in a later pass the
-- key of a TCP segment's flow, too.
function frames.frame(pinfo, tvb, visited, tree)
    local size = size_of(tvb)
    local bytes = raw(tvb, 0, min(size, HEAD))
    local record, stream = nil, frames.known_media(bytes, not visited)
    if stream then return nil, stream end
    if size > HEAD then bytes = raw(tvb) end
    local sport, dport = pinfo.src_port, pinfo.dst_port
    local from, header, proto, version = packet.find(bytes, sport, dport)
    if proto == UDP then record, stream = frames.udp(pinfo, bytes, from, header, visited) end
    if record or stream then return record, stream end
    if visited and not capture.blind then
        return nil, nil, proto == TCP and packet.flow_key(bytes, from, header) or nil
    end
    frames.exact_time(pinfo)
    record = proto == TCP and not visited and segments.learn(pinfo, bytes, from, header, version)
    if record then return record end
    if proto == ICMP or proto == ICMPV6 then
        return not visited and learn.icmp(pinfo, sub(bytes, from), sub(bytes, header), version) or nil
    end
    record = learn.sip(pinfo, bytes, from)
    if not record then
        capture.ports[sport * 65536 + dport] = false
        frames.sense(tree)
    end
    return record
end

-- Returns the record of a frame seen before. A read filter gives one number to several frames.
function frames.known_frame(pinfo)
    local record = capture.frames[pinfo.number]
    return record and record.stamp == pinfo.abs_ts and record or nil
end

return frames
