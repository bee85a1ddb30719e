-- STUN Binding transactions: whose they are, what they are for and what became of them
--
-- Whose, where they name no known ufrags: what SDP said of a leg holds for the leg's life; the 5-tuple of
-- a check that is tied by its ufrags claims what else is sent on it. Ports are used again: the life nearest
-- in time owns the address; where several calls live on it at once the other end must tell them apart, or
-- nothing is said.

local constants = require("constants")
local capture = require("capture")
local list = require("list")
local text = require("text")
local address = require("address")
local ice = require("ice")

local sub = string.sub
local floor, max, min, huge = math.floor, math.max, math.min, math.huge
local insert, sort = table.insert, table.sort
local number16 = text.number16

local bindings = {}

local WHOSE = constants.whose

-- Returns the owners of an address at a time, by call; several where it is shared.
function bindings.nearest(items, slack, time)
    local near, least, owners = list.overlapping(items, time, time, WHOSE.most_legs), nil, {}
    if #near == WHOSE.most_legs then return owners end
    for _, span in ipairs(near) do
        span.away = max(span.start + slack - time, time - (span.stop - slack), 0)
        -- A life without end gives way to one with an end.
        local rank = span.away * 2 + (span.stop == huge and 1e-9 or 0)
        span.rank, least = rank, min(least or rank, rank)
    end
    for _, span in ipairs(near) do
        local owner = owners[span.owner.call]
        local earlier = owner and owner.leg and span.owner.leg and span.owner.leg.number < owner.leg.number
        if span.rank == least and (not owner or earlier) then owners[span.owner.call] = span.owner end
    end
    return owners
end

