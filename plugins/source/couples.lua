-- Which legs are looked at together: those that share a key, near each other in time
--
-- Every leg meets at most so many neighbours per key: so the work stays linear when thousands of
-- calls go to one number, through one host, at the same time.

local constants = require("constants")
local list = require("list")
local tokens = require("tokens")

local max, min, log, huge = math.max, math.min, math.log, math.huge
local insert, sort = table.insert, table.sort

local couples = {}

local TIMING, DOUBLING = constants.couples, constants.tokens.doubling

function couples.by_time(one, other)
    if one.time ~= other.time then return one.time < other.time end
    return one.leg.order < other.leg.order
end

-- Calls visit(earlier, later) for events of one key at most a window apart. An event has leg, time,
-- and up and down: whether its leg can be upstream or downstream.
function couples.within(events, window, neighbours, visit)
    for _, of_key in pairs(events) do
        sort(of_key, couples.by_time)
        for at, later in ipairs(of_key) do
            for step = 1, min(neighbours, at - 1) do
                local earlier = of_key[at - step]
                if later.time - earlier.time > window then break end
                visit(earlier, later)
            end
        end
    end
end

-- Remembers a couple of legs, once.
function couples.add(collected, a, b)
    if a == b then return end
    local downstream = list.at(collected, a)
    if not downstream[b] then
        downstream[b] = true
        insert(collected.list, { a = a, b = b })
    end
end

-- Upstream comes first, or nearly so, unless any order may be.
function couples.direct(collected, earlier, later, any_order)
    if earlier.up and later.down then couples.add(collected, earlier.leg, later.leg) end
    if later.up and earlier.down and (any_order or later.time - earlier.time <= TIMING.disorder_s) then
        couples.add(collected, later.leg, earlier.leg)
    end
end

function couples.event(events, key, leg, time, up, down)
    if key and time then insert(list.at(events, key), { leg = leg, time = time, up = up, down = down }) end
end

function couples.starting(collected, events, window, neighbours)
    couples.within(events, window, neighbours or TIMING.neighbours, function(earlier, later)
        -- Of two legs that precede the capture nobody knows which came first.
        couples.direct(collected, earlier, later, not (earlier.leg.invited and later.leg.invited))
    end)
end

function couples.reacting(collected, events)
    couples.within(events, TIMING.reaction_s, TIMING.few, function(earlier, later)
        couples.direct(collected, earlier, later, true)
    end)
end

function couples.by_number(collected, all)
    local both, callee, caller, stops = {}, {}, {}, {}
    for _, leg in ipairs(all) do
        for _, to in ipairs(leg.callee) do
            couples.event(callee, to.key, leg, leg.start, true, true)
            if not leg.invited then couples.event(stops, to.key, leg, leg.stop, true, true) end
            for _, from in ipairs(leg.caller) do
                couples.event(both, from.key .. "\0" .. to.key, leg, leg.start, true, true)
            end
        end
        for _, from in ipairs(leg.caller) do couples.event(caller, from.key, leg, leg.start, true, true) end
    end
    for _, events in ipairs({ both, callee, caller }) do couples.starting(collected, events, TIMING.window_s) end
    couples.reacting(collected, stops)
end

function couples.agent_of(ending) return { ending.agent } end

function couples.hosts_of(ending) return ending.hosts end

-- Couples in which the callee's host, or its name, upstream is the caller's downstream.
function couples.by_host(collected, all, keys_of, neighbours)
    local starts, answers, stops = {}, {}, {}
    for _, leg in ipairs(all) do
        for party, ending in pairs(leg.ends) do
            for _, key in ipairs(keys_of(ending)) do
                local up, down = party == "uas", party == "uac"
                couples.event(starts, key, leg, leg.start, up, down)
                couples.event(answers, key, leg, leg.answer, up, down)
                couples.event(stops, key, leg, leg.stop, up, down)
            end
        end
    end
    couples.starting(collected, starts, TIMING.window_s, neighbours)
    couples.reacting(collected, answers)
    couples.reacting(collected, stops)
end

-- Notes what identities two legs share, by kind: the weight of the rarest value.
function couples.by_token(collected, kind, value, carriers)
    local weight = constants.tokens.strength[kind] - (DOUBLING[kind] or DOUBLING.usually) * log(#carriers / 2) / log(2)
    if #carriers < 2 or weight <= 0 then return end
    local events, near = {}, { list = {} }
    for _, leg in ipairs(carriers) do couples.event(events, value, leg, leg.start, true, true) end
    couples.starting(near, events, huge)
    for _, pair in ipairs(near.list) do
        couples.add(collected, pair.a, pair.b)
        local shared = list.at(list.at(collected.shared, pair.a), pair.b)
        shared[kind] = max(shared[kind] or 0, weight)
    end
end

-- Returns the couples worth a look: {list = {{a, b}}, shared = {a = {b = {kind = weight}}}}.
function couples.all(all)
    local collected = { list = {}, shared = {} }
    couples.by_number(collected, all)
    couples.by_host(collected, all, couples.hosts_of, TIMING.neighbours)
    couples.by_host(collected, all, couples.agent_of, TIMING.few)
    for kind, values in pairs(tokens.carriers(all)) do
        for value, carriers in pairs(values) do couples.by_token(collected, kind, value, carriers) end
    end
    return collected
end

return couples
