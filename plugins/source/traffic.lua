-- Whose packets are these? Two places and a time -> call, leg and both sides
--
-- Evidence, best first: checks between the same two places; DTLS handshakes there that are tied
-- already; addresses the leg's SDP names, or their mapped addresses: both ends, or one end and the
-- other's port, or one. Legs that fit equally well are told apart by the time they share with the
-- packets; if that does not help either, nothing is said.

local constants = require("constants")
local capture = require("capture")
local list = require("list")
local text = require("text")
local address = require("address")
local packet = require("packet")

local max, min, huge = math.max, math.min, math.huge
local insert, sort = table.insert, table.sort
local unordered = text.unordered

-- How well two ends fit a leg: both by address, one and the other's port, one.
local traffic = { BOTH = 3, WITH_PORT = 2, ONE = 1 }

local WHOSE = constants.whose

function traffic.life(leg)
    if not leg then return -huge, huge end
    return leg.mid_call and -huge or leg.first.time, leg.stop or huge
end

-- The checks during the traffic, else the one before and the one after, nearest first.
function traffic.near_checks(checks, first, last)
    local low, high = list.from(checks, "time", first), list.after(checks, "time", last)
    local found = {}
    for at = low, high - 1 do insert(found, checks[at]) end
    if found[1] then return found end
    found = { checks[low - 1], checks[high] }
    if not found[1] then found = { checks[high] } end
    if found[2] and found[2].time - last < first - found[1].time then found = { found[2], found[1] } end
    return found
end

-- The most frequent owner; of equals the first.
function traffic.most(checks)
    local count, best, first = {}, nil, {}
    for _, check in ipairs(checks) do
        local key = check.owner.leg or check.owner.call
        count[key], first[key] = (count[key] or 0) + 1, first[key] or check
    end
    for _, check in ipairs(checks) do
        local key = check.owner.leg or check.owner.call
        if not best or count[key] > count[best] then best = key end
    end
    return best and first[best]
end

-- The owner by the nearest checks; of those during the traffic by most of them.
function traffic.by_checks(checks, src, first, last)
    local near, longest = traffic.near_checks(checks or {}, first, last), 0
    for _, check in ipairs(near) do longest = max(longest, traffic.shared_time(check.owner.leg, first, last)) end
    local least = longest > 0 and 0 or -WHOSE.margin_s
    local best = traffic.most(list.filter(near, function(check)
        return traffic.shared_time(check.owner.leg, first, last) >= least
    end))
    if not best then return nil end
    local one, other = best.src_side, best.dst_side
    if best.src ~= src then one, other = other, one end
    return { call = best.owner.call, leg = best.owner.leg, src_side = one, dst_side = other }
end

-- The address and, where STUN told it, its last name across the NAT before that time.
function traffic.names_of(index, place, time)
    local names = index.mapped[place]
    if not names then return { place } end
    return { place, names[max(list.after(names, "time", time) - 1, 1)].name }
end

function traffic.legs_at(index, place, first, last)
    local found = { list = {} }
    for _, name in ipairs(traffic.names_of(index, place, first)) do
        for _, span in ipairs(list.overlapping(index.places[name], first, last, WHOSE.most_legs + 1)) do
            if not found[span.leg] then
                found[span.leg] = span
                insert(found.list, span)
            end
        end
    end
    return #found.list <= WHOSE.most_legs and found.list or {}
end

-- How well the other end fits a leg that one end belongs to, and the other end's side.
function traffic.fit_of(index, place, leg, first, last)
    for _, name in ipairs(traffic.names_of(index, place, first)) do
        for _, span in ipairs(list.overlapping(index.places[name], first, last, WHOSE.most_legs)) do
            if span.leg == leg then return traffic.BOTH, span.side end
        end
    end
    local there = leg.ports[address.port(place)]
    if not there then return traffic.ONE, nil end
    return traffic.WITH_PORT, next(there, next(there)) == nil and next(there) or nil
end

