-- All together: what is known of the file by now

local constants = require("constants")
local capture = require("capture")
local list = require("list")
local text = require("text")
local address = require("address")
local dialogs = require("dialogs")
local parties = require("parties")
local joining = require("joining")
local ice = require("ice")
local bindings = require("bindings")
local traffic = require("traffic")

local huge = math.huge
local insert, concat, sort = table.insert, table.concat, table.sort
local unordered = text.unordered

local knowledge = {
    -- So many frames are worked out after each one, then every time there are 5 % more: the whole of a
    -- large file costs about 20 times what its end does, whatever its size.
    AT_ONCE = 200, GROWTH = 1.05,
}

-- The country's calling code as the user has set it; none without Wireshark.
function knowledge.country_code() return "" end

-- Returns the legs by time of their first message.
function knowledge.find_legs()
    local all = {}
    for _, dialog in ipairs(capture.dialogs.list) do
        dialog.leg = nil
        local sent = dialogs.of_invite(dialog.messages)
        if sent then
            local leg = { id = dialog.id, sent = sent, shared = {} }
            dialog.leg, leg.group = leg, leg
            dialogs.parties(dialog.messages)
            dialogs.describe(leg, sent)
            dialogs.ufrags(leg, dialog.messages)
            parties.users(leg, sent, knowledge.country_code())
            parties.hosts(leg, dialog.messages)
            local margin = constants.whose.margin_s
            leg.from, leg.till = sent[1].time - margin, leg.stop and leg.stop + margin or huge
            insert(all, leg)
        end
    end
    sort(all, function(one, other) return list.earlier(one.first, other.first) end)
    for order, leg in ipairs(all) do leg.order = order end
    return all
end

-- Of legs of one moment the one whose first frame comes first.
function knowledge.earlier_leg(one, other)
    if one.start ~= other.start then return one.start < other.start end
    if one.first.frame ~= other.first.frame then return one.first.frame < other.first.frame end
    return one.id < other.id
end

-- Returns the calls made of legs, not numbered yet.
function knowledge.calls_of(all)
    local calls = {}
    for _, leg in ipairs(all) do
        local first = joining.root(leg)
        if not first.call_record then
            first.call_record = { legs = {} }
            insert(calls, first.call_record)
        end
        leg.call = first.call_record
        leg.call.doubtful = leg.call.doubtful or leg.doubtful
        insert(leg.call.legs, leg)
    end
    for _, call in ipairs(calls) do
        sort(call.legs, knowledge.earlier_leg)
        call.start, call.frame, call.name = call.legs[1].start, call.legs[1].first.frame, call.legs[1].id
        for number, leg in ipairs(call.legs) do leg.number = number end
    end
    return calls
end

-- Numbers the calls by their first INVITE, else first message or check.
function knowledge.number_calls(calls, alone)
    for _, one in ipairs(alone) do
        one.call = { legs = {}, start = one.start, frame = 0, name = concat(one.ufrags, " ") }
        insert(calls, one.call)
    end
    sort(calls, function(one, other)
        if one.start ~= other.start then return one.start < other.start end
        if one.frame ~= other.frame then return one.frame < other.frame end
        return one.name < other.name
    end)
    for number, call in ipairs(calls) do call.number = number end
end

function knowledge.add_place(places, leg, party, place)
    local side = leg.side[party]
    local key = party .. place
    if leg.named[key] then return end
    leg.named[key] = true
    list.at(leg.ports, address.port(place))[side] = true
    insert(list.at(places, place), { start = leg.from, stop = leg.till, leg = leg, side = side,
        owner = { call = leg.call, leg = leg } })
end

-- Returns where the legs' media may come from or go to, by their SDP, and for how long.
function knowledge.media_places(all)
    local places = {}
    for _, leg in ipairs(all) do
        leg.named, leg.ports = {}, {}
        for _, m in ipairs(leg.descriptions) do
            for _, section in ipairs(m.sdp.sections) do
                local place = address.media_place(section.addr, section.port)
                if place then knowledge.add_place(places, leg, m.party, place) end
                -- NAT may hide the described address at both ends: where no ICE tells more, the media comes
                -- from where the party's SIP comes from.
                local signalling = not section.ufrag and leg[m.party]
                place = signalling and address.media_at(address.host(signalling), section.port)
                if place then knowledge.add_place(places, leg, m.party, place) end
                for _, c in ipairs(section.candidates) do
                    if c.place then knowledge.add_place(places, leg, m.party, c.place) end
                    if c.base then knowledge.add_place(places, leg, m.party, c.base) end
                end
            end
        end
    end
    for _, items in pairs(places) do list.spans(items) end
    return places
