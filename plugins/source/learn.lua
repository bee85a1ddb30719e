-- Learning: what each frame adds, once, when it is first seen

local constants = require("constants")
local capture = require("capture")
local list = require("list")
local text = require("text")
local address = require("address")
local sip = require("sip")
local packet = require("packet")
local turn = require("turn")

local byte, sub = string.byte, string.sub
local max, min, huge = math.max, math.min, math.huge
local insert = table.insert
local set = list.set
local unordered = text.unordered
local stun = packet.stun

local learn = {}

-- Few: each one makes Wireshark keep its field for every frame, whether it is asked for or not.
local extract = { sip = Field.new("sip"), interface = Field.new("frame.interface_id") }

local WARNINGS = set(constants.dtls.warnings)

function learn.interface_of()
    local field = extract.interface()
    return field and field.value or nil
end

function learn.keep(number, record)
    record.stamp = capture.stamp
    capture.frames[number] = record
    capture.learnt = capture.learnt + 1
    return record
end

-- The text of a SIP message as Wireshark delimited it. A field's range may lie outside what was
-- captured of a packet cut short; Wireshark then raises an error instead of saying so.
function learn.text_of(field)
    local whole, bytes = pcall(function() return field.range:raw() end)
    return whole and bytes or nil
end

-- Source and destination of a SIP frame, by the bytes of its IP header; without one, of nobody.
function learn.sip_places(pinfo, bytes, ip)
    local src, dst = "\0\0\0\0", "\0\0\0\0"
    if ip then
        local from, size = packet.addresses_at(bytes, ip)
        src, dst = sub(bytes, from, from + size / 2 - 1), sub(bytes, from + size / 2, from + size - 1)
    end
    return address.place(src, pinfo.src_port or 0), address.place(dst, pinfo.dst_port or 0)
end

