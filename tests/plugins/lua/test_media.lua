local check = require("check")
local address = require("address")
local bindings = require("bindings")
local capture = require("capture")
local constants = require("constants")
local ice = require("ice")
local list = require("list")
local parties = require("parties")
local traffic = require("traffic")

local test = {}

local function place(text, port) return address.place(address.parse(text), port) end

local HERE, THERE, ELSEWHERE = place("10.0.0.1", 4000), place("192.0.2.1", 5000), place("192.0.2.9", 5000)

local function leg(number, from, till, order)
    return { number = number, order = order or number, call = { number = number }, ports = {}, from = from, till = till,
        first = { time = from }, stop = till }
end

-- What is known, of legs whose SDP names places: {leg, place, side}.
local function known(...)
    local places = {}
    for _, one in ipairs({ ... }) do
        local owner, where, side = one[1], one[2], one[3]
        list.at(owner.ports, address.port(where))[side] = true
        table.insert(list.at(places, where), { start = owner.from, stop = owner.till, leg = owner, side = side })
    end
    for _, spans in pairs(places) do list.spans(spans) end
    return { checks = {}, handshakes = {}, mapped = {}, outside = {}, places = places }
end

function test.packets_between_two_addresses_of_a_leg_are_its()
    local one, other = leg(1, 0, 10), leg(2, 0, 10)
    local owner = traffic.owner(known({ one, HERE, "server" }, { one, THERE, "client" }, { other, HERE, "server" }), HERE, THERE, 2, 3)
    check.same({ owner.leg, owner.src_side, owner.dst_side }, { one, "server", "client" })
end

function test.a_port_used_again_belongs_to_who_lives_then()
    local one, other = leg(1, 0, 10), leg(2, 20, 30)
    local facts = known({ one, HERE, "server" }, { other, HERE, "server" })
    check.same(traffic.owner(facts, HERE, ELSEWHERE, 2, 3).leg, one)
    check.same(traffic.owner(facts, HERE, ELSEWHERE, 22, 23).leg, other)
    check.same(traffic.owner(facts, HERE, ELSEWHERE, 14, 15), nil)
end

function test.two_legs_that_fit_equally_are_not_guessed_between()
    local one, other = leg(1, 0, 10), leg(2, 0, 10)
    check.same(traffic.owner(known({ one, HERE, "server" }, { other, HERE, "server" }), HERE, ELSEWHERE, 2, 3), nil)
end

function test.media_past_the_server_is_the_first_legs()
    local call = { number = 1 }
    local one, other = leg(1, 0, 10), leg(2, 0, 10)
    one.call, other.call = call, call
    local facts = known(
        { one, HERE, "client" }, { one, THERE, "server" }, { other, HERE, "server" }, { other, THERE, "other" })
    local owner = traffic.owner(facts, HERE, THERE, 2, 3)
    check.same({ owner.leg, owner.src_side, owner.dst_side }, { one, "client", "server" })
    owner = traffic.owner(facts, THERE, HERE, 2, 3)
    check.same({ owner.leg, owner.src_side, owner.dst_side }, { one, "server", "client" })
end

function test.two_legs_with_the_same_server_are_not_past_it()
    local call = { number = 1 }
    local one, other = leg(1, 0, 10), leg(2, 0, 10)
    one.call, other.call = call, call
    local facts = known(
        { one, HERE, "other" }, { one, THERE, "server" }, { other, HERE, "other" }, { other, THERE, "server" })
    check.same(traffic.owner(facts, HERE, THERE, 2, 3), { call = call })
end

function test.an_address_in_a_crowd_tells_nothing()
    local all = {}
    for number = 1, constants.whose.most_legs + 1 do all[number] = { leg(number, 0, number), HERE, "server" } end
    check.same(traffic.owner(known((table.unpack or unpack)(all)), HERE, ELSEWHERE, 0.5, 0.6), nil)
end

function test.an_address_behind_a_nat_is_known_by_its_other_name()
    local one = leg(1, 0, 10)
    local facts = known({ one, THERE, "client" })
    facts.mapped[ELSEWHERE] = { { name = THERE, time = 0 } }
    check.same(traffic.owner(facts, ELSEWHERE, HERE, 2, 3).leg, one)
end

local function request(time, id, more)
    local m = { time = time, frame = time, kind = "request", src = HERE, dst = THERE, id = id }
    for key, value in pairs(more or {}) do m[key] = value end
    return m
end

