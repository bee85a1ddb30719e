local check = require("check")
local framing = require("framing")
local packet = require("packet")

local test = {}

local STUN = "\0\1\0\0" .. packet.stun.COOKIE .. ("i"):rep(12)
local MEDIA = "\128\0" .. ("m"):rep(30)

local function framed(data) return string.char(0, #data) .. data end

-- Gives segments to a direction, each {sequence, payload}; returns the messages as text with the segment's number.
local function taken(way, segments)
    local found = {}
    for number, given in ipairs(segments) do
        local segment = { sequence = given[1], payload = given[2], size = given.size or #given[2], opens = given.opens,
            number = number }
        for _, one in ipairs(framing.take(way, segment)) do
            found[#found + 1] = one.segment.number .. one.kind .. ":" .. one.data
        end
    end
    return found
end

function test.messages_are_told_by_the_first_one()
    check.same(framing.of(STUN), "TURN")
    check.same(framing.of(framed(STUN)), "RFC 4571")
    check.same({ framing.of(framed(MEDIA)), framing.of("INVITE sip:"), framing.of("") }, {})
    local channel = "\64\1\0\3abc\0"
    check.same({ framing.of(channel, true), framing.of(channel, false) }, { "TURN", nil })
    check.same(framing.of(channel .. "x", true), nil)
end

function test.what_is_split_or_joined_comes_whole_and_once()
    local stream = framed(STUN) .. framed(MEDIA) .. framed(STUN)
    local all = { "1RFC 4571:" .. STUN, "2RFC 4571:" .. MEDIA, "2RFC 4571:" .. STUN }
    local one, other = { 100, stream:sub(1, 40) }, { 140, stream:sub(41) }
    check.same(taken(framing.new_way(false), { one, other, one, other }), all)
    local again = { { 100, stream:sub(1, 40) }, { 130, stream:sub(31) } }
    check.same(taken(framing.new_way(false), again), all)
end

function test.a_segment_that_comes_late_is_waited_for()
    local stream = framed(STUN) .. framed(MEDIA) .. framed(STUN)
    local found = taken(framing.new_way(false), { { 4294967290, stream:sub(1, 22) }, { 4294967290 + 22 + 34 - 4294967296,
        stream:sub(57) }, { 16, stream:sub(23, 56) } })
    check.same(found, { "1RFC 4571:" .. STUN, "3RFC 4571:" .. MEDIA, "2RFC 4571:" .. STUN })
end

function test.behind_what_is_missing_it_goes_on_where_a_message_begins()
    local segments = { { 0, framed(STUN) } }
    for at = 1, framing.MOST_WAITING + 1 do segments[at + 1] = { 100 + at * 22, framed(STUN) } end
    check.same(#taken(framing.new_way(false), segments), framing.MOST_WAITING + 2)
    local cut = { { 0, framed(STUN) .. framed(MEDIA):sub(1, 9), size = 56 }, { 56, framed(STUN) } }
    check.same(taken(framing.new_way(false), cut), { "1RFC 4571:" .. STUN, "2RFC 4571:" .. STUN })
    local opened = { { 0, framed(STUN) .. "\0" }, { 5, "", opens = true }, { 6, STUN } }
    check.same(taken(framing.new_way(false), opened), { "1RFC 4571:" .. STUN, "3TURN:" .. STUN })
end

function test.channel_data_is_filled_up_to_four_bytes()
    local stream = STUN .. "\64\1\0\3abc\0" .. STUN
    check.same(taken(framing.new_way(true), { { 0, stream } }),
        { "1TURN:" .. STUN, "1TURN:\64\1\0\3abc", "1TURN:" .. STUN })
end

return test