-- Returns the owner that addresses agree on, of the owners of each by call; failing that, the only call
-- that addresses name alone.
function bindings.agreed(owners_of_each)
    local telling = list.filter(owners_of_each, function(owners) return next(owners) ~= nil end)
    local common, alone = {}, {}
    for call in pairs(telling[1] or {}) do
        local everywhere = true
        for _, owners in ipairs(telling) do everywhere = everywhere and owners[call] ~= nil end
        if everywhere then insert(common, call) end
    end
    for _, owners in ipairs(telling) do
        if next(owners, next(owners)) == nil then list.once(alone, (next(owners))) end
    end
    for _, calls in ipairs({ common, alone }) do
        for _, owners in ipairs(#calls == 1 and telling or {}) do
            if owners[calls[1]] then return owners[calls[1]] end
        end
    end
    return nil
end

function bindings.claim(wire, key, tx)
    local claims = list.at(wire, key)
    local last = claims[#claims]
    if last and last.owner.call == tx.owner.call and last.owner.leg == tx.owner.leg then
        last.start = min(last.start, tx.time - WHOSE.gathering_s)
        last.stop = max(last.stop, tx.time + WHOSE.gathering_s)
    else
        insert(claims, { start = tx.time - WHOSE.gathering_s, stop = tx.time + WHOSE.gathering_s, owner = tx.owner })
    end
end

function bindings.tie(tx, sessions)
    local session = ice.session_of(sessions, tx.first.username, tx.time)
    if not session then return end
    local sender, receiver = ice.sides(session, tx.first.username)
    tx.session, tx.src_side, tx.dst_side = session, sender, receiver
    tx.owner = { call = session.call, leg = session.leg }
end

function bindings.by_address(tx, wire, offered)
    local flow = bindings.nearest(wire[address.flow(tx.src, tx.dst)], WHOSE.gathering_s, tx.time)
    if next(flow) then
        local owner = bindings.agreed({ flow })
        if owner then return owner end
    end
    local found = {}
    for _, place in ipairs({ tx.src, tx.dst }) do
        insert(found, bindings.nearest(wire[place], WHOSE.gathering_s, tx.time))
    end
    for _, place in ipairs({ tx.src, tx.dst, tx.mapped }) do
        insert(found, bindings.nearest(offered[place], WHOSE.margin_s, tx.time))
    end
    return bindings.agreed(found)
end

-- Sets owner and sides of every transaction: by both ufrags, else by address and time.
function bindings.find_owners(transactions, sessions, offered)
    local wire, ways = {}, {}
    for _, tx in ipairs(transactions) do
        bindings.tie(tx, sessions)
        if tx.session then
            local there, back = address.flow(tx.src, tx.dst), address.flow(tx.dst, tx.src)
            for _, key in ipairs({ there, back, tx.src, tx.dst }) do bindings.claim(wire, key, tx) end
            list.at(ways, there)[tx.owner.call] = { tx.src_side, tx.dst_side }
            list.at(ways, back)[tx.owner.call] = { tx.dst_side, tx.src_side }
        end
    end
    for _, items in pairs(wire) do list.spans(items) end
    for _, tx in ipairs(transactions) do
        if not tx.session then
            tx.owner = bindings.by_address(tx, wire, offered)
            local way = tx.owner and (ways[address.flow(tx.src, tx.dst)] or {})[tx.owner.call] or {}
            tx.src_side, tx.dst_side = way[1], way[2]
        end
    end
end

-- What a transaction is for and what became of it

function bindings.note_flow(busy, flow)
    local size = floor((#flow - 4) / 2)
    local src, dst, sport, dport = sub(flow, 1, size), sub(flow, size + 1, 2 * size), sub(flow, -4, -3), sub(flow, -2)
    busy[flow], busy[dst .. src .. dport .. sport] = true, true
    busy[sport .. dport], busy[dport .. sport] = true, true
end

-- The RTCP flow beside an RTP flow (RFC 3550, section 11).
function bindings.beside(flow)
    local sport, dport = number16(flow, #flow - 3) + 1, number16(flow, #flow - 1) + 1
    return address.place(address.place(sub(flow, 1, -5), sport), dport)
end

-- Returns the 5-tuples and port pairs that carry something else than look-ups.
function bindings.busy_flows(transactions)
    local busy = {}
    for _, tx in ipairs(transactions) do
        for _, m in ipairs(tx.checks and tx.all or {}) do bindings.note_flow(busy, address.flow(m.src, m.dst)) end
    end
    for _, dialog in ipairs(capture.dialogs.list) do
        for _, m in ipairs(dialog.messages) do bindings.note_flow(busy, address.flow(m.src, m.dst)) end
    end
    for _, segment in ipairs(capture.segments) do
        if not segment.relayed then bindings.note_flow(busy, address.flow(segment.src, segment.dst)) end
    end
    for _, flow in pairs(capture.flows) do
        if flow.packets >= constants.rtp.fewest_packets then
            bindings.note_flow(busy, flow.key)
            bindings.note_flow(busy, bindings.beside(flow.key))
        end
    end
    return busy
end

-- USERNAME alone proves no check, FreeSWITCH sends one to STUN servers too; nor does port 3478.
function bindings.purpose(tx, busy)
    if tx.checks then return "check" end
    local flow = address.flow(tx.src, tx.dst)
    return (busy[flow] or busy[sub(flow, -4)]) and "keepalive" or "discovery"
end

-- Seconds from the last request before the first response to that response.
function bindings.round_trip(tx)
    local response, asked = tx.successes[1], nil
    if not response or (tx.errors[1] and list.earlier(tx.errors[1], response)) then
        response = tx.errors[1] or response
    end
    for _, m in ipairs(response and tx.requests or {}) do
        if not list.earlier(response, m) then asked = m end
    end
    return asked and response.time - asked.time or nil
end

function bindings.patience(transactions)
    local rtts = {}
    for _, tx in ipairs(transactions) do
        if tx.rtt then insert(rtts, tx.rtt) end
    end
    sort(rtts)
    local middle = floor((#rtts + 1) / 2)
    local median = #rtts == 0 and 0 or (rtts[middle] + rtts[#rtts + 1 - middle]) / 2
    return max(constants.bindings.patience_s, constants.bindings.patience_round_trips * median)
end

-- The transaction an ICMP error is about: named by its id, else the last request on its 5-tuple.
function bindings.quoted(icmp, sent)
    local tx = icmp.id and capture.transactions[icmp.id]
    if icmp.id then
        local refused = tx and tx.requests[1] and not (tx.src == icmp.dst and tx.dst == icmp.src)
        return refused and tx or nil
    end
    local there = sent[address.flow(icmp.src, icmp.dst)] or {}
    local last = there[list.after(there, "time", icmp.time) - 1]
    if not last or icmp.time - last.time > constants.bindings.icmp_recent_s then return nil end
    return not last.tx.successes[1] and not last.tx.errors[1] and last.tx or nil
end

function bindings.refuse(transactions)
    local sent = {}
    for _, tx in ipairs(#capture.icmp > 0 and transactions or {}) do
        for _, m in ipairs(tx.requests) do list.insert(list.at(sent, address.flow(m.src, m.dst)), m) end
    end
    for _, icmp in ipairs(capture.icmp) do
        icmp.tx = icmp.error and bindings.quoted(icmp, sent) or nil
        if icmp.tx and icmp.hard then icmp.tx.refused = true end
    end
end

function bindings.outcome(tx, wait)
    if not tx.requests[1] then return "response_only" end
    if tx.successes[1] then return "success" end
    if tx.errors[1] then return "error" end
    local last = tx.requests[#tx.requests]
    return (tx.refused or capture.last_time - last.time > wait) and "unanswered" or "pending"
end

-- The 5-tuple is the first request's; a response alone gives that of its request, mirrored.
function bindings.prepare(tx)
    tx.first = tx.requests[1] or tx.all[1]
    tx.src, tx.dst, tx.time = tx.first.src, tx.first.dst, tx.first.time
    if not tx.requests[1] then tx.src, tx.dst = tx.dst, tx.src end
    tx.checks, tx.nominates, tx.refused, tx.session, tx.owner = false, false, nil, nil, nil
    for _, m in ipairs(tx.requests) do
        tx.checks, tx.nominates = tx.checks or m.checks, tx.nominates or m.use_candidate
    end
    tx.mapped = tx.successes[1] and tx.successes[1].mapped
    tx.rtt = bindings.round_trip(tx)
end

-- Fills purpose, outcome, owner and sides of all transactions; returns them in order of time.
function bindings.find(sessions, offered)
    local transactions = {}
    for _, tx in ipairs(capture.transactions.list) do
        bindings.prepare(tx)
        insert(transactions, tx)
    end
    sort(transactions, function(one, other) return list.earlier(one.first, other.first) end)
    local busy, wait = bindings.busy_flows(transactions), bindings.patience(transactions)
    bindings.refuse(transactions)
    for _, tx in ipairs(transactions) do
        tx.purpose, tx.outcome = bindings.purpose(tx, busy), bindings.outcome(tx, wait)
    end
    bindings.find_owners(transactions, sessions, offered)
    return transactions
end

return bindings