function traffic.fits_of(index, src, dst, first, last)
    local fits, order = {}, {}
    local function consider(leg, fit, one, other)
        if not fits[leg] then insert(order, leg) end
        if not fits[leg] or fit > fits[leg].fit then fits[leg] = { leg = leg, fit = fit, src = one, dst = other } end
    end
    for _, span in ipairs(traffic.legs_at(index, src, first, last)) do
        local fit, other = traffic.fit_of(index, dst, span.leg, first, last)
        consider(span.leg, fit, span.side, other)
    end
    for _, span in ipairs(traffic.legs_at(index, dst, first, last)) do
        local fit, other = traffic.fit_of(index, src, span.leg, first, last)
        consider(span.leg, fit, other, span.side)
    end
    local best, top = 0, {}
    for _, leg in ipairs(order) do best = max(best, fits[leg].fit) end
    for _, leg in ipairs(order) do
        if fits[leg].fit == best then insert(top, fits[leg]) end
    end
    return top, best
end

-- The time that leg and packets share; below 0: the time between them.
function traffic.shared_time(leg, first, last)
    local start, stop = traffic.life(leg)
    return min(stop, max(last, first + 1e-9)) - max(start, first)
end

-- The only leg, or the one that shares twice as much time as the next.
function traffic.clearly_first(top, first, last)
    for _, fit in ipairs(top) do fit.share = traffic.shared_time(fit.leg, first, last) end
    sort(top, function(one, other)
        if one.share ~= other.share then return one.share > other.share end
        return one.leg.order < other.leg.order
    end)
    if #top == 1 then return top[1] end
    local best, second = top[1].share, top[2].share
    local clear = best >= 2 * second
    if best <= 0 then clear = best >= second / 2 end
    return clear and best > second and top[1] or nil
end

-- Whether each end is the server's address on one leg and a far end's on another.
function traffic.is_past_the_server(top)
    for _, name in ipairs({ "src", "dst" }) do
        local server, far = false, false
        for _, fit in ipairs(top) do
            server = server or fit[name] == "server"
            far = far or (fit[name] ~= nil and fit[name] ~= "server")
        end
        if not (server and far) then return false end
    end
    return true
end

-- The first leg of a call whose server named the far ends of two legs to each other; the client's, if it has one.
function traffic.past_the_server(top, best)
    if best < traffic.BOTH or not traffic.is_past_the_server(top) then return nil end
    local chosen
    for _, fit in ipairs(top) do
        local clients = fit.src == "client" or fit.dst == "client"
        local before = chosen and (chosen.src == "client" or chosen.dst == "client")
        if not chosen or (clients and not before)
            or (clients == before and fit.leg.number < chosen.leg.number) then chosen = fit end
    end
    return { call = chosen.leg.call, leg = chosen.leg, src_side = chosen.src, dst_side = chosen.dst }
end

-- The call if all legs that fit are its legs; where both ends fit, the client's leg too.
function traffic.within_one_call(top, best)
    local call, client, clients = top[1].leg.call, nil, 0
    for _, fit in ipairs(top) do
        if fit.leg.call ~= call then return nil end
        if fit.src == "client" or fit.dst == "client" then client, clients = fit, clients + 1 end
    end
    local direct = traffic.past_the_server(top, best)
    if direct then return direct end
    if best == traffic.BOTH and clients == 1 then
        return { call = call, leg = client.leg, src_side = client.src, dst_side = client.dst }
    end
    return { call = call }
end

-- Infers an unknown side where the leg has only one other.
function traffic.both_sides(leg, one, other)
    if (one == nil) == (other == nil) then return one, other end
    local possible = {}
    for _, there in pairs(leg.ports) do
        for side in pairs(there) do
            if side ~= one and side ~= other then list.once(possible, side) end
        end
    end
    if #possible ~= 1 then return one, other end
    return one or possible[1], other or possible[1]
end

function traffic.by_places(index, src, dst, first, last)
    local top, best = traffic.fits_of(index, src, dst, first, last)
    if not top[1] then return nil end
    -- Whoever was not seen to hang up gives way: the port has been used again since.
    local ended = list.filter(top, function(one) return one.leg.stop ~= nil end)
    local fit = traffic.clearly_first(ended[1] and ended or top, first, last)
    if not fit then return traffic.within_one_call(top, best) end
    local one, other = traffic.both_sides(fit.leg, fit.src, fit.dst)
    return { call = fit.leg.call, leg = fit.leg, src_side = one, dst_side = other }
end

