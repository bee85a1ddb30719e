-- Addresses: raw bytes inside (4 or 16), a place is address and port (6 or 18 bytes)

local constants = require("constants")
local text = require("text")

local byte, sub, find, match, gmatch, lower, format, char =
    string.byte, string.sub, string.find, string.match, string.gmatch, string.lower, string.format, string.char
local floor, max = math.floor, math.max
local concat = table.concat
local printable, number16 = text.printable, text.number16

local address = {}

function address.v4(written)
    local a, b, c, d = match(written, "^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$")
    -- With a zero in front some read the number as octal: such an address is none.
    if not a or find("." .. written, "%.0%d") then return nil end
    a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
    if max(a, b, c, d) > 255 then return nil end
    return char(a, b, c, d)
end

-- The groups of one half of an IPv6 address as bytes; the last may be an IPv4 address.
function address.v6_groups(half)
    local bytes = {}
    if half == "" then return "" end
    for group in gmatch(half .. ":", "(.-):") do
        local value = match(group, "^%x%x?%x?%x?$") and tonumber(group, 16)
        local part = value and char(floor(value / 256), value % 256) or address.v4(group)
        if not part then return nil end
        bytes[#bytes + 1] = part
    end
    return concat(bytes)
end

function address.v6(written)
    local head, tail = match(written, "^(.-)::(.*)$")
    if not head then
        local whole = address.v6_groups(written)
        return whole and #whole == 16 and whole or nil
    end
    head, tail = address.v6_groups(head), address.v6_groups(tail)
    if not head or not tail or #head + #tail > 14 then return nil end
    return head .. ("\0"):rep(16 - #head - #tail) .. tail
end

-- Returns the raw bytes of an address written in SDP or SIP, nil for a name.
function address.parse(written)
    local bare = match(written, "^[^%%]*") -- without the zone (RFC 4007)
    return address.v4(bare) or (find(bare, ":", 1, true) and address.v6(bare)) or nil
end

-- Text of a raw IPv6 address, the longest run of zeros shortened (RFC 5952).
function address.v6_text(raw)
    local groups = {}
    for at = 1, 16, 2 do groups[#groups + 1] = format("%x", number16(raw, at)) end
    local best, length, run = 0, 1, 0
    for at = 1, 8 do
        run = groups[at] == "0" and run + 1 or 0
        if run > length then best, length = at - run + 1, run end
    end
    if best == 0 then return concat(groups, ":") end
    return concat(groups, ":", 1, best - 1) .. "::" .. concat(groups, ":", best + length)
end

function address.text(raw)
    if #raw == 4 then return concat({ byte(raw, 1, 4) }, ".") end
    return #raw == 16 and address.v6_text(raw) or printable(raw)
end

function address.place(raw, port)
    return raw .. char(floor(port / 256) % 256, port % 256)
end

function address.host(place) return sub(place, 1, -3) end

function address.port(place) return number16(place, #place - 1) end

function address.place_text(place)
    local host = address.host(place)
    return format(#host == 16 and "[%s]:%d" or "%s:%d", address.text(host), address.port(place))
end

-- The key of a flow is laid out as on the wire: source, destination, source port, destination port.
function address.flow(src, dst)
    return address.host(src) .. address.host(dst) .. sub(src, -2) .. sub(dst, -2)
end

function address.is_loopback(raw)
    return (#raw == 4 and byte(raw) == 127) or raw == ("\0"):rep(15) .. "\1"
end

local NETWORKS, UNSPECIFIED = {}, {}
for _, class in ipairs(constants.addresses.classes) do
    for _, network in ipairs(class[2]) do
        local base, bits = match(network, "^(.*)/(%d+)$")
        NETWORKS[#NETWORKS + 1] = { class = class[1], raw = address.parse(base), bits = tonumber(bits) }
    end
end
for _, none in ipairs(constants.addresses.unspecified) do UNSPECIFIED[address.parse(none)] = true end

function address.is_unspecified(raw) return UNSPECIFIED[raw] == true end

-- Returns the place of a media address, nil if it is a name or stands for none yet (RFC 8840).
function address.media_place(addr, port)
    return address.media_at(addr and address.parse(addr), port)
end

-- The same of a host's bytes.
function address.media_at(raw, port)
    if not raw or not port or port == 0 or port == constants.addresses.discard_port or port > 65535 then return nil end
    return not UNSPECIFIED[raw] and address.place(raw, port) or nil
end

function address.in_network(raw, network, bits)
    local whole = floor(bits / 8)
    if #raw ~= #network or sub(raw, 1, whole) ~= sub(network, 1, whole) then return false end
    local unit = 2 ^ (8 - bits % 8)
    return bits % 8 == 0 or floor(byte(raw, whole + 1) / unit) == floor(byte(network, whole + 1) / unit)
end

-- Class of a candidate's address; networks are in order, the first that fits counts.
function address.class(written)
    if match(lower(written), "%.local$") then return "mdns" end
    local raw = address.parse(written)
    if not raw then return "invalid" end
    if #raw == 16 and sub(raw, 1, 12) == ("\0"):rep(10) .. "\255\255" then raw = sub(raw, 13) end
    for _, network in ipairs(NETWORKS) do
        if address.in_network(raw, network.raw, network.bits) then return network.class end
    end
    return "public"
end

return address
