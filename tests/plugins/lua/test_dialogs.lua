local check = require("check")
local dialogs = require("dialogs")

local test = {}

local function invite(time, more)
    local m = { time = time, frame = time, method = "INVITE", kind = "INVITE", src = "aaaa\0\1", dst = "bbbb\0\1", from_tag = "f", cseq = 1,
        from_uri = "sip:a@h", to_uri = "sip:b@h" }
    for key, value in pairs(more or {}) do m[key] = value end
    return m
end

local function response(time, status, more)
    local m = invite(time, { status = status, src = "bbbb\0\1", dst = "aaaa\0\1", to_tag = "t" })
    m.method = nil
    for key, value in pairs(more or {}) do m[key] = value end
    return m
end

local function request(time, method, more)
    local m = invite(time, { method = method, kind = method, to_tag = "t", cseq = 2 })
    for key, value in pairs(more or {}) do m[key] = value end
    return m
end

local function described(...)
    local leg = {}
    dialogs.describe(leg, { ... })
    return leg
end

function test.an_answered_call_ends_with_its_bye()
    local leg = described(invite(1), response(2, 180), response(3, 200), request(3.1, "ACK", { cseq = 1 }), request(9, "BYE"))
    check.same({ leg.start, leg.ringing, leg.answer, leg.final, leg.ended, leg.stop, leg.ended_by }, { 1, 2, 3, 200, "bye", 9, "uac" })
end

function test.the_called_party_hangs_up_with_its_own_tag_in_from()
    local leg = described(invite(1), response(3, 200), request(9, "BYE", { from_tag = "t", to_tag = "f", src = "bbbb\0\1", dst = "aaaa\0\1" }))
    check.same({ leg.ended, leg.ended_by }, { "bye", "uas" })
end

function test.a_cancelled_call_was_given_up_by_the_caller()
    local leg = described(invite(1), request(2, "CANCEL", { cseq = 1 }), response(2.1, 487))
    check.same({ leg.ended, leg.ended_by, leg.failure }, { "cancel", "uac" })
end

function test.a_challenge_is_not_the_final_response()
    local leg = described(invite(1), response(2, 401), invite(3, { cseq = 2 }), response(4, 200, { cseq = 2 }))
    check.same({ leg.start, leg.final, leg.answer }, { 1, 200, 4 })
end

function test.a_success_beats_a_later_failure()
    check.same(described(invite(1), response(2, 200), response(3, 486, { to_tag = "u" })).final, 200)
end

function test.a_call_that_began_before_the_capture_is_known_by_its_bye()
    local leg = described(request(5, "BYE"))
    check.same({ leg.start, leg.invited, leg.mid_call, leg.ended }, { 5, nil, true, "bye" })
end

function test.registrations_make_no_leg()
    check.same(dialogs.of_invite({ { kind = "REGISTER", method = "REGISTER", to_tag = "t" }, { kind = "OPTIONS" } }), nil)
    check.same(#dialogs.of_invite({ invite(1), { kind = "REGISTER", to_tag = "t" }, { kind = "INFO", to_tag = "t" } }), 2)
end

function test.ufrags_of_offer_and_answer_are_a_pair_caller_first()
    local leg, offered = {}, function(ufrag) return { sections = { { ufrag = ufrag } } } end
    local messages = { invite(1, { sdp = offered("call") }), response(2, 200, { sdp = offered("answ") }) }
    dialogs.parties(messages)
    dialogs.ufrags(leg, messages)
    check.same({ leg.agreed[1], leg.author }, { { "call", "answ" }, { call = "uac", answ = "uas" } })
end

function test.an_offer_in_the_response_is_answered_by_the_ack()
    local leg, described_by = {}, function(ufrag) return { sections = { { ufrag = ufrag } } } end
    local messages = { invite(1), response(2, 200, { sdp = described_by("answ") }), request(3, "ACK", { cseq = 1, sdp = described_by("call") }) }
    dialogs.parties(messages)
    dialogs.ufrags(leg, messages)
    check.same(leg.agreed[1], { "call", "answ" })
end

return test