-- In the first pass a message's field reaches to the end of the segment: the next one's begin cuts it.
function learn.texts_of(fields)
    local texts = {}
    for at, field in ipairs(fields) do
        local message, next_one = learn.text_of(field), fields[at + 1]
        local gap = next_one and next_one.offset - field.offset or 0
        if message and gap > 0 and gap < #message then message = sub(message, 1, gap) end
        texts[#texts + 1] = message
    end
    return texts
end

function learn.add_message(m)
    local dialog = capture.dialogs[m.call_id]
    if not dialog then
        dialog = { id = m.call_id, messages = {} }
        capture.dialogs[m.call_id] = dialog
        insert(capture.dialogs.list, dialog)
    end
    list.insert(dialog.messages, m)
    m.dialog = dialog
end

-- Learns the SIP messages of a frame, if there are any; ``ip`` is where IP begins, nil in a fragment.
function learn.sip(pinfo, bytes, ip)
    local fields = { extract.sip() }
    if #fields == 0 then return nil end
    ip = ip or packet.find_fragment(bytes)
    local src, dst = learn.sip_places(pinfo, bytes, ip)
    local record = { kind = "sip", sip = {} }
    local original = packet.original(sub(bytes, ip or 1), capture.now, learn.interface_of(), record)
    if original and original.sip then return learn.keep(pinfo.number, { kind = "sip", sip = original.sip }) end
    for _, text in ipairs(learn.texts_of(fields)) do
        local m = sip.parse(text)
        if m then
            m.frame, m.time, m.src, m.dst = pinfo.number, capture.now, src, dst
            insert(record.sip, m)
            if m.call_id then learn.add_message(m) end
        end
    end
    return learn.keep(pinfo.number, record)
end

-- Of a message that is seen inside TURN and beyond the relay the one beyond counts.
function learn.add_transaction(m)
    local tx = capture.transactions[m.id]
    if not tx then
        tx = { all = {}, requests = {}, successes = {}, errors = {}, inside = m.inside }
        capture.transactions[m.id] = tx
        insert(capture.transactions.list, tx)
    end
    m.tx = tx
    if m.inside and not tx.inside then return end
    if tx.inside and not m.inside then
        tx.all, tx.requests, tx.successes, tx.errors, tx.inside = {}, {}, {}, {}, nil
    end
    list.insert(tx.all, m)
    list.insert(m.kind == "request" and tx.requests or m.kind == "success" and tx.successes or tx.errors, m)
    if m.kind == "request" and m.checks then list.insert(capture.checks, m) end
end

-- Learns a STUN message. Of one inside TURN of which nothing tells who talks beyond the relay there is no binding.
function learn.stun(pinfo, bytes, message, src, dst, way)
    local m = stun.parse(message)
    if m.data and m.peer and m.kind == "indication" and not way.inside then
        turn.learn(m, src, dst)
        local one, other = turn.beyond(src, dst, m.peer)
        return learn.inside(pinfo, bytes, m.data, one, other)
    end
    local record = { kind = "stun", stun = m }
    local original = packet.original(bytes, capture.now, learn.interface_of(), record)
    if original and original.stun then return learn.keep(pinfo.number, { kind = "stun", stun = original.stun }) end
    m.frame, m.time, m.src, m.dst = pinfo.number, capture.now, src, dst
    m.inside = way.inside
    if m.binding and m.kind ~= "indication" and not way.unknown then learn.add_transaction(m) end
    if not m.binding then turn.learn(m, src, dst) end
    return learn.keep(pinfo.number, record)
end

-- Learns what an indication carries between the ends beyond the relay: few packets, so media has a record, too.
function learn.inside(pinfo, bytes, payload, src, dst)
    local first = byte(payload) or 255
    if first >= 128 and first <= 191 then
        local key = address.flow(src, dst)
        local flow = capture.relayed[key] or learn.new_flow(capture.relayed, key, src, dst)
        local stream = learn.stream(payload, flow, 1, true)
        return stream and learn.keep(pinfo.number, { kind = "stream", stream = stream }) or nil
    end
    return learn.content(pinfo, bytes, payload, src, dst, { inside = true })
end

function learn.is_over(segment)
    local senders, latest = 0, -huge
    for _, time in pairs(segment.protected) do senders, latest = senders + 1, max(latest, time) end
    local completed = senders > 1 and capture.now - latest > constants.dtls.late_s
    return completed or not segment.handshake or capture.now - segment.last > constants.dtls.silence_s
end

function learn.segment_of(pinfo, src, dst, hello)
    local segments = list.at(capture.dtls, unordered(src, dst))
    local segment = segments[#segments]
    if not segment or (hello and learn.is_over(segment)) then
        segment = { frame = pinfo.number, first = capture.now, src = src, dst = dst, protected = {}, senders = {},
            talkers = {}, hellos = {} }
        insert(segments, segment)
        insert(capture.segments, segment)
    end
    segment.first, segment.last = min(segment.first, capture.now), max(segment.last or capture.now, capture.now)
    return segment
end

-- Learns a DTLS datagram: whose handshake it is part of, and its alert.
function learn.dtls(pinfo, datagram, src, dst, way)
    local hello, record = false, { kind = "dtls" }
    packet.records(datagram, function(content, epoch, type)
        hello = hello or (content == 22 and epoch == 0 and type == 1)
    end)
    local segment = learn.segment_of(pinfo, src, dst, hello)
    segment.talkers[src], segment.hellos[src], record.hello = true, segment.hellos[src] or hello, hello
    segment.hello_count = (segment.hello_count or 0) + (hello and 1 or 0)
    packet.records(datagram, function(content, epoch, first, second)
        if content == 22 then segment.handshake, segment.senders[src] = true, true end
        if content == 22 and (epoch > 0 or first ~= 1) then segment.more = true end
        if content == 23 and epoch == 1 then segment.data = true end
        if content == 22 and epoch == 0 and first == 2 then segment.server_hello = true end
        if content == 20 or (epoch > 0 and content ~= 21) then
            segment.protected[src] = segment.protected[src] or capture.now
        end
        if content == 21 and epoch > 0 then record.hidden_alert, segment.hidden_alert = true, true end
        if content == 21 and epoch == 0 and second then
            local name = constants.dtls.alerts[tostring(second)] or "alert " .. second
            if not WARNINGS[name] then
                record.alert = name .. (first == 1 and " (warning)" or "")
                segment.alert = segment.alert or record.alert
            end
        end
    end)
    record.dtls, record.src, record.dst, segment.relayed = segment, src, dst, way.unknown
    return learn.keep(pinfo.number, record)
end

-- Learns an ICMP error that quotes UDP or TCP.
function learn.icmp(pinfo, ip_bytes, bytes, version)
    local src, dst, rest = packet.quote(bytes, 9, version)
    if not src then return nil end
    local type = byte(bytes)
    local icmp = { frame = pinfo.number, time = capture.now, src = src, dst = dst, hard = packet.is_hard(version, type),
        error = not packet.is_harmless(version, type) }
    if #rest >= 20 and sub(rest, 5, 8) == stun.COOKIE then icmp.id = sub(rest, 9, 20) end
    local record = { kind = "icmp", icmp = icmp }
    local original = packet.original(ip_bytes, capture.now, learn.interface_of(), record)
    if original and original.icmp then return learn.keep(pinfo.number, { kind = "icmp", icmp = original.icmp }) end
    list.insert(capture.icmp, icmp)
    return learn.keep(pinfo.number, record)
end

function learn.new_flow(flows, key, src, dst)
    local flow = { src = src, dst = dst, key = address.flow(src, dst), packets = 0, streams = {} }
    flows[key] = flow
    return flow
end

function learn.new_stream(flow, ssrc, is_rtcp)
    local stream = { src = flow.src, dst = flow.dst, first = capture.now, last = capture.now, is_rtcp = is_rtcp,
        packets = 0 }
    flow.streams[ssrc] = stream
    if not is_rtcp then insert(list.at(capture.streams, unordered(flow.src, flow.dst)), stream) end
    return stream
end

-- Returns the RTP or RTCP stream of a packet of a flow, for payload at a place; nil if it is cut short.
function learn.stream(bytes, flow, at, counts)
    local kind, high, low = byte(bytes, at + 1, at + 3)
    local ssrc = sub(bytes, at + 8, at + 11)
    if #ssrc < 4 then return nil end
    local is_rtcp = kind >= 192 and kind <= 223 -- RFC 5761, section 4
    if is_rtcp then ssrc = "RTCP" .. sub(bytes, at + 4, at + 7) end
    local stream = flow.streams[ssrc] or learn.new_stream(flow, ssrc, is_rtcp)
    if counts then
        flow.packets = flow.packets + 1
        -- A number that came just now is the same packet captured twice.
        local number = high * 256 + low
        if number ~= stream.number and number ~= stream.number_before then
            stream.packets, stream.number, stream.number_before = stream.packets + 1, number, stream.number
        end
        local now = capture.now
        if now > stream.last then stream.last = now elseif now < stream.first then stream.first = now end
    end
    return stream
end

-- Who really talks: both ends, and whether that is not known of what is inside a channel of TURN.
function learn.ends(src, dst, channel)
    if not channel then return src, dst, false end
    local one, other = turn.beyond(src, dst, nil, channel)
    return one or src, other or dst, one == nil
end

-- Learns STUN or DTLS between two ends; nothing from anything else.
function learn.content(pinfo, bytes, payload, src, dst, way)
    if packet.is_dtls(payload, 1) then return learn.dtls(pinfo, payload, src, dst, way) end
    return stun.is(payload) and learn.stun(pinfo, bytes, payload, src, dst, way) or nil
end

return learn