end

function knowledge.learn_name(names, place, name, time)
    local of_place = list.at(names, place)
    if not of_place[1] or of_place[#of_place].name ~= name then insert(of_place, { name = name, time = time }) end
end

-- What checks and look-ups tell of places: whose they are, and their names across a NAT.
function knowledge.index_bindings(index, transactions)
    for _, tx in ipairs(transactions) do
        if tx.owner and tx.purpose == "check" then
            insert(list.at(index.checks, unordered(tx.src, tx.dst)), { time = tx.time, owner = tx.owner,
                src = tx.src, src_side = tx.src_side, dst_side = tx.dst_side })
        end
        if tx.mapped then list.at(index.outside, tx.src)[tx.mapped] = true end
        if tx.mapped and tx.mapped ~= tx.src then
            knowledge.learn_name(index.mapped, tx.src, tx.mapped, tx.time)
            knowledge.learn_name(index.mapped, tx.mapped, tx.src, tx.time)
        end
    end
end

function knowledge.index_handshakes(index)
    for _, segment in ipairs(capture.segments) do
        segment.owner = traffic.owner(index, segment.src, segment.dst, segment.first, segment.last)
    end
    for _, segment in ipairs(capture.segments) do
        if segment.owner and segment.handshake then
            local owner = segment.owner
            list.insert(list.at(index.handshakes, unordered(segment.src, segment.dst)), { time = segment.first,
                frame = segment.frame, owner = owner, src = segment.src, src_side = owner.src_side,
                dst_side = owner.dst_side })
        end
    end
end

-- Whose a connection is that carries SIP: a call's, where its messages are all of one; then of one leg, if all are.
function knowledge.connections(all)
    local found = {}
    for _, leg in ipairs(all) do
        for _, m in ipairs(leg.sent) do
            local between = unordered(m.src, m.dst)
            local owner = found[between]
            if not owner then
                found[between] = { call = leg.call, leg = leg }
            elseif owner.call ~= leg.call then
                owner.mixed = true
            elseif owner.leg ~= leg then
                owner.leg = nil
            end
        end
    end
    -- Messages of no call, an OPTIONS say, are on a connection that outlives calls.
    for _, dialog in ipairs(capture.dialogs.list) do
        for _, m in ipairs(dialog.leg and {} or dialog.messages) do found[unordered(m.src, m.dst)] = nil end
    end
    return found
end

function knowledge.work_out()
    local all = knowledge.find_legs()
    joining.join(all)
    local calls = knowledge.calls_of(all)
    for _, call in ipairs(calls) do parties.sides_of_call(call.legs) end
    local sessions, alone = ice.sessions(all)
    knowledge.number_calls(calls, alone)
    for _, of_ufrags in pairs(sessions) do
        for _, session in ipairs(of_ufrags) do session.sides = parties.sides_of_session(session) end
    end
    local index = { calls = calls, checks = {}, handshakes = {}, mapped = {}, outside = {} }
    index.connections = knowledge.connections(all)
    index.offers = ice.candidates_of(all)
    index.places = knowledge.media_places(all)
    index.transactions = bindings.find(sessions, index.places)
    knowledge.index_bindings(index, index.transactions)
    knowledge.index_handshakes(index)
    return index
end

-- Whether it is time to work it all out again. While a large file is read for the first time that is
-- not done for every message: then the last ones may not have a call yet.
function knowledge.is_due(complete)
    if not capture.index then return true end
    if complete and not capture.turned then return true end
    local nothing_new = capture.learnt == capture.index_at
    if nothing_new and (not complete or capture.last_time == capture.index_until) then return false end
    if capture.learnt <= knowledge.AT_ONCE then return true end
    if not complete then return capture.learnt >= capture.index_at * knowledge.GROWTH end
    return os.clock() - capture.index_clock > 5 * capture.index_cost -- a live capture, between two redraws
end

-- Returns what is known; ``complete``: the whole file was read, so what was not answered never was.
function knowledge.now(complete)
    if knowledge.is_due(complete) then
        local since = os.clock()
        capture.index, capture.index_at, capture.index_until = knowledge.work_out(), capture.learnt, capture.last_time
        capture.index_clock = os.clock()
        capture.index_cost, capture.turned = capture.index_clock - since, capture.turned or complete
    end
    return capture.index
end

return knowledge
