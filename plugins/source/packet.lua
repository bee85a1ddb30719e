-- What stands in a frame's bytes: IP, UDP, ICMP, DTLS records, STUN; copies of a packet

local constants = require("constants")
local capture = require("capture")
local list = require("list")
local text = require("text")
local address = require("address")

local byte, sub, match, char = string.byte, string.sub, string.match, string.char
local floor, max, min, abs = math.floor, math.max, math.min, math.abs
local insert, concat = table.insert, table.concat
local set = list.set
local number16 = text.number16

local UDP, TCP, SCTP, ICMP, ICMPV6 = 17, 6, 132, 1, 58

local packet = {
    UDP = UDP, TCP = TCP, ICMP = ICMP, ICMPV6 = ICMPV6,
    DEEPEST = 120, -- bytes of link layers and tunnels before IP
    PLACES = 8, -- of IP in a frame that are remembered: one per kind of interface
}

-- Returns where the transport header begins, and its protocol and IP version, for an IP header at a
-- place; nothing for fragments: of these only SIP is read, as Wireshark puts it together.
function packet.transport(bytes, at)
    local first, _, _, _, _, _, high, low, _, proto = byte(bytes, at, at + 9)
    if not proto then return nil end
    if first >= 0x45 and first <= 0x4f then
        if high % 64 ~= 0 or low ~= 0 then return nil end
        return at + (first % 16) * 4, proto, 4
    end
    if first < 0x60 or first > 0x6f then return nil end
    local header = at + 40
    proto = high
    while proto == 0 or proto == 43 or proto == 60 do -- extension headers (RFC 8200, section 4)
        proto, header = byte(bytes, header), header + 8 + (byte(bytes, header + 1) or 0) * 8
    end
    return header, proto, 6
end

local function by_version(types)
    return { [4] = set(types["4"]), [6] = set(types["6"]) }
end

local ERRORS, SOFT, HARMLESS = by_version(constants.icmp.errors), by_version(constants.icmp.soft),
    by_version(constants.icmp.harmless)

function packet.is_error(version, type) return ERRORS[version][type] == true end

-- Whether the packet that an error quotes will not arrive at all.
function packet.is_hard(version, type) return not SOFT[version][type] end

function packet.is_harmless(version, type) return HARMLESS[version][type] == true end

-- Returns the same if the header fits what Wireshark dissected: the ports are the proof.
function packet.fitting(bytes, at, sport, dport)
    local header, proto, version = packet.transport(bytes, at)
    if proto == UDP or proto == TCP or proto == SCTP then
        local a, b, c, d = byte(bytes, header, header + 3)
        if d and a * 256 + b == sport and c * 256 + d == dport then return header, proto, version end
    elseif (proto == ICMP and version == 4) or (proto == ICMPV6 and version == 6) then
        if packet.is_error(version, byte(bytes, header)) then return header, proto, version end
    end
    return nil
end

