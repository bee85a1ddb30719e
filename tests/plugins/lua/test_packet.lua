local check = require("check")
local capture = require("capture")
local packet = require("packet")

local test = {}
local stun = packet.stun

local function bytes(hex) return (hex:gsub("%s", ""):gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end)) end

local IPV4 = "45 00 00 30 00 01 00 00 40 11 00 00 c0000201 c0000202"
local UDP = "13c4 13ce 001c 0000"
local IPV6 = "60000000 001c %s 40 20010db8000000000000000000000001 20010db8000000000000000000000002"

function test.ip_is_found_behind_any_link_layer_by_the_ports()
    capture.forget()
    local frame = bytes("ffffffffffff aabbccddeeff 8100 0001 0800" .. IPV4 .. UDP) .. ("x"):rep(20)
    check.same({ packet.find(frame, 5060, 5070) }, { 19, 39, 17, 4 })
    check.same(capture.places, { 19 })
    check.same(packet.find(frame, 5060, 5071), nil)
end

function test.headers_between_ipv6_and_udp_are_passed_over()
    local options = bytes(IPV6:format("00") .. "3c00 000000000000" .. "1101 0000000000000000000000000000" .. UDP)
    check.same({ packet.transport(options, 1) }, { 65, 17, 6 })
end

function test.options_of_ipv4_are_passed_over()
    check.same({ packet.transport(bytes("46 00 00 34 00 01 00 00 40 11 00 00 c0000201 c0000202 01010101" .. UDP), 1) }, { 25, 17, 4 })
end

function test.a_segment_without_length_reaches_to_the_end_of_what_was_captured()
    local frame = bytes("45 00 0000 0001 0000 4006 0000 c0000201 c0000202 13c4 13ce 00000001 00000000 5018 0000 0000 0000") .. "payload"
    local segment = packet.segment(frame, 1, 21, 4)
    check.same({ segment.payload, segment.size, segment.sequence }, { "payload", 7, 1 })
    local six = bytes(IPV6:format("06"):gsub("001c", "0000") .. "13c4 13ce 00000001 00000000 5018 0000 0000 0000") .. "payload"
    check.same(packet.segment(six, 1, 41, 6).payload, "payload")
end

function test.fragments_are_no_packets_but_are_known_as_such()
    local first = bytes("45 00 00 1d 00 01 20 00 40 11 00 00 c0000201 c0000202" .. "0102030405060708 09")
    check.same(packet.transport(first, 1), nil)
    check.is(packet.is_fragment(first, 1))
    check.is(not packet.is_fragment(first:sub(1, -2), 1), "one that is cut short is none")
end

function test.no_bytes_at_all_do_no_harm()
    for _, short in ipairs({ "", "\69", "\96", bytes(IPV4):sub(1, 9) }) do
        check.same(packet.transport(short, 1), nil)
        check.is(not packet.is_fragment(short, 1))
    end
end

function test.a_second_capture_of_a_packet_is_told_by_its_bytes_in_time()
    capture.forget()
    local first = bytes(IPV4 .. UDP)
    local routed = first:sub(1, 8) .. "\63" .. first:sub(10)
    check.same(packet.original(first, 1, 0, "first"), nil)
    check.same(packet.original(first, 1.004, 0, "again"), "first")
    check.same(packet.original(routed, 1.004, 0, "other TTL, same interface"), nil)
    check.same(packet.original(routed, 1.008, 1, "other interface"), "other TTL, same interface")
    check.same(packet.original(first, 1.02, 1, "later"), nil)
end

function test.a_packet_without_number_of_ip_may_come_again_sooner()
    capture.forget()
    local first = bytes(IPV4 .. UDP)
    first = first:sub(1, 4) .. "\0\0" .. first:sub(7)
    packet.original(first, 1, 0, "first")
    check.same(packet.original(first, 1.0004, 0, "copy"), "first")
    check.same(packet.original(first, 1.001, 0, "another"), nil)
end