local function transaction(...)
    local tx = { all = {}, requests = {}, successes = {}, errors = {} }
    for _, m in ipairs({ ... }) do
        m.tx = tx
        list.insert(tx.all, m)
        list.insert(m.kind == "request" and tx.requests or m.kind == "success" and tx.successes or tx.errors, m)
    end
    table.insert(capture.transactions.list, tx)
    return tx
end

local function answered(time, kind) return request(time, "i", { kind = kind, src = THERE, dst = HERE }) end

function test.what_became_of_a_binding()
    capture.forget()
    local success, failed = transaction(request(1, "a"), answered(1.5, "error"), answered(2, "success")), transaction(request(1, "b"), answered(2, "error"))
    local given_up, pending, alone = transaction(request(1, "c")), transaction(request(98, "d")), transaction(answered(5, "success"))
    capture.last_time = 100
    bindings.find({}, {})
    local outcomes = {}
    for at, tx in ipairs({ success, failed, given_up, pending, alone }) do outcomes[at] = tx.outcome end
    check.same(outcomes, { "success", "error", "unanswered", "pending", "response_only" })
end

function test.a_round_trip_is_from_the_last_request_before_the_response()
    capture.forget()
    local tx = transaction(request(1, "a"), request(1.5, "a"), answered(1.75, "success"), request(2, "a"))
    bindings.find({}, {})
    check.near(tx.rtt, 0.25)
end

function test.a_look_up_from_ports_that_carry_media_keeps_them_open()
    capture.forget()
    local kept, asked = transaction(request(1, "a")), transaction(request(1, "b", { src = ELSEWHERE, dst = place("192.0.2.3", 3478) }))
    capture.flows.flow = { key = address.flow(THERE, HERE), packets = constants.rtp.fewest_packets }
    bindings.find({}, {})
    check.same({ kept.purpose, asked.purpose }, { "keepalive", "discovery" })
    check.same(transaction(request(3, "c", { checks = true })).requests[1].checks and "check", "check")
end

function test.a_hard_error_of_icmp_ends_a_binding_at_once()
    capture.forget()
    local tx = transaction(request(1, "a"))
    capture.transactions.a, capture.last_time = tx, 1.2
    table.insert(capture.icmp, { time = 1.1, src = HERE, dst = THERE, id = "a", hard = true, error = true })
    bindings.find({}, {})
    check.same({ tx.outcome, tx.refused }, { "unanswered", true })
end

function test.an_error_about_the_response_says_nothing_of_the_request()
    capture.forget()
    local tx = transaction(request(1, "a"))
    capture.transactions.a, capture.last_time = tx, 1.2
    table.insert(capture.icmp, { time = 1.1, src = THERE, dst = HERE, id = "a", hard = true, error = true })
    bindings.find({}, {})
    check.same(tx.outcome, "pending")
end

function test.the_kind_of_a_candidate_is_told_by_address_then_base_then_port()
    local offered = { { place = THERE, type = "srflx", base = HERE, port = 5000 }, { place = HERE, type = "host", port = 4000 } }
    check.same(ice.type_of(THERE, {}, offered, false), "srflx")
    check.same(ice.type_of(HERE, {}, { offered[1] }, true), "srflx")
    check.same(ice.type_of(ELSEWHERE, { [HERE] = true }, offered, false), "host")
    check.same(ice.type_of(place("10.9.9.9", 4000), {}, offered, true), "host")
    check.same(ice.type_of(ELSEWHERE, {}, offered, false), "prflx")
    check.same(ice.type_of(ELSEWHERE, {}, {}, false), nil)
end

function test.sides_come_from_markers_then_the_shared_machine_then_roles()
    local function end_sides(...)
        local legs = {}
        for at, one in ipairs({ ... }) do
            legs[at] = { descriptions = {}, author = {}, shared = one.shared or {}, uac_agent = one.uac, uas_agent = one.uas }
        end
        parties.sides_of_call(legs)
        local sides = {}
        for at, one in ipairs(legs) do sides[at] = one.side.uac .. " " .. one.side.uas end
        return sides
    end
    check.same(end_sides({ uas = "FreeSWITCH-mod_sofia/1.10" }), { "other server" })
    check.same(end_sides({}), { "client server" })
    check.same(end_sides({ shared = { uas = true } }, { shared = { uac = true } }), { "other server", "server other" })
    -- A server's mark where no B2BUA is contradicts it: then the mark is not believed.
    check.same(end_sides({ shared = { uas = true }, uac = "FreeSWITCH" }, { shared = { uac = true } }), { "other server", "server other" })
end

return test