-- Returns where the IP and the transport header begin, the protocol and the IP version. The link
-- layer differs by interface: places that were right before are tried first.
function packet.find(bytes, sport, dport)
    local places = capture.places
    for number = 1, #places do
        local header, proto, version = packet.fitting(bytes, places[number], sport, dport)
        if header then return places[number], header, proto, version end
    end
    for at = 1, min(#bytes - 27, packet.DEEPEST) do
        local header, proto, version = packet.fitting(bytes, at, sport, dport)
        if header then
            if #places < packet.PLACES then insert(places, at) end
            return at, header, proto, version
        end
    end
    return nil
end

-- Returns the segment of a TCP header: what was captured of its payload, the payload's size, whether it opens.
function packet.segment(bytes, ip, header, version)
    local a, b, c, d, _, _, _, _, offset, flags = byte(bytes, header + 4, header + 13)
    if not flags then return nil end
    local from = header + floor(offset / 16) * 4
    local length = number16(bytes, version == 4 and ip + 2 or ip + 4)
    -- A length of 0: the network card cuts into segments what was captured before it (segmentation offload).
    local stop = length == 0 and #bytes + 1 or (version == 4 and ip or ip + 40) + length
    return { sequence = ((a * 256 + b) * 256 + c) * 256 + d, payload = sub(bytes, from, stop - 1),
        size = max(stop - from, 0), opens = floor(flags / 2) % 2 == 1 }
end

-- Whether an IP header at a place is that of a fragment that is all there.
function packet.is_fragment(bytes, at)
    local first, _, a, b, c, d, high, low, _, proto = byte(bytes, at, at + 9)
    if not proto then return false end
    local left = #bytes - at + 1
    if first >= 0x60 and first <= 0x6f then return high == 44 and c * 256 + d + 40 <= left end
    local length = a * 256 + b
    return first >= 0x45 and first <= 0x4f and (high % 64 ~= 0 or low ~= 0) and (proto == UDP or proto == TCP)
        and length > 20 and length <= left
end

-- Returns where IP begins in a fragment, nil if nowhere.
function packet.find_fragment(bytes)
    for _, at in ipairs(capture.places) do
        if packet.is_fragment(bytes, at) then return at end
    end
    for at = 1, min(#bytes - 27, packet.DEEPEST) do
        if packet.is_fragment(bytes, at) then return at end
    end
    return nil
end

-- Returns the frame's bytes from IP on without TTL and checksum, the TTL, and whether IP numbers it.
function packet.signature(bytes)
    if byte(bytes) >= 0x60 then return sub(bytes, 1, 7) .. sub(bytes, 9), byte(bytes, 8), false end
    return sub(bytes, 1, 8) .. sub(bytes, 10, 10) .. sub(bytes, 13), byte(bytes, 9), sub(bytes, 5, 6) ~= "\0\0"
end

-- Returns what was learnt from the packet of which this frame is a second capture (SPAN port, `any`,
-- two interfaces), else remembers this one. So soon come few packets that only look the same.
function packet.original(bytes, time, interface, learnt)
    local key, ttl, numbered = packet.signature(bytes)
    local first = capture.recent[key] or capture.recent_before[key]
    local window = numbered and constants.copies.window_s or constants.copies.window_without_id_s
    local near = first and abs(time - first.time) < window
    if near and (first.ttl == ttl or first.interface ~= interface) then return first.learnt end
    if abs(time - capture.recent_since) > 0.05 then
        capture.recent_before, capture.recent, capture.recent_since = capture.recent, {}, time
    end
    capture.recent[key] = { time = time, ttl = ttl, interface = interface, learnt = learnt }
    return nil
end

-- Where both addresses stand, and their size together.
function packet.addresses_at(bytes, ip)
    if byte(bytes, ip) < 0x50 then return ip + 12, 8 end
    return ip + 8, 32
end

-- The key of a flow: addresses and ports as they stand in the packet.
function packet.flow_key(bytes, ip, header)
    local from, size = packet.addresses_at(bytes, ip)
    return sub(bytes, from, from + size - 1) .. sub(bytes, header, header + 3)
end

function packet.places_of(key)
    local size = floor((#key - 4) / 2)
    return sub(key, 1, size) .. sub(key, -4, -3), sub(key, size + 1, 2 * size) .. sub(key, -2)
end

-- Returns the places and the bytes behind the ports of a quoted packet.
function packet.quote(bytes, at, version)
    local first = byte(bytes, at) or 0
    if floor(first / 16) ~= version then return nil end
    local size, head = version == 4 and 4 or 16, version == 4 and (first % 16) * 4 or 40
    local from, proto = at + (version == 4 and 12 or 8), byte(bytes, at + (version == 4 and 9 or 6))
    local sport, dport = number16(bytes, at + head), number16(bytes, at + head + 2)
    if not dport or (proto ~= 17 and proto ~= 6) then return nil end
    local src = address.place(sub(bytes, from, from + size - 1), sport)
    return src, address.place(sub(bytes, from + size, from + 2 * size - 1), dport),
        proto == 17 and sub(bytes, at + head + 8) or ""
end

-- Calls see(content, epoch, first byte, second byte) for every DTLS record that can be read.
function packet.records(datagram, see)
    local at = 1
    while at + 13 <= #datagram do
        local content = byte(datagram, at)
        if content >= 32 and content <= 63 then return see(23, 2) end -- unified header (RFC 9147): encrypted
        see(content, number16(datagram, at + 3), byte(datagram, at + 13), byte(datagram, at + 14))
        at = at + 13 + number16(datagram, at + 11)
    end
end

function packet.is_dtls(bytes, at)
    local first, major, minor = byte(bytes, at, at + 2)
    return first ~= nil and ((first >= 20 and first <= 26 and major == 254 and (minor == 255 or minor == 253))
        or (first >= 32 and first <= 63))
end

-- Where the payload of TURN's ChannelData begins, and its channel (RFC 8656, section 12.4); nil if it is none.
function packet.in_channel(bytes, at)
    local first, length = byte(bytes, at), number16(bytes, at + 2)
    return first and first >= 64 and first <= 79 and length and at + length + 3 <= #bytes and at + 4 or nil,
        length and number16(bytes, at)
end

-- STUN messages (RFC 8489; RFC 3489 without magic cookie)

local stun = { COOKIE = "\33\18\164\66", CLASSES = { [0] = "request", "indication", "success", "error" } }

function stun.attributes(message)
    local values, at = {}, 21
    local stop = min(#message, 20 + number16(message, 3))
    while at + 3 <= stop do
        local code, length = number16(message, at), number16(message, at + 2)
        if at + 3 + length > stop then break end
        values[code] = values[code] or sub(message, at + 4, at + 3 + length)
        at = at + 4 + floor((length + 3) / 4) * 4
    end
    return values
end

-- Without Wireshark's library of bits, and in any Lua: the operator is not in 5.2, bit32 not in 5.4.
local function xor(one, other)
    local result, unit = 0, 1
    while one > 0 or other > 0 do
        if one % 2 ~= other % 2 then result = result + unit end
        one, other, unit = floor(one / 2), floor(other / 2), unit * 2
    end
    return result
end

function stun.unmasked(value, mask)
    local size = ({ 4, 16 })[byte(value, 2) or 0]
    if not size or #value ~= 4 + size then return nil end
    local bytes = {}
    for at = 1, size do bytes[at] = char(xor(byte(value, 4 + at), byte(mask, at))) end
    return address.place(concat(bytes), xor(number16(value, 3), number16(mask, 1)))
end

function stun.xored(value, message) return value and stun.unmasked(value, sub(message, 5, 20)) or nil end

function stun.mapped(values, message)
    local masked = values[0x0020] or values[0x8020]
    if masked then return stun.xored(masked, message) end
    return values[0x0001] and stun.unmasked(values[0x0001], ("\0"):rep(16)) or nil
end

-- Class, 3 to 6, times 100 plus number below 100 (RFC 8489, section 14.8).
function stun.error_code(value)
    if not value or #value < 4 then return nil end
    local class, number = byte(value, 3) % 8, byte(value, 4)
    return class >= 3 and class <= 6 and number < 100 and class * 100 + number or nil
end

-- Whether bytes begin like a STUN message. Without the cookie only what cannot be anything else
-- counts: a Binding message of exactly its length.
function stun.is(message)
    if #message < 20 or byte(message) > 3 then return false end
    if sub(message, 5, 8) == stun.COOKIE then return true end
    local class = number16(message, 1)
    return (class == 1 or class == 0x0101 or class == 0x0111) and number16(message, 3) + 20 == #message
end

function stun.parse(message)
    local kind = number16(message, 1)
    local values = stun.attributes(message)
    local with_cookie = sub(message, 5, 8) == stun.COOKIE
    local method = kind % 16 + floor(kind / 32) % 8 * 16 + floor(kind / 512) * 128
    return {
        method = method, binding = method == 1, relay = stun.xored(values[0x0016], message),
        peer = stun.xored(values[0x0012], message), channel = values[0x000c] and number16(values[0x000c], 1),
        data = values[0x0013],
        kind = stun.CLASSES[floor(kind / 256) % 2 * 2 + floor(kind / 16) % 2],
        id = sub(message, with_cookie and 9 or 5, 20), username = values[0x0006], mapped = stun.mapped(values, message),
        error_code = stun.error_code(values[0x0009]), use_candidate = values[0x0025] ~= nil, software = values[0x8022],
        checks = (values[0x0024] and #values[0x0024] == 4) or values[0x8029] ~= nil or values[0x802a] ~= nil
            or values[0x0025] ~= nil,
    }
end

-- Returns receiver's and sender's ufrag of a check's USERNAME (RFC 8445, section 7.2.2).
function stun.halves(username)
    local receiver, sender = match(username or "", "^([^:]+):(.+)$")
    return receiver, sender
end

packet.stun = stun

return packet