function test.types_of_icmp_are_told_apart_by_version()
    check.is(packet.is_error(4, 3) and not packet.is_error(4, 8) and packet.is_error(6, 1) and not packet.is_error(6, 128))
    check.is(not packet.is_error(4, nil))
    check.is(packet.is_hard(4, 3) and not packet.is_hard(4, 11) and not packet.is_hard(6, 2))
    check.is(packet.is_harmless(4, 5) and not packet.is_harmless(6, 4))
end

function test.a_quoted_packet_gives_its_places()
    local src, dst, rest = packet.quote(bytes("0300 0000 00000000" .. IPV4 .. UDP .. "aabb"), 9, 4)
    check.same({ src, dst, rest }, { bytes("c0000201 13c4"), bytes("c0000202 13ce"), bytes("aabb") })
    check.same(packet.quote(bytes("0300 0000 00000000" .. IPV4 .. UDP), 9, 6), nil)
    check.same(packet.quote(bytes("0300 0000 00000000" .. IPV4 .. "13c4"), 9, 4), nil)
end

function test.dtls_records_are_walked_to_the_last_whole_one()
    local seen = {}
    local record = "16 fefd 0000 000000000000 0002 0102"
    packet.records(bytes(record .. "15 fefd 0001 000000000001 0002 0228" .. "16 fefd"), function(...) seen[#seen + 1] = { ... } end)
    check.same(seen, { { 22, 0, 1, 2 }, { 21, 1, 2, 40 } })
end

function test.a_unified_header_ends_what_can_be_read()
    local seen = {}
    packet.records("\47" .. ("\0"):rep(20), function(...) seen[#seen + 1] = { ... } end)
    check.same(seen, { { 23, 2 } })
end

function test.channel_data_must_have_all_its_bytes()
    check.same(packet.in_channel(bytes("4001 0004 80000000"), 1), 5)
    check.same(packet.in_channel(bytes("4001 0005 80000000"), 1), nil)
    check.same(packet.in_channel(bytes("4001"), 1), nil)
end

-- RFC 5769, section 2.2: sample response over IPv4; 2.3: over IPv6.
local OVER_IPV4 = bytes("0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220"
    .. "00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96")
local OVER_IPV6 = bytes("01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220"
    .. "00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9 00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c")

function test.the_samples_of_rfc_5769_are_read()
    local m = stun.parse(OVER_IPV4)
    check.same({ m.kind, m.binding, m.id, m.mapped, m.software, m.checks },
        { "success", true, bytes("b7e7a701bc34d686fa87dfae"), bytes("c0000201 8055"), "test vector", false })
    check.same(stun.parse(OVER_IPV6).mapped, bytes("20010db8123456780011223344556677 8055"))
end

function test.attributes_cut_short_are_left_out()
    for length = 20, #OVER_IPV4 - 1 do
        local m = stun.parse(OVER_IPV4:sub(1, length))
        check.is(m.mapped == nil or length >= 48, length .. " bytes gave an address")
    end
end

function test.without_cookie_only_a_whole_binding_message_is_stun()
    check.is(stun.is(bytes("0001 0000") .. ("x"):rep(16)))
    check.is(not stun.is(bytes("0001 0004") .. ("x"):rep(16)))
    check.is(not stun.is(bytes("0002 0000") .. ("x"):rep(16)))
    check.is(stun.is(OVER_IPV4) and not stun.is(OVER_IPV4:sub(1, 19)))
end

function test.a_username_has_the_receivers_ufrag_first()
    check.same({ stun.halves("recv:send:more") }, { "recv", "send:more" })
    check.same({ stun.halves("alone") }, {})
    check.same({ stun.halves(nil) }, {})
end

function test.methods_and_classes_are_told_by_the_first_two_bytes()
    local function kind(hex) local m = stun.parse(bytes(hex .. "0000 2112a442") .. ("i"):rep(12)) return { m.kind, m.binding } end
    check.same(kind("0001"), { "request", true })
    check.same(kind("0011"), { "indication", true })
    check.same(kind("0111"), { "error", true })
    check.same(kind("0003"), { "request", false })
    check.same(kind("0201"), { "request", false })
end

return test
