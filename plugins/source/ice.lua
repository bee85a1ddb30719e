-- ICE sessions: two ufrags that check each other, tied to the leg whose SDP carries them
--
-- A check's USERNAME is "receiver's ufrag:sender's ufrag" (RFC 8445, section 7.2.2), whatever NAT
-- does to the addresses. Checks that fit no leg are a session, and a call, without SIP.

local constants = require("constants")
local capture = require("capture")
local list = require("list")
local text = require("text")
local address = require("address")
local packet = require("packet")
local joining = require("joining")

local max, min = math.max, math.min
local insert = table.insert
local printable, unordered = text.printable, text.unordered
local stun = packet.stun

local ice = {}

-- What connectivity checks were seen, by pair of ufrags; in order of time.
function ice.checks_seen()
    local found, order = {}, {}
    for _, m in ipairs(capture.checks) do
        local receiver, sender = stun.halves(m.username)
        if receiver then
            local key = unordered(receiver, sender)
            local checks = found[key]
            if not checks then
                checks = { first = m.time, last = m.time, frame = m.frame, software = {}, key = key,
                    ufrags = receiver < sender and { receiver, sender } or { sender, receiver } }
                found[key] = checks
                insert(order, checks)
            end
            checks.software[sender] = checks.software[sender] or m.software
            checks.last = m.time
        end
    end
    return found, order
end

function ice.session(leg, ufrags, seen)
    return { leg = leg, call = leg.call, ufrags = ufrags, start = leg.from, stop = leg.till, seen = seen }
end

-- One session per call for what offer and answer agree on: legs that relay the same descriptions count once.
function ice.agreed_sessions(all, seen)
    local agreed, order = {}, {}
    for _, leg in ipairs(all) do
        for _, pair in ipairs(leg.agreed) do
            local key = unordered(pair[1], pair[2])
            local sessions = agreed[key]
            if not sessions then
                sessions = { calls = {} }
                agreed[key] = sessions
                insert(order, key)
            end
            if not sessions.calls[joining.root(leg)] then
                sessions.calls[joining.root(leg)] = true
                insert(sessions, ice.session(leg, pair, seen[key]))
            end
        end
    end
    for key, sessions in pairs(agreed) do
        local checks = seen[key]
        if checks and #sessions == 1 then -- nobody else has the pair
            sessions[1].start = min(sessions[1].start, checks.first)
            sessions[1].stop = max(sessions[1].stop, checks.last)
        end
    end
    return agreed
end

function ice.covers(leg, time) return leg.from <= time and time <= leg.till end

-- The session of checks nobody agreed on: of the one call alive that has one of the ufrags, else of none.
function ice.from_checks(checks, owners)
    local session, calls = nil, {}
    for at, ufrag in ipairs(checks.ufrags) do
        local peer = checks.ufrags[3 - at]
        for _, owner in ipairs(owners[ufrag] or {}) do
            local leg = owner.leg
            if ice.covers(leg, checks.first) or ice.covers(leg, checks.last) then
                list.once(calls, joining.root(leg))
                local pair = owner.party == "uac" and { ufrag, peer } or { peer, ufrag }
                if not session or leg.from < session.leg.from then session = ice.session(leg, pair, checks) end
            end
        end
    end
    if #calls == 1 then return session end
    return { ufrags = checks.ufrags, start = checks.first, stop = checks.last, seen = checks }
end

-- Returns the sessions by the key of their ufrags, and those without SIP.
function ice.sessions(all)
    local seen, order = ice.checks_seen()
    local found, owners, alone = ice.agreed_sessions(all, seen), {}, {}
    for _, leg in ipairs(all) do
        for ufrag, party in pairs(leg.author) do insert(list.at(owners, ufrag), { leg = leg, party = party }) end
    end
    for _, checks in ipairs(order) do
        if not found[checks.key] then
            local session = ice.from_checks(checks, owners)
            found[checks.key] = { session }
            if not session.leg then insert(alone, session) end
        end
    end
    return found, alone
end

-- Returns the session of a check; of several with the same ufrags the one nearest in time.
function ice.session_of(sessions, username, time)
    local receiver, sender = stun.halves(username)
    local best, least
    for _, session in ipairs(receiver and sessions[unordered(receiver, sender)] or {}) do
        local away = max(session.start - time, time - session.stop, 0)
        if not best or away < least then best, least = session, away end
    end
    return best
end

-- Sides of a check's sender and receiver, nil where the ufrags do not tell.
function ice.sides(session, username)
    local receiver, sender = stun.halves(username)
    if not session or not receiver or session.ufrags[1] == session.ufrags[2] then return nil, nil end
    if sender == session.ufrags[1] then return session.sides[1], session.sides[2] end
    return session.sides[2], session.sides[1]
end

-- Candidates a wire address may stand for (RFC 8445, section 5.1.1)

-- Returns the distinct candidates by call and ufrag, in the order they were offered.
function ice.candidates_of(all)
    local found = {}
    for _, leg in ipairs(all) do
        for _, m in ipairs(leg.descriptions) do
            for _, section in ipairs(m.sdp.sections) do
                for _, c in ipairs(section.candidates) do
                    if c.addr and c.ufrag then
                        local offered = list.at(list.at(found, leg.call), c.ufrag)
                        if #offered < constants.whose.most_candidates then insert(offered, c) end
                    end
                end
            end
        end
    end
    return found
end

function ice.first_where(candidates, test)
    for _, c in ipairs(candidates) do
        if test(c) then return c end
    end
    return nil
end

function ice.is_reflexive(c) return c.type == "srflx" or c.type == "prflx" end

-- Type of the candidate a wire address stands for, the best evidence first; nil where its side's
-- offer is not known. ``is_local`` says that the address is a base for sure: then an equal port is enough.
function ice.type_of(wire, outside, candidates, is_local)
    if not candidates or not candidates[1] then return nil end
    local port = address.port(wire)
    local found = ice.first_where(candidates, function(c) return c.place == wire end)
        or ice.first_where(candidates, function(c) return ice.is_reflexive(c) and c.base == wire end)
        or ice.first_where(candidates, function(c) return c.place and outside[c.place] end)
        or ice.first_where(candidates, function(c) return c.port == port and (is_local or c.addr_class == "mdns") end)
    return found and found.type or (is_local and "host" or "prflx")
end

-- The candidate pair of a check in the direction of the check.
function ice.pair(tx, index)
    local receiver, sender = stun.halves(tx.first.username)
    local by_ufrag = tx.owner and index.offers[tx.owner.call] or {}
    local sends = tx.src_side ~= "client" or tx.dst_side ~= "server"
    if (tx.src_side == "server" or tx.dst_side == "server") and tx.src_side ~= tx.dst_side then
        sends = tx.src_side == "server"
    end
    local function named(place, ufrag, is_local)
        local type = ice.type_of(place, index.outside[place] or {}, by_ufrag[ufrag or ""], is_local)
        return (type and printable(type, 16) .. " " or "") .. address.place_text(place)
    end
    return named(tx.src, sender, sends) .. " -> " .. named(tx.dst, receiver, not sends)
end

return ice
