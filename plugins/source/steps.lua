-- How far a call came, in counts: candidates, checks, DTLS and media each way, as `postproc run` prints them

local constants = require("constants")
local capture = require("capture")
local list = require("list")
local text = require("text")
local traffic = require("traffic")

local max, huge = math.max, math.huge
local insert, sort, format = table.insert, table.sort, string.format
local unordered = text.unordered

local steps = {
    -- States of a handshake, the one that came farthest first.
    STATES = { "complete", "alert", "incomplete", "client_hello_only", "none" },
}

-- A side's name in a sentence.
function steps.side(side) return side == "other" and "far end" or side end

-- The way of a packet by the sides of its ends: to the client, to the server, or other.
function steps.way(src_side, dst_side)
    if src_side == "server" and dst_side == "client" then return "client" end
    return src_side == "client" and dst_side == "server" and "server" or "other"
end

-- The distinct candidates of the ufrags in a side's latest description, leg by leg; by side.
function steps.candidates(call)
    local counts, seen = { client = 0, server = 0 }, {}
    for _, leg in ipairs(call.legs) do
        local latest, current = {}, {}
        local function each(see)
            for _, m in ipairs(leg.descriptions) do
                for _, section in ipairs(m.sdp.sections) do
                    for _, c in ipairs(section.candidates) do
                        if c.addr then see(leg.side[m.party], m.time, c) end
                    end
                end
            end
        end
        each(function(side, time) latest[side] = max(latest[side] or -huge, time) end)
        each(function(side, time, c)
            if time == latest[side] then current[side .. "\0" .. (c.ufrag or "")] = true end
        end)
        each(function(side, _, c)
            local key = table.concat({ side, c.addr, c.port, c.type }, "\0")
            if counts[side] and current[side .. "\0" .. (c.ufrag or "")] and not seen[key] then
                seen[key], counts[side] = true, counts[side] + 1
            end
        end)
    end
    return counts
end

-- When keys were first proved to be in use, by application data or by SRTP after the one side that showed them.
function steps.proved(segment)
    if segment.data then return true end
    local first = huge
    for _, time in pairs(segment.protected) do first = math.min(first, time) end
    for _, stream in ipairs(first < huge and capture.streams[unordered(segment.src, segment.dst)] or {}) do
        if stream.first >= first and not stream.relayed == not segment.relayed then return true end
    end
    return false
end

-- How far a handshake came.
function steps.handshake(segment)
    local shown, senders = 0, 0
    for _ in pairs(segment.protected) do shown = shown + 1 end
    for _ in pairs(segment.senders) do senders = senders + 1 end
    if segment.handshake and (shown > 1 or steps.proved(segment)) then return "complete" end
    if segment.alert or (segment.hidden_alert and senders > 1) then return "alert" end
    if not segment.handshake then return "none" end
    return not segment.more and senders == 1 and shown == 0 and "client_hello_only" or "incomplete"
end

local RANK = {}
for rank, state in ipairs(steps.STATES) do RANK[state] = rank end

-- Adds a stream's packets; of an SSRC seen twice at a time the fuller view counts.
local function add_view(step, view)
    local before = step.views[view.key] or { stop = view.first, packets = 0 }
    local overlaps = before.packets > 0 and view.first < before.stop
    local more = overlaps and max(0, view.packets - before.packets) or view.packets
    step.media[view.way] = (step.media[view.way] or 0) + more
    step.views[view.key] = { stop = max(before.stop, view.last),
        packets = overlaps and max(before.packets, view.packets) or view.packets }
end

local function views_of(index)
    local views = {}
    for _, flows in ipairs({ capture.flows, capture.relayed }) do
        for _, flow in pairs(flows) do
            for ssrc, stream in pairs(flow.streams) do
                local counts = not stream.is_rtcp and stream.packets >= constants.rtp.fewest_packets
                local owner = counts and traffic.of_stream(index, stream)
                if owner then
                    local way = steps.way(owner.src_side, owner.dst_side)
                    insert(views, { call = owner.call, leg = owner.leg, from = owner.src_side, way = way,
                        key = way .. ssrc, first = stream.first, last = stream.last, packets = stream.packets })
                end
            end
        end
    end
    sort(views, function(one, other)
        if one.first ~= other.first then return one.first < other.first end
        return one.packets > other.packets
    end)
    return views
end

-- Says of an answered leg from which side no RTP came, where the capture shows packets of its media at all.
function steps.silence(index, leg)
    local answered = leg.answered_by and steps.of(index)[leg.call]
    if not answered then return nil end
    local one, other = leg.side.uac, leg.side.uas
    local packets = answered.legs[leg] or {}
    local seen = answered.seen[leg] or next(packets)
    if one == other or packets.unknown or not seen or ((packets[one] or 0) > 0 and (packets[other] or 0) > 0) then
        return nil
    end
    return format("Answered; RTP packets: %d from the %s, %d from the %s",
        packets[one] or 0, steps.side(one), packets[other] or 0, steps.side(other))
end

-- Returns the counts of every call: candidates by side; checks {answered, asked} and packets of media by way;
-- the handshake that came farthest; packets of media by leg and sender's side; legs with checks or DTLS.
function steps.of(index)
    if index.steps then return index.steps end
    local found = {}
    for _, call in ipairs(index.calls) do
        found[call] = { candidates = steps.candidates(call), checks = {}, media = {}, views = {}, legs = {},
            seen = {} }
    end
    for _, tx in ipairs(index.transactions) do
        if tx.owner and tx.purpose == "check" and tx.outcome ~= "response_only" then
            if tx.owner.leg then found[tx.owner.call].seen[tx.owner.leg] = true end
            local counts = list.at(found[tx.owner.call].checks, steps.way(tx.src_side, tx.dst_side))
            counts.asked = (counts.asked or 0) + 1
            counts.answered = (counts.answered or 0) + (tx.outcome == "success" and 1 or 0)
        end
    end
    for _, segment in ipairs(capture.segments) do
        local step = segment.owner and found[segment.owner.call]
        local state = step and steps.handshake(segment)
        if state and segment.owner.leg then step.seen[segment.owner.leg] = true end
        if state and (not step.dtls or RANK[state] < RANK[step.dtls]) then step.dtls = state end
    end
    for _, view in ipairs(views_of(index)) do
        add_view(found[view.call], view)
        if view.leg then
            local sides, from = list.at(found[view.call].legs, view.leg), view.from or "unknown"
            sides[from] = (sides[from] or 0) + view.packets
        end
    end
    index.steps = found
    return found
end

return steps
