local check = require("check")
local address = require("address")
local capture = require("capture")
local constants = require("constants")
local couples = require("couples")
local evidence = require("evidence")
local joining = require("joining")
local knowledge = require("knowledge")
local list = require("list")
local sip = require("sip")
local tokens = require("tokens")

local test = {}
local WEIGHT, TIMING = constants.evidence, constants.couples

-- A call as its messages: {time, from, to, start line, headers ...}; CSeq and tags are filled in.
local PHONE, SERVER, TRUNK = "192.0.2.10", "192.0.2.20", "203.0.113.30"

local function place(host) return address.place(address.parse(host), 5060) end

local function say(call_id, time, from, to, line, more)
    local text = { line, "Call-ID: " .. call_id, "From: <sip:100@a>;tag=" .. call_id .. "-f", "CSeq: 1 INVITE",
        "To: <sip:03012345678@b>" .. (more and more.to_tag and ";tag=t" or "") }
    for _, header in ipairs(more or {}) do text[#text + 1] = header end
    local m = sip.parse(table.concat(text, "\r\n") .. "\r\n\r\n")
    m.time, m.frame, m.src, m.dst = time, math.floor(time * 1000), place(from), place(to)
    local dialog = capture.dialogs[call_id]
    if not dialog then
        dialog = { id = call_id, messages = {} }
        capture.dialogs[call_id] = dialog
        table.insert(capture.dialogs.list, dialog)
    end
    list.insert(dialog.messages, m)
    capture.learnt, capture.last_time = capture.learnt + 1, math.max(capture.last_time, time)
end

local function leg(call_id, from, to, invite, answer, more)
    say(call_id, invite, from, to, "INVITE sip:03012345678@b SIP/2.0", more)
    say(call_id, answer, to, from, "SIP/2.0 200 OK", { to_tag = true })
    say(call_id, answer + 0.01, from, to, "ACK sip:03012345678@b SIP/2.0", { to_tag = true })
end

local function legs_of(call)
    local ids = {}
    for at, one in ipairs(call.legs) do ids[at] = one.id end
    return ids
end

local function calls()
    local found = {}
    for number, call in ipairs(knowledge.now(true).calls) do found[number] = legs_of(call) end
    return found
end

function test.a_leg_that_follows_through_the_server_is_the_same_call()
    capture.forget()
    leg("in", PHONE, SERVER, 1, 3.02)
    leg("out", SERVER, TRUNK, 1.05, 3)
    check.same(calls(), { { "in", "out" } })
    check.same(capture.dialogs["in"].leg.side, { uac = "other", uas = "server" })
end

function test.calls_of_two_phones_at_the_same_time_stay_apart()
    capture.forget()
    leg("one", PHONE, SERVER, 1, 3)
    leg("two", "192.0.2.11", SERVER, 1.05, 3)
    check.same(calls(), { { "one" }, { "two" } })
end

function test.an_id_in_a_header_joins_what_nothing_else_would()
    capture.forget()
    leg("ab12cd34ef56", PHONE, SERVER, 1, 3)
    leg("out", "198.51.100.1", "198.51.100.2", 9, 10, { "X-Call: ab12cd34ef56" })
    check.same(calls(), { { "ab12cd34ef56", "out" } })
end

function test.what_fits_two_calls_equally_is_left_open_and_said_to_be_unsure()
    capture.forget()
    leg("in1", PHONE, SERVER, 1, 3)
    leg("in2", PHONE, SERVER, 1, 3)
    leg("out", SERVER, TRUNK, 1.05, 3)
    check.same(#calls(), 3)
    check.is(knowledge.now(true).calls[1].doubtful)
end

function test.nothing_counts_after_the_first_legs_end()
    local a = { stop = 5, start = 1, ends = { uac = { host = "a", place = "a", hosts = {} }, uas = { host = "b", place = "b", hosts = {} } } }
    local b = { start = 5.06, ends = { uac = { host = "b", place = "b", hosts = {} }, uas = { host = "c", place = "c", hosts = {} } } }
    check.same(joining.link(a, b, 4.06, { shared = {} }).score, 0)
end

function test.pieces_of_evidence_weigh_what_the_constants_say()
    local now, never = { start = 0, invited = 0 }, { start = 0 }
    check.near(evidence.invite(now, now, 0), WEIGHT.invite * math.log(TIMING.window_s / WEIGHT.grain_s))
    check.near(evidence.invite(never, now, 0), evidence.invite(now, now, 0) / 2)
    check.near(evidence.invite(now, now, -0.01) - evidence.invite(now, now, 0.01), WEIGHT.backward)
    check.near(evidence.answer({ answer = 2, start = 0 }, { answer = 2, start = 0 }),
        WEIGHT.answer + WEIGHT.answer_closeness * math.log(TIMING.reaction_s / WEIGHT.grain_s))
    check.near(evidence.answer({ answer = 9, start = 0 }, { answer = 2, start = 0 }), WEIGHT.answer_apart)
    check.near(evidence.stop({ stop = 9, ended_by = "uac", failure = 486 }, { stop = 9, ended_by = "uas", failure = 486 }),
        WEIGHT.end_other_way * (WEIGHT.end_passed_on + WEIGHT.end_closeness * math.log(TIMING.reaction_s / WEIGHT.grain_s)) + WEIGHT.same_failure)
    check.same({ evidence.lifetime({ stop = 1 }, { stop = 2.1 }), evidence.lifetime({ stop = 9, answer = 1 }, { stop = 2, answer = 1 }),
        evidence.lifetime({ stop = 1 }, { stop = 1 }) }, { WEIGHT.outlives, WEIGHT.goes_on, WEIGHT.ends_within })
end

function test.closeness_falls_from_at_once_to_nothing()
    check.near(evidence.closeness(TIMING.reaction_s), 0)
    check.same(evidence.closeness(TIMING.reaction_s + 0.001), 0)
    check.same(evidence.closeness(-WEIGHT.grain_s - 0.001), 0)
    check.is(evidence.closeness(0) > evidence.closeness(0.1))
end

function test.numbers_equal_at_their_end_alone_are_worth_half()
    local one, other = { exact = "+4930123", tail = "0123", key = "t0123" }, { exact = "+4989123", tail = "0123", key = "t0123" }
    check.near(evidence.same_number(one, other, { t0123 = 4 }, 6), 4 * WEIGHT.doubtful)
    check.near(evidence.same_number(one, one, { t0123 = 40 }, 6), 6)
    check.near(evidence.same_number({ key = "=anna" }, { key = "=anna" }, { ["=anna"] = 4 }, 6), 4 * WEIGHT.short)
    check.same(evidence.same_number({ key = "=anna" }, { key = "=otto" }, {}, 6), nil)
end

function test.a_token_is_worth_less_with_every_doubling_of_its_carriers()
    local function weight_of(kind, carriers)
        local found, legs = { list = {}, shared = {} }, {}
        for at = 1, carriers do legs[at] = { start = at, order = at, invited = at } end
        couples.by_token(found, kind, "value", legs)
        local shared = found.shared[legs[1]]
        return shared and shared[legs[2]][kind]
    end
    check.near(weight_of("header", 2), constants.tokens.strength.header)
    check.near(weight_of("header", 4), constants.tokens.strength.header - constants.tokens.doubling.usually)
    check.near(weight_of("x-header", 4), constants.tokens.strength["x-header"] - constants.tokens.doubling["x-header"])
    check.same(weight_of("header", 64), nil)
end

function test.a_leg_meets_only_so_many_neighbours()
    local met, events = 0, { key = {} }
    for at = 1, 100 do events.key[at] = { time = at / 1000, leg = { order = at } } end
    couples.within(events, 10, 8, function() met = met + 1 end)
    check.same(met, 8 * 92 + 28)
end

function test.headers_about_other_calls_and_about_people_are_no_ids()
    local id = "a1b2c3d4e5f6a7@host"
    local function carriers_of(name)
        local one = { id = "unrelated", sent = { { headers = { { name = name, value = id } } } }, descriptions = {}, agreed = {} }
        local found = tokens.carriers({ one })
        return next(found.header) ~= nil or next(found["x-header"]) ~= nil
    end
    check.is(carriers_of("x-session") and carriers_of("in-reply-to"))
    for _, name in ipairs({ "replaces", "join", "referred-by", "refer-to", "target-dialog", "diversion", "remote-party-id" }) do
        check.is(not carriers_of(name), name)
    end
end

function test.a_call_id_of_which_the_other_keeps_thirty_characters_names_both()
    local first = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    local function shared(...)
        local all = {}
        for _, id in ipairs({ ... }) do all[#all + 1] = { id = id, sent = {}, descriptions = {}, agreed = {} } end
        return #(tokens.carriers(all).header[first:sub(1, 30)] or {})
    end
    check.same(shared(first, first:sub(1, 30) .. "-b2@b"), 2)
    check.same(shared(first, first:sub(1, 31) .. "-b2@b"), 0)
    check.same(shared(first, first:sub(1, 30) .. "-q2", first:sub(1, 30) .. "_q3"), 0)
end

return test