-- Returns whose packets these are: call, leg, src_side, dst_side; nil if unsure.
function traffic.owner(index, src, dst, first, last)
    local between = unordered(src, dst)
    local owner = traffic.by_checks(index.checks[between], src, first, last)
    if owner then return owner end
    owner = traffic.by_checks(index.handshakes[between], src, first, last)
    if owner and owner.leg and not owner.src_side and not owner.dst_side then
        local _, one = traffic.fit_of(index, src, owner.leg, first, last)
        local _, other = traffic.fit_of(index, dst, owner.leg, first, last)
        owner.src_side, owner.dst_side = traffic.both_sides(owner.leg, one, other)
    end
    return owner or traffic.by_places(index, src, dst, first, last)
end

-- The streams between the same two places, if those that overlap it are one leg's.
function traffic.from_reverse(index, stream)
    local found
    for _, other in ipairs(capture.streams[unordered(stream.src, stream.dst)] or {}) do
        if other ~= stream and other.first <= stream.last and other.last >= stream.first then
            local owner = traffic.owner(index, other.src, other.dst, other.first, other.last)
            if found and owner and (found.leg ~= owner.leg or found.call ~= owner.call) then return nil end
            if owner then
                local turned = other.src ~= stream.src
                found = { call = owner.call, leg = owner.leg, src_side = turned and owner.dst_side or owner.src_side,
                    dst_side = turned and owner.src_side or owner.dst_side }
            end
        end
    end
    return found
end

-- The places of the RTP stream that RTCP on the next ports belongs to.
function traffic.one_below(place)
    return address.place(address.host(place), max(address.port(place) - 1, 0))
end

-- Returns the owner of an RTP or RTCP stream, worked out once for each state of knowledge.
function traffic.of_stream(index, stream)
    if stream.asked ~= index then
        stream.asked = index
        stream.owner = traffic.owner(index, stream.src, stream.dst, stream.first, stream.last)
            or traffic.from_reverse(index, stream)
        if not stream.owner and stream.is_rtcp then
            local src, dst = traffic.one_below(stream.src), traffic.one_below(stream.dst)
            stream.owner = traffic.owner(index, src, dst, stream.first, stream.last)
        end
    end
    return stream.owner
end

-- The first and the last packet of the media between two places, and of RTCP on the next ports, which has none there.
function traffic.uses_of_media(index, src, dst)
    local uses = {}
    for _, between in ipairs({ unordered(src, dst), unordered(traffic.one_below(src), traffic.one_below(dst)) }) do
        for _, stream in ipairs(capture.streams[between] or {}) do
            local owner = traffic.of_stream(index, stream)
            for _, time in ipairs(owner and { stream.first, stream.last } or {}) do
                insert(uses, { time = time, owner = owner })
            end
        end
    end
    sort(uses, function(one, other) return one.time < other.time end)
    return uses
end

-- Returns the owner of a packet that an ICMP error quotes: a single one, so what runs there tells more than addresses.
function traffic.of_quoted(index, src, dst, time)
    local between = unordered(src, dst)
    return traffic.by_checks(index.checks[between], src, time, time)
        or traffic.by_checks(index.handshakes[between], src, time, time)
        or traffic.by_checks(traffic.uses_of_media(index, src, dst), src, time, time)
        or traffic.by_places(index, src, dst, time, time)
end

-- Returns whose a TCP segment is: of a connection whose messages are all of one call, or whose checks mostly are.
function traffic.of_connection(index, key)
    local between = unordered(packet.places_of(key))
    local owner = index.connections[between]
    if owner then return not owner.mixed and owner or nil end
    local checks = index.checks[between]
    return checks and traffic.most(checks).owner or nil
end

-- Returns the owner of all streams of a flow; and whether they have several.
function traffic.of_flow(index, flow)
    if flow.asked ~= index then
        flow.asked, flow.owner, flow.mixed = index, nil, false
        local before
        for _, stream in pairs(flow.streams) do
            local owner = traffic.of_stream(index, stream) or {}
            flow.mixed = flow.mixed or (before ~= nil and (before.call ~= owner.call or before.leg ~= owner.leg))
            before, flow.owner = owner, owner.call and owner or nil
        end
    end
    return flow.owner, flow.mixed
end

return traffic
