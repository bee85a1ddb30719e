-- Answers questions about words, for a comparison with Python: one question per line, a function's
-- name and its arguments, each as hex; one answer per line, as hex.

local address = require("address")
local packet = require("packet")
local parties = require("parties")
local sip = require("sip")
local tokens = require("tokens")

local function joined(...)
    local words = {}
    for at = 1, select("#", ...) do words[at] = tostring((select(at, ...))) end
    return table.concat(words, "\1")
end

local function number(user, country)
    local keys = parties.number(user, country) or {}
    return joined(keys.exact, keys.tail)
end

local function candidate(line)
    local c = sip.sdp.candidate(line)
    return joined(c.addr_class, c.addr, c.port, c.type, c.related_addr, c.related_port, c.transport, c.component)
end

local function stun(message)
    if not packet.stun.is(message) then return "" end
    local m = packet.stun.parse(message)
    return joined(m.kind, m.binding, m.id, m.error_code, m.use_candidate, m.mapped and address.place_text(m.mapped))
end

local ANSWERS = {
    class = address.class,
    id = function(word) return joined(tokens.is_named_id(word), tokens.looks_random(word)) end,
    base = tokens.without_suffix,
    number = number,
    users = function(value) return joined((table.unpack or unpack)(parties.users_in(value))) end,
    user = function(uri) return joined(sip.user(uri)) end,
    candidate = candidate,
    stun = stun,
}

local function from_hex(text)
    return (text:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

for line in io.lines() do
    local words = {}
    for word in (line .. " "):gmatch("(%x*) ") do words[#words + 1] = from_hex(word) end
    local name = table.remove(words, 1)
    local answer = tostring(ANSWERS[name]((table.unpack or unpack)(words)))
    print((answer:gsub(".", function(sign) return ("%02x"):format(sign:byte()) end)))
end
