local check = require("check")
local sip = require("sip")

local test = {}

local OFFER = table.concat({
    "v=0", "o=FreeSWITCH 1234567890 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "a=ice-ufrag:sess",
    "m=audio 4000 RTP/AVP 0", "a=candidate:1 1 UDP 2130706431 10.0.0.5 4000 typ host",
    "a=candidate:2 1 udp 1 203.0.113.5 4002 typ srflx raddr 10.0.0.5 rport 4000 ufrag other",
    "m=video 9 RTP/AVP 96", "c=IN IP6 2001:db8::1", "a=ice-ufrag:vid",
}, "\r\n")

local function message(headers, body)
    return "INVITE sip:200@example.org SIP/2.0\r\n" .. table.concat(headers, "\r\n") .. "\r\n\r\n" .. (body or "")
end

function test.a_request_is_taken_apart()
    local m = sip.parse(message({
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa, SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKb",
        "f: \"A, \\\"B\" <sip:100@example.org>;tag=t1", "t: <sip:200@example.org>", "i: abc@host", "CSeq: 7 INVITE",
        "m: <sip:100@192.0.2.1:5060>", "User-Agent: Phone", "X-Call: 1", "Session-ID: s",
    }))
    check.same({ m.method, m.request_uri, m.call_id, m.cseq, m.branch, m.from_uri, m.from_tag, m.to_tag, m.contact, m.agent },
        { "INVITE", "sip:200@example.org", "abc@host", 7, "z9hG4bKa", "sip:100@example.org", "t1", nil, "sip:100@192.0.2.1:5060", "Phone" })
    check.same(m.headers, { { name = "x-call", value = "1" }, { name = "session-id", value = "s" } })
end

function test.a_response_has_status_and_the_method_of_its_cseq()
    local m = sip.parse("SIP/2.0 488 Not Acceptable Here\r\nCSeq: 1 INVITE\r\nCall-ID: a\r\n\r\n")
    check.same({ m.method, m.status, m.reason, m.kind, m.headers }, { nil, 488, "Not Acceptable Here", "INVITE", nil })
    check.is(sip.answers_invite(m) and not sip.succeeds(m))
end

function test.what_is_no_sip_is_none()
    for _, bytes in ipairs({ "", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\22\3\1", "INVITE  SIP/2.0\r\n\r\n" }) do
        check.same(sip.parse(bytes), nil)
    end
end

function test.a_folded_header_is_one_line()
    check.same(sip.parse(message({ "Call-ID:", " folded" })).call_id, "folded")
end

function test.a_body_ends_where_its_length_says()
    local m = sip.parse(message({ "Content-Type: application/sdp", "Content-Length: " .. #OFFER }, OFFER .. "\r\nm=text 1 x y"))
    check.same(#m.sdp.sections, 2)
end

function test.a_description_is_found_among_the_parts_of_a_body()
    local body = "--b\r\nContent-Type: text/plain\r\n\r\nv=no\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" .. OFFER .. "\r\n--b--"
    local m = sip.parse(message({ "Content-Type: multipart/mixed;boundary=b" }, body))
    check.same({ #m.sdp.sections, m.sdp.sections[1].port }, { 2, 4000 })
end

function test.a_fragment_with_further_candidates_is_told_from_an_offer_alone_and_among_parts()
    local fragment = "a=ice-ufrag:u\r\nm=audio 9 RTP/AVP 0\r\na=candidate:1 1 UDP 7 192.0.2.1 40000 typ host\r\n"
    local parts = "--b\r\nContent-Type: application/trickle-ice-sdpfrag\r\n\r\n" .. fragment .. "--b--"
    for kind, body in pairs({ ["application/trickle-ice-sdpfrag"] = fragment, ["multipart/mixed;boundary=b"] = parts }) do
        local m = sip.parse(message({ "Content-Type: " .. kind }, body))
        local section = m.sdp.sections[1]
        check.same({ m.trickles, #m.sdp.sections, section.candidates[1].port, section.candidates[1].ufrag }, { true, 1, 40000, "u" })
        check.same(section.port, nil)
    end
    check.same(sip.parse(message({ "Content-Type: application/sdp" }, OFFER)).trickles, nil)
end

function test.a_body_of_another_kind_is_no_description()
    check.same(sip.parse(message({ "Content-Type: text/plain" }, OFFER)).sdp, nil)
end

function test.sections_have_what_the_session_says_and_they_do_not()
    local audio, video = sip.sdp.parse(OFFER).sections[1], sip.sdp.parse(OFFER).sections[2]
    check.same({ audio.addr, audio.ufrag, video.addr, video.ufrag }, { "192.0.2.1", "sess", "2001:db8::1", "vid" })
    check.same({ audio.candidates[1].ufrag, audio.candidates[2].ufrag }, { "sess", "other" })
    check.same(sip.sdp.parse(OFFER).owner, "FreeSWITCH")
end

function test.a_candidate_has_its_place_and_its_base()
    local c = sip.sdp.candidate("2 1 UDP 1 203.0.113.5 4002 typ srflx raddr 10.0.0.5 rport 4000")
    check.same({ c.type, c.transport, c.addr_class, #c.place, #c.base }, { "srflx", "udp", "documentation", 6, 6 })
end

function test.a_candidate_that_cannot_be_parsed_has_only_its_class()
    for _, line in ipairs({ "", "1 1 udp 1 10.0.0.1 x typ host", "1 1 udp 1 10.0.0.1 4000 type host",
        "1 1 udp 1 10.0.0.1 4000 typ srflx raddr 1.2.3.4 rport x", "1 1 udp " .. ("9"):rep(400) .. " 10.0.0.1 1 typ host" }) do
        check.same(sip.sdp.candidate(line), { addr_class = "invalid" })
    end
end

function test.users_are_read_from_any_kind_of_uri()
    for uri, user in pairs({ ["sip:+49%2030@h"] = "+49 30", ["tel:030;phone-context=x"] = "030", ["sips:a@b@c"] = "a@b", ["sip:u:pw@h"] = "u" }) do
        check.same(sip.user(uri), user)
    end
    check.same(sip.user("sip:host"), nil)
end

return test
