-- Shows which call and which leg a frame belongs to, and what became of every STUN binding.
--
-- A post-dissector for calls through a back-to-back user agent (B2BUA): the legs of a call, the
-- candidates each side offers, the checks between them, DTLS, RTP and ICMP errors. Its fields
-- (legs.call, legs.outcome, ...) can be filtered, coloured and shown as columns.
--
-- How it works: all that is seen is learnt while frames arrive; what it means is worked out when
-- somebody asks. So nothing is complete before the whole file was read once: Wireshark shows complete
-- results by itself, on the command line they need two passes and a filter:
--     tshark -2 -Y frame -X lua_script:plugins/legs.lua -r call.pcapng -T fields -e legs.label
-- In one pass each frame says what is known by then.
--
-- SIP is read from what Wireshark delimited (reassembly, TLS); UDP and ICMP from the frame's bytes,
-- since fields cost most on the frames there are most of: nothing is extracted on RTP.
--
-- The rules are those of postproc/correlate, for one capture and without logs; names are the same.
-- Lua 5.2 to 5.4 (Wireshark 4.0 and later).
--
-- Assembled from plugins/source by scripts/assemble.py (make plugin): change it there, not here.

---------------------------------------------------------------------------------------------------
-- What was learnt of the file that is open, frame by frame: facts only, what they mean is worked out
-- of them (knowledge)

local capture = (function()

local huge = math.huge

local capture = {}

local function nothing()
    return {
        -- The record of each frame that is not plain media, by number.
        frames = {},
        -- SIP messages by Call-ID, STUN Binding transactions by id, both also in the order they came;
        -- connectivity checks and ICMP errors by time.
        dialogs = { list = {} }, transactions = { list = {} }, checks = {}, icmp = {},
        -- DTLS handshakes by pair of places, and all of them.
        dtls = {}, segments = {},
        -- Flows of media by addresses and ports, those relayed by TURN apart; RTP streams by pair of places.
        flows = {}, relayed = {}, streams = {},
        -- Connections that carry STUN, by pair of places, and what of each direction is not whole yet.
        connections = {}, ways = {},
        -- What is known of TURN clients and servers, by pair of places.
        turn = {},
        -- By pair of ports the only flow that has it; false if it may be something else.
        ports = {},
        -- Where IP began, and where the key of a flow stood, in frames so far.
        places = {}, shapes = {},
        -- Packets that may come a second time.
        recent = {}, recent_before = {}, recent_since = -huge,
        -- How much was learnt, and had been when the index was worked out of it.
        learnt = 0, index_at = 0,
        -- Seconds since the first frame.
        now = 0, last_time = -huge,
    }
end

function capture.forget()
    for name, value in pairs(capture) do
        if type(value) ~= "function" then capture[name] = nil end
    end
    for name, value in pairs(nothing()) do capture[name] = value end
end

capture.forget()

return capture

end)()

---------------------------------------------------------------------------------------------------
-- What Python goes by, too: see postproc/model/constants.toml for what each value means and why
-- it is what it is; the markers are those of the default deployment

local constants = (function()

local constants = {
    addresses = {
        classes = {
            {
                "documentation",
                {
                    "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20",
                },
            },
            {
                "private",
                {
                    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "192.0.0.0/24",
                },
            },
            { "cgnat", { "100.64.0.0/10" } },
            { "link_local", { "169.254.0.0/16", "fe80::/10" } },
            { "loopback", { "127.0.0.0/8", "::1/128" } },
            { "ula", { "fc00::/7" } },
            { "multicast", { "224.0.0.0/4", "ff00::/8" } },
            { "unspecified", { "0.0.0.0/32", "::/128" } },
            { "invalid", { "0.0.0.0/8", "240.0.0.0/4" } },
        },
        unspecified = { "0.0.0.0", "::" },
        discard_port = 9,
    },
    sip = {
        invite_dialog = { "INVITE", "ACK", "BYE", "CANCEL", "PRACK" },
        apart = { "REGISTER", "PUBLISH", "SUBSCRIBE" },
        joining_headers = {
            "session-id", "p-charging-vector", "in-reply-to", "parent-call-id", "related-call-id",
            "call-info", "p-asserted-identity", "p-preferred-identity", "remote-party-id",
            "p-called-party-id", "diversion", "history-info", "replaces", "join", "referred-by",
            "user-to-user", "cisco-guid", "av-global-session-id", "global-callid",
        },
        headers_of_other_calls = { "replaces", "join", "referred-by", "refer-to", "target-dialog" },
        id_headers = {
            "in-reply-to", "parent-call-id", "related-call-id", "cisco-guid", "av-global-session-id",
            "global-callid", "user-to-user",
        },
        caller_headers = { "p-asserted-identity", "p-preferred-identity", "remote-party-id" },
        callee_headers = { "p-called-party-id", "diversion", "history-info" },
        party_called = "party=called",
        longest_header = 2048,
        compact_forms = {
            a = "accept-contact",
            b = "referred-by",
            c = "content-type",
            d = "request-disposition",
            e = "content-encoding",
            f = "from",
            i = "call-id",
            j = "reject-contact",
            k = "supported",
            l = "content-length",
            m = "contact",
            n = "identity-info",
            o = "event",
            r = "refer-to",
            s = "subject",
            t = "to",
            u = "allow-events",
            v = "via",
            x = "session-expires",
            y = "identity",
        },
    },
    users = {
        width = 4,
        tail = 7,
        longest = 64,
        withheld = {
            "anonymous", "unavailable", "restricted", "unknown", "private", "withheld",
        },
    },
    hosts = { width = 6 },
    ids = {
        shortest = 8,
        longest = 256,
        fewest_digits = 3,
        hex_run = 8,
        fewest_changes = 4,
        longest_number = 15,
        uri_schemes = { "sip", "sips", "tel", "http", "https", "ws", "wss", "urn" },
        leg_suffixes = { "b2bua", "b2b", "pbx", "leg", "out", "in", "a", "b" },
        kept = 30,
        shortest_session_id = 6,
    },
    tokens = {
        strength = {
            log = 12.0,
            header = 9.0,
            ["x-header"] = 9.0,
            ice = 10.0,
            ufrag = 8.0,
            media = 4.0,
            origin = 3.0,
        },
        doubling = { usually = 2.0, ["x-header"] = 4.0 },
    },
    couples = {
        window_s = 15.0,
        reaction_s = 0.5,
        disorder_s = 0.05,
        neighbours = 32,
        few = 8,
    },
    evidence = {
        grain_s = 0.02,
        slack_s = 1.0,
        same_callee_most = 6.0,
        other_callee = -2.0,
        same_caller_most = 4.0,
        other_caller = -1.0,
        neither_same = -4.0,
        short = 0.75,
        doubtful = 0.5,
        invite = 0.6,
        backward = -1.5,
        after_answer = -1.0,
        progress = 0.6,
        answer = 1.0,
        answer_closeness = 0.9,
        answer_apart = -2.0,
        end_passed_on = 0.4,
        end_closeness = 0.8,
        end_other_way = 0.7,
        same_failure = 1.0,
        outlives = -3.0,
        goes_on = -1.5,
        ends_within = 0.5,
        same_place_most = 2.5,
        same_host_most = 2.0,
        same_hosts_most = 1.5,
        by_loopback = 0.5,
        same_agent_most = 0.5,
        other_host = -1.5,
        turned_round = -4.0,
        background = 50,
    },
    joining = {
        enough = 6.0,
        margin = 1.0,
        considered = 3.0,
        best = 8,
        rounds = 16,
        sure = 9.0,
        identity = { "log", "header", "x-header", "ice" },
        caution = 0.5,
        unsure = 2.0,
        many = 5,
    },
    whose = { margin_s = 5, gathering_s = 30, most_legs = 64, most_candidates = 200 },
    bindings = { patience_s = 3, patience_round_trips = 3, icmp_recent_s = 5 },
    icmp = {
        errors = { ["4"] = { 3, 4, 5, 11, 12 }, ["6"] = { 1, 2, 3, 4 } },
        soft = { ["4"] = { 11, 12 }, ["6"] = { 2, 3, 4 } },
        harmless = { ["4"] = { 4, 5 }, ["6"] = {} },
    },
    copies = { window_s = 0.005, window_without_id_s = 0.0005 },
    rtp = { fewest_packets = 3 },
    dtls = {
        silence_s = 90,
        late_s = 1,
        warnings = { "close_notify", "user_canceled", "no_renegotiation" },
        alerts = {
            ["0"] = "close_notify",
            ["10"] = "unexpected_message",
            ["20"] = "bad_record_mac",
            ["22"] = "record_overflow",
            ["40"] = "handshake_failure",
            ["41"] = "no_certificate",
            ["42"] = "bad_certificate",
            ["43"] = "unsupported_certificate",
            ["44"] = "certificate_revoked",
            ["45"] = "certificate_expired",
            ["46"] = "certificate_unknown",
            ["47"] = "illegal_parameter",
            ["48"] = "unknown_ca",
            ["49"] = "access_denied",
            ["50"] = "decode_error",
            ["51"] = "decrypt_error",
            ["70"] = "protocol_version",
            ["71"] = "insufficient_security",
            ["80"] = "internal_error",
            ["86"] = "inappropriate_fallback",
            ["90"] = "user_canceled",
            ["100"] = "no_renegotiation",
            ["109"] = "missing_extension",
            ["110"] = "unsupported_extension",
            ["112"] = "unrecognized_name",
            ["113"] = "bad_certificate_status_response",
            ["115"] = "unknown_psk_identity",
            ["116"] = "certificate_required",
            ["120"] = "no_application_protocol",
        },
    },
    markers = {
        sdp_owner = { client = { "IceLink" }, server = { "FreeSWITCH" } },
        user_agent = { server = { "XPhone Call Controller", "FreeSWITCH" } },
        stun_software = { server = { "FreeSWITCH" } },
    },
}

return constants

end)()

---------------------------------------------------------------------------------------------------
-- Lists in order of time, sets, spans of time

local list = (function()

local floor, max, huge = math.floor, math.max, math.huge
local insert, sort = table.insert, table.sort

local list = {}

-- Orders messages, and whatever has time and frame: files of several interfaces are not in order.
function list.earlier(one, other)
    if one.time ~= other.time then return one.time < other.time end
    return one.frame < other.frame
end

-- Inserts an item into a list that is in order of time.
function list.insert(items, item)
    local place = #items + 1
    while place > 1 and list.earlier(item, items[place - 1]) do place = place - 1 end
    insert(items, place, item)
end

-- Returns the first place in an ordered list whose value (a field) is beyond the limit.
function list.after(items, field, limit)
    local low, high = 1, #items + 1
    while low < high do
        local middle = floor((low + high) / 2)
        if items[middle][field] > limit then high = middle else low = middle + 1 end
    end
    return low
end

-- Returns the first place whose value is the limit or beyond.
function list.from(items, field, limit)
    local low, high = 1, #items + 1
    while low < high do
        local middle = floor((low + high) / 2)
        if items[middle][field] >= limit then high = middle else low = middle + 1 end
    end
    return low
end

-- Returns the list held under a key, made when there is none.
function list.at(lists, key)
    local items = lists[key]
    if not items then
        items = {}
        lists[key] = items
    end
    return items
end

function list.contains(items, wanted)
    for _, item in ipairs(items) do
        if item == wanted then return true end
    end
    return false
end

-- Appends what is not in the list yet.
function list.once(items, item)
    if item ~= nil and not list.contains(items, item) then items[#items + 1] = item end
end

-- Returns the items for which the test holds.
function list.filter(items, test)
    local kept = {}
    for _, item in ipairs(items) do
        if test(item) then kept[#kept + 1] = item end
    end
    return kept
end

-- Returns the words as a set.
function list.set(words)
    local found = {}
    for _, word in ipairs(words) do found[word] = true end
    return found
end

-- Spans of time. Spans looked at per search: thousands of calls on one media port must not make it endless.
list.STEPS = 4096

-- Sorts spans by their start, for list.overlapping.
function list.spans(items)
    sort(items, function(one, other) return one.start < other.start end)
    local reach = -huge
    for _, span in ipairs(items) do
        reach = max(reach, span.stop)
        span.reach = reach -- nothing up to here lasts longer
    end
    return items
end

-- Returns the spans that share time with first .. last, at most so many.
function list.overlapping(items, first, last, most)
    local found, steps = {}, 0
    for at = list.after(items or {}, "start", last) - 1, 1, -1 do
        local span = items[at]
        steps = steps + 1
        if span.reach < first or #found >= most or steps > list.STEPS then break end
        if span.stop >= first then found[#found + 1] = span end
    end
    return found
end

return list

end)()

---------------------------------------------------------------------------------------------------
-- Words, and numbers in bytes

local text = (function()

local byte, sub, match = string.byte, string.sub, string.match

local text = {}

function text.trim(word) return match(word, "^%s*(.-)%s*$") end

-- What strangers wrote, as one line of printable ASCII: for fields and windows.
function text.printable(word, most)
    return (sub(word, 1, most or 120):gsub("[^\32-\126]", "?"))
end

-- The key of two words in either order.
function text.unordered(one, other)
    return one < other and one .. "\0" .. other or other .. "\0" .. one
end

function text.number16(bytes, at)
    local high, low = byte(bytes, at, at + 1)
    return low and high * 256 + low
end

return text

end)()

---------------------------------------------------------------------------------------------------
-- Addresses: raw bytes inside (4 or 16), a place is address and port (6 or 18 bytes)

local address = (function()

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

end)()

---------------------------------------------------------------------------------------------------
-- What stands in a frame's bytes: IP, UDP, ICMP, DTLS records, STUN; copies of a packet

local packet = (function()

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

end)()

---------------------------------------------------------------------------------------------------
-- Whose packets are these? Two places and a time -> call, leg and both sides
--
-- Evidence, best first: checks between the same two places; DTLS handshakes there that are tied
-- already; addresses the leg's SDP names, or their mapped addresses: both ends, or one end and the
-- other's port, or one. Legs that fit equally well are told apart by the time they share with the
-- packets; if that does not help either, nothing is said.

local traffic = (function()

local max, min, huge = math.max, math.min, math.huge
local insert, sort = table.insert, table.sort
local unordered = text.unordered

-- How well two ends fit a leg: both by address, one and the other's port, one.
local traffic = { BOTH = 3, WITH_PORT = 2, ONE = 1 }

local WHOSE = constants.whose

function traffic.life(leg)
    if not leg then return -huge, huge end
    return leg.mid_call and -huge or leg.first.time, leg.stop or huge
end

-- The checks during the traffic, else the one before and the one after, nearest first.
function traffic.near_checks(checks, first, last)
    local low, high = list.from(checks, "time", first), list.after(checks, "time", last)
    local found = {}
    for at = low, high - 1 do insert(found, checks[at]) end
    if found[1] then return found end
    found = { checks[low - 1], checks[high] }
    if not found[1] then found = { checks[high] } end
    if found[2] and found[2].time - last < first - found[1].time then found = { found[2], found[1] } end
    return found
end

-- The most frequent owner; of equals the first.
function traffic.most(checks)
    local count, best, first = {}, nil, {}
    for _, check in ipairs(checks) do
        local key = check.owner.leg or check.owner.call
        count[key], first[key] = (count[key] or 0) + 1, first[key] or check
    end
    for _, check in ipairs(checks) do
        local key = check.owner.leg or check.owner.call
        if not best or count[key] > count[best] then best = key end
    end
    return best and first[best]
end

-- The owner by the nearest checks; of those during the traffic by most of them.
function traffic.by_checks(checks, src, first, last)
    local near, longest = traffic.near_checks(checks or {}, first, last), 0
    for _, check in ipairs(near) do longest = max(longest, traffic.shared_time(check.owner.leg, first, last)) end
    local least = longest > 0 and 0 or -WHOSE.margin_s
    local best = traffic.most(list.filter(near, function(check)
        return traffic.shared_time(check.owner.leg, first, last) >= least
    end))
    if not best then return nil end
    local one, other = best.src_side, best.dst_side
    if best.src ~= src then one, other = other, one end
    return { call = best.owner.call, leg = best.owner.leg, src_side = one, dst_side = other }
end

-- The address and, where STUN told it, its last name across the NAT before that time.
function traffic.names_of(index, place, time)
    local names = index.mapped[place]
    if not names then return { place } end
    return { place, names[max(list.after(names, "time", time) - 1, 1)].name }
end

function traffic.legs_at(index, place, first, last)
    local found = { list = {} }
    for _, name in ipairs(traffic.names_of(index, place, first)) do
        for _, span in ipairs(list.overlapping(index.places[name], first, last, WHOSE.most_legs + 1)) do
            if not found[span.leg] then
                found[span.leg] = span
                insert(found.list, span)
            end
        end
    end
    return #found.list <= WHOSE.most_legs and found.list or {}
end

-- How well the other end fits a leg that one end belongs to, and the other end's side.
function traffic.fit_of(index, place, leg, first, last)
    for _, name in ipairs(traffic.names_of(index, place, first)) do
        for _, span in ipairs(list.overlapping(index.places[name], first, last, WHOSE.most_legs)) do
            if span.leg == leg then return traffic.BOTH, span.side end
        end
    end
    local there = leg.ports[address.port(place)]
    if not there then return traffic.ONE, nil end
    return traffic.WITH_PORT, next(there, next(there)) == nil and next(there) or nil
end

function traffic.fits_of(index, src, dst, first, last)
    local fits, order = {}, {}
    local function consider(leg, fit, one, other)
        if not fits[leg] then insert(order, leg) end
        if not fits[leg] or fit > fits[leg].fit then fits[leg] = { leg = leg, fit = fit, src = one, dst = other } end
    end
    for _, span in ipairs(traffic.legs_at(index, src, first, last)) do
        local fit, other = traffic.fit_of(index, dst, span.leg, first, last)
        consider(span.leg, fit, span.side, other)
    end
    for _, span in ipairs(traffic.legs_at(index, dst, first, last)) do
        local fit, other = traffic.fit_of(index, src, span.leg, first, last)
        consider(span.leg, fit, other, span.side)
    end
    local best, top = 0, {}
    for _, leg in ipairs(order) do best = max(best, fits[leg].fit) end
    for _, leg in ipairs(order) do
        if fits[leg].fit == best then insert(top, fits[leg]) end
    end
    return top, best
end

-- The time that leg and packets share; below 0: the time between them.
function traffic.shared_time(leg, first, last)
    local start, stop = traffic.life(leg)
    return min(stop, max(last, first + 1e-9)) - max(start, first)
end

-- The only leg, or the one that shares twice as much time as the next.
function traffic.clearly_first(top, first, last)
    for _, fit in ipairs(top) do fit.share = traffic.shared_time(fit.leg, first, last) end
    sort(top, function(one, other)
        if one.share ~= other.share then return one.share > other.share end
        return one.leg.order < other.leg.order
    end)
    if #top == 1 then return top[1] end
    local best, second = top[1].share, top[2].share
    local clear = best >= 2 * second
    if best <= 0 then clear = best >= second / 2 end
    return clear and best > second and top[1] or nil
end

-- Whether each end is the server's address on one leg and a far end's on another.
function traffic.is_past_the_server(top)
    for _, name in ipairs({ "src", "dst" }) do
        local server, far = false, false
        for _, fit in ipairs(top) do
            server = server or fit[name] == "server"
            far = far or (fit[name] ~= nil and fit[name] ~= "server")
        end
        if not (server and far) then return false end
    end
    return true
end

-- The first leg of a call whose server named the far ends of two legs to each other; the client's, if it has one.
function traffic.past_the_server(top, best)
    if best < traffic.BOTH or not traffic.is_past_the_server(top) then return nil end
    local chosen
    for _, fit in ipairs(top) do
        local clients = fit.src == "client" or fit.dst == "client"
        local before = chosen and (chosen.src == "client" or chosen.dst == "client")
        if not chosen or (clients and not before)
            or (clients == before and fit.leg.number < chosen.leg.number) then chosen = fit end
    end
    return { call = chosen.leg.call, leg = chosen.leg, src_side = chosen.src, dst_side = chosen.dst }
end

-- The call if all legs that fit are its legs; where both ends fit, the client's leg too.
function traffic.within_one_call(top, best)
    local call, client, clients = top[1].leg.call, nil, 0
    for _, fit in ipairs(top) do
        if fit.leg.call ~= call then return nil end
        if fit.src == "client" or fit.dst == "client" then client, clients = fit, clients + 1 end
    end
    local direct = traffic.past_the_server(top, best)
    if direct then return direct end
    if best == traffic.BOTH and clients == 1 then
        return { call = call, leg = client.leg, src_side = client.src, dst_side = client.dst }
    end
    return { call = call }
end

-- Infers an unknown side where the leg has only one other.
function traffic.both_sides(leg, one, other)
    if (one == nil) == (other == nil) then return one, other end
    local possible = {}
    for _, there in pairs(leg.ports) do
        for side in pairs(there) do
            if side ~= one and side ~= other then list.once(possible, side) end
        end
    end
    if #possible ~= 1 then return one, other end
    return one or possible[1], other or possible[1]
end

function traffic.by_places(index, src, dst, first, last)
    local top, best = traffic.fits_of(index, src, dst, first, last)
    if not top[1] then return nil end
    -- Whoever was not seen to hang up gives way: the port has been used again since.
    local ended = list.filter(top, function(one) return one.leg.stop ~= nil end)
    local fit = traffic.clearly_first(ended[1] and ended or top, first, last)
    if not fit then return traffic.within_one_call(top, best) end
    local one, other = traffic.both_sides(fit.leg, fit.src, fit.dst)
    return { call = fit.leg.call, leg = fit.leg, src_side = one, dst_side = other }
end

-- Returns whose packets these are: call, leg, src_side, dst_side; nil if unsure.
function traffic.owner(index, src, dst, first, last)
    local between = unordered(src, dst)
    local owner = traffic.by_checks(index.checks[between], src, first, last)
    if owner then return owner end
    owner = traffic.by_checks(index.handshakes[between], src, first, last)
    if owner and owner.leg and not owner.src_side and not owner.dst_side then
        local _, one = traffic.fit_of(index, src, owner.leg, first, last)
        local _, other = traffic.fit_of(index, dst, owner.leg, first, last)
        owner.src_side, owner.dst_side = traffic.both_sides(owner.leg, one, other)
    end
    return owner or traffic.by_places(index, src, dst, first, last)
end

-- The streams between the same two places, if those that overlap it are one leg's.
function traffic.from_reverse(index, stream)
    local found
    for _, other in ipairs(capture.streams[unordered(stream.src, stream.dst)] or {}) do
        if other ~= stream and other.first <= stream.last and other.last >= stream.first then
            local owner = traffic.owner(index, other.src, other.dst, other.first, other.last)
            if found and owner and (found.leg ~= owner.leg or found.call ~= owner.call) then return nil end
            if owner then
                local turned = other.src ~= stream.src
                found = { call = owner.call, leg = owner.leg, src_side = turned and owner.dst_side or owner.src_side,
                    dst_side = turned and owner.src_side or owner.dst_side }
            end
        end
    end
    return found
end

-- The places of the RTP stream that RTCP on the next ports belongs to.
function traffic.one_below(place)
    return address.place(address.host(place), max(address.port(place) - 1, 0))
end

-- Returns the owner of an RTP or RTCP stream, worked out once for each state of knowledge.
function traffic.of_stream(index, stream)
    if stream.asked ~= index then
        stream.asked = index
        stream.owner = traffic.owner(index, stream.src, stream.dst, stream.first, stream.last)
            or traffic.from_reverse(index, stream)
        if not stream.owner and stream.is_rtcp then
            local src, dst = traffic.one_below(stream.src), traffic.one_below(stream.dst)
            stream.owner = traffic.owner(index, src, dst, stream.first, stream.last)
        end
    end
    return stream.owner
end

-- The first and the last packet of the media between two places, and of RTCP on the next ports, which has none there.
function traffic.uses_of_media(index, src, dst)
    local uses = {}
    for _, between in ipairs({ unordered(src, dst), unordered(traffic.one_below(src), traffic.one_below(dst)) }) do
        for _, stream in ipairs(capture.streams[between] or {}) do
            local owner = traffic.of_stream(index, stream)
            for _, time in ipairs(owner and { stream.first, stream.last } or {}) do
                insert(uses, { time = time, owner = owner })
            end
        end
    end
    sort(uses, function(one, other) return one.time < other.time end)
    return uses
end

-- Returns the owner of a packet that an ICMP error quotes: a single one, so what runs there tells more than addresses.
function traffic.of_quoted(index, src, dst, time)
    local between = unordered(src, dst)
    return traffic.by_checks(index.checks[between], src, time, time)
        or traffic.by_checks(index.handshakes[between], src, time, time)
        or traffic.by_checks(traffic.uses_of_media(index, src, dst), src, time, time)
        or traffic.by_places(index, src, dst, time, time)
end

-- Returns whose a TCP segment is: of a connection whose messages are all of one call, or whose checks mostly are.
function traffic.of_connection(index, key)
    local between = unordered(packet.places_of(key))
    local owner = index.connections[between]
    if owner then return not owner.mixed and owner or nil end
    local checks = index.checks[between]
    return checks and traffic.most(checks).owner or nil
end

-- Returns the owner of all streams of a flow; and whether they have several.
function traffic.of_flow(index, flow)
    if flow.asked ~= index then
        flow.asked, flow.owner, flow.mixed = index, nil, false
        local before
        for _, stream in pairs(flow.streams) do
            local owner = traffic.of_stream(index, stream) or {}
            flow.mixed = flow.mixed or (before ~= nil and (before.call ~= owner.call or before.leg ~= owner.leg))
            before, flow.owner = owner, owner.call and owner or nil
        end
    end
    return flow.owner, flow.mixed
end

return traffic

end)()

---------------------------------------------------------------------------------------------------
-- SIP messages (RFC 3261), session descriptions (RFC 8866) and candidates (RFC 8839)

local sip = (function()

local sub, find, match, gmatch, lower = string.sub, string.find, string.match, string.gmatch, string.lower
local insert = table.insert
local set = list.set
local trim = text.trim

local sdp = {}

-- Columns of one a=candidate value; only the class, invalid, where it cannot be parsed.
function sdp.candidate(line)
    local words = {}
    for word in gmatch(line, "%S+") do words[#words + 1] = word end
    local component, priority, port = (words[2] or ""), (words[4] or ""), (words[6] or "")
    local numbers = match(component, "^%d+$") and match(priority, "^%d+$") and match(port, "^%d+$")
    if #words < 8 or not numbers or lower(words[7]) ~= "typ" or #priority > 15 or #port > 15 then
        return { addr_class = "invalid" }
    end
    local rest = {}
    for at = 9, #words - 1, 2 do rest[words[at]] = words[at + 1] end
    if rest.rport and not match(rest.rport, "^%d+$") then return { addr_class = "invalid" } end
    return {
        component = tonumber(component), transport = lower(words[3]), addr = words[5], port = tonumber(port),
        type = lower(words[8]), related_addr = rest.raddr, related_port = tonumber(rest.rport or ""),
        addr_class = address.class(words[5]), place = address.media_place(words[5], tonumber(port)),
        base = rest.raddr and address.media_place(rest.raddr, tonumber(rest.rport or "")), ufrag = rest.ufrag,
    }
end

function sdp.attribute(section, value)
    local name, content = match(value, "^%s*([^:]-)%s*:%s*(.-)%s*$")
    name = lower(name or value)
    if name == "candidate" then
        insert(section.candidates, content or "")
    elseif name == "ice-ufrag" and not section.ufrag and content ~= "" then
        section.ufrag = content
    elseif name == "rtcp-mux" then
        section.rtcp_mux = true
    end
end

local LINES = {
    ["o="] = function(description, _, value)
        local words = {}
        for word in gmatch(value, "%S+") do words[#words + 1] = word end
        description.owner, description.session_id = words[1], words[2]
    end,
    ["c="] = function(_, section, value) section.addr = match(value, "^%s*%S+%s+%S+%s+([^%s/]+)") end,
    ["a="] = function(_, section, value) sdp.attribute(section, value) end,
    ["m="] = function(description, _, value)
        local port = match(value, "^%s*%S+%s+(%d+)")
        insert(description.sections, { candidates = {}, port = port and #port < 7 and tonumber(port) or nil })
    end,
}

-- Candidates of the session's own lines belong to its first section.
function sdp.adopt(description, session)
    local first = description.sections[1]
    if not first then return session.candidates end
    local all = {}
    for _, line in ipairs(session.candidates) do all[#all + 1] = line end
    for _, line in ipairs(first.candidates) do all[#all + 1] = line end
    return all
end

-- Returns owner, session_id and sections: addr, port, ufrag, candidates.
function sdp.parse(body)
    local session = { candidates = {} }
    local description = { sections = {} }
    for line in gmatch(body, "[^\r\n]+") do
        local reader = LINES[sub(line, 1, 2)]
        if reader then reader(description, description.sections[#description.sections] or session, sub(line, 3)) end
    end
    local first = sdp.adopt(description, session)
    if description.sections[1] then description.sections[1].candidates = first end
    if not description.sections[1] and first[1] then description.sections[1] = { candidates = first } end
    for _, section in ipairs(description.sections) do
        section.addr, section.ufrag = section.addr or session.addr, section.ufrag or session.ufrag
        for at, line in ipairs(section.candidates) do
            local candidate = sdp.candidate(line)
            candidate.ufrag = candidate.ufrag or section.ufrag
            section.candidates[at] = candidate
        end
    end
    return description
end

-- SIP messages (RFC 3261)

local sip = {
    sdp = sdp,
    INVITE_DIALOG = set(constants.sip.invite_dialog),
    APART = set(constants.sip.apart),
    JOINING = set(constants.sip.joining_headers),
}

function sip.headers(head)
    local headers, joining = {}, {}
    for line in gmatch(head:gsub("\r?\n[ \t]+", " ") .. "\n", "(.-)\r?\n") do
        local name, value = match(line, "^%s*([^:]-)%s*:%s*(.-)%s*$")
        if name then
            name = lower(name)
            name = constants.sip.compact_forms[name] or name
            headers[name] = headers[name] or value
            if value ~= "" and (sip.JOINING[name] or sub(name, 1, 2) == "x-") then
                joining[#joining + 1] = { name = name, value = value }
            end
        end
    end
    return headers, joining
end

function sip.parameter(value, name)
    for key, word in gmatch(value, ";%s*([%w%-]+)%s*=%s*([^;,%s]+)") do
        if lower(key) == name then return word end
    end
    return nil
end

-- Returns URI and tag of a From, To or Contact value (RFC 3261, section 20.10).
function sip.party(value)
    if not value or value == "" then return nil, nil end
    local uri, rest = match(value:gsub('^%s*"[^"]*"', ""), "^[^<]*<([^>]*)>(.*)")
    if not uri then uri, rest = match(value, "^([^;]*)(.*)") end
    uri = trim(uri)
    return uri ~= "" and uri or nil, sip.parameter(rest, "tag")
end

-- Returns the user part of a SIP or tel URI, percent-decoded.
function sip.user(uri)
    local scheme, rest = match(trim(uri or ""), "^([^:]*):?(.*)$")
    -- The last @ counts: some phones send a whole mail address as user.
    local userinfo = lower(scheme) == "tel" and rest or match(rest, "^(.*)@[^@]*$") or ""
    local user = match(userinfo, "^([^;]*)"):match("^([^:]*)")
    user = trim(user:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
    return user ~= "" and user or nil
end

-- Returns the part of a multipart body that is of this kind, a pattern (RFC 5621).
function sip.part(body, kind)
    local _, at = find(lower(body), "content%-type:%s*" .. kind)
    local _, start = find(body, "\r?\n\r?\n", at or #body + 1)
    if not at or not start then return nil end
    return sub(body, start + 1, (find(body, "\r?\n%-%-", start) or 0) - 1)
end

local SDP, TRICKLE = "application/sdp", "application/trickle%-ice%-sdpfrag"

-- The session description in a body, else the fragment of one with further candidates (RFC 8840, section 9).
function sip.description(headers, body)
    local kind = lower(headers["content-type"] or "")
    local length = match(headers["content-length"] or "", "^%d+$")
    if length and #length < 9 then body = sub(body, 1, tonumber(length)) end
    local several = match(kind, "^multipart/")
    local is_whole = match(kind, "^" .. SDP) or (kind == "" and match(body, "^v=0"))
    local whole = several and sip.part(body, SDP) or (is_whole and body)
    if whole then return find(whole, "%S") and sdp.parse(whole) or nil end
    local fragment = several and sip.part(body, TRICKLE) or (match(kind, "^" .. TRICKLE) and body)
    local parsed = fragment and find(fragment, "%S") and sdp.parse(fragment) or nil
    for _, section in ipairs(parsed and parsed.sections or {}) do section.port = nil end -- that of its m= says nothing
    return parsed, parsed ~= nil
end

function sip.start_line(line)
    local status, reason = match(line, "^SIP/2%.0 (%d%d%d) ?(.*)$")
    if status then return nil, nil, tonumber(status), reason end
    local method, uri = match(line, "^([%w.!%%*+`'~_-]+) (%S.*) SIP/2%.0%s*$")
    return method, uri
end

-- Takes a message apart; nil if it does not begin like SIP.
function sip.parse(message)
    message = match(message, "^[\r\n]*(.*)$")
    local at, stop = find(message, "\r?\n\r?\n")
    local line, head = match(sub(message, 1, at and at - 1), "^([^\r\n]*)\r?\n?(.*)$")
    local method, uri, status, reason = sip.start_line(line)
    if not method and not status then return nil end
    local headers, joining = sip.headers(head)
    local number, kind = match(headers.cseq or "", "^(%d+)%s+(%S+)")
    local from_uri, from_tag = sip.party(headers.from)
    local to_uri, to_tag = sip.party(headers.to)
    local called = method or kind
    local description, trickles
    if stop then description, trickles = sip.description(headers, sub(message, stop + 1)) end
    return {
        method = method, request_uri = uri, status = status, reason = reason, kind = called,
        call_id = headers["call-id"] ~= "" and headers["call-id"] or nil, cseq = tonumber(number or ""),
        branch = sip.parameter(match(headers.via or "", "^[^,]*"), "branch"),
        from_uri = from_uri, from_tag = from_tag, to_uri = to_uri, to_tag = to_tag,
        agent = headers["user-agent"] or headers.server, contact = sip.party(headers.contact),
        headers = method == "INVITE" and joining or nil,
        sdp = description, trickles = trickles,
    }
end

function sip.succeeds(message) return message.status ~= nil and message.status >= 200 and message.status < 300 end

function sip.answers_invite(message) return not message.method and message.kind == "INVITE" end

return sip

end)()

---------------------------------------------------------------------------------------------------
-- Dialogs: what the messages of one Call-ID say (RFC 3261, sections 12 and 13)
--
-- The INVITE that counts is the last one without a To tag: a challenge (401, 407) or redirection
-- before it was answered by it. Who is who is told by tags, not by addresses.

local dialogs = (function()

local min, huge = math.min, math.huge
local insert, concat = table.insert, table.concat
local set = list.set

local dialogs = {}

function dialogs.asker(m) return (m.from_tag or "") .. "\0" .. (m.cseq or "") end

-- Leaves out initial INVITEs that had failed, or whose call was over, before the last one was sent.
function dialogs.that_count(initial, sent)
    if #initial == 0 then return initial end
    local last, since, over, failed = dialogs.asker(initial[#initial]), nil, -huge, {}
    for _, m in ipairs(initial) do
        if not since and dialogs.asker(m) == last then since = m.time end
    end
    for _, m in ipairs(sent) do
        if m.time >= since then break end
        if sip.answers_invite(m) and m.status >= 300 then failed[dialogs.asker(m)] = true end
        if m.method == "BYE" then over = m.time end
    end
    failed[last] = nil
    return list.filter(initial, function(m) return not failed[dialogs.asker(m)] and m.time >= over end)
end

-- Returns who asked for the first response to an INVITE that precedes the capture.
function dialogs.asked_before(sent)
    local again = {}
    for _, m in ipairs(sent) do
        if m.method == "INVITE" then again[dialogs.asker(m)] = true end
    end
    for _, m in ipairs(sent) do
        if sip.answers_invite(m) and not again[dialogs.asker(m)] then return set({ dialogs.asker(m) }) end
    end
    return {}
end

-- Returns the hops from the caller on, each {requester, responder}.
function dialogs.hops(seen)
    local way, counted = {}, {}
    local requests = list.filter(seen, function(m) return m.method ~= nil end)
    -- A 100 is for one hop only; what comes after it walks all the way back.
    local telling = #requests > 0 and requests
        or list.filter(seen, function(m) return m.status == seen[#seen].status end)
    for _, m in ipairs(telling) do
        local one, other = m.src, m.dst
        if not m.method then one, other = m.dst, m.src end
        if not counted[one .. "|" .. other] then
            counted[one .. "|" .. other] = true
            insert(way, #requests > 0 and #way + 1 or 1, { one, other })
        end
    end
    return way
end

function dialogs.answering(responses, way)
    for _, m in ipairs(responses) do
        for _, hop in ipairs(way) do
            if sip.succeeds(m) and hop[2] == m.src then return m.src end
        end
    end
    return way[#way][2]
end

function dialogs.origins(way)
    local callees, found, hosts = {}, {}, {}
    for _, hop in ipairs(way) do callees[hop[2]] = true end
    for _, hop in ipairs(way) do
        if not callees[hop[1]] then found[hop[1]] = true end
    end
    if not next(found) then found[way[1][1]] = true end
    for place in pairs(found) do hosts[address.host(place)] = true end
    return found, hosts
end

-- Returns what opens the dialog. Without an initial INVITE the caller is who the first responses to
-- one are for, else, as nothing tells, who sent the first request of all.
function dialogs.opening(sent)
    local initial = list.filter(sent, function(m) return m.method == "INVITE" and not m.to_tag end)
    local o = { requests = dialogs.that_count(initial, sent), asked = {}, callers = {} }
    for _, m in ipairs(o.requests) do o.asked[dialogs.asker(m)] = true end
    if not next(o.asked) then o.asked = dialogs.asked_before(sent) end
    o.responses = list.filter(sent, function(m) return sip.answers_invite(m) and o.asked[dialogs.asker(m)] ~= nil end)
    local seen = #o.requests > 0 and o.requests or #o.responses > 0 and o.responses
        or list.filter(sent, function(m)
            return m.kind == sent[1].kind and dialogs.asker(m) == dialogs.asker(sent[1])
        end)
    for _, m in ipairs(#initial > 0 and initial or seen) do o.callers[m.from_tag or ""] = true end
    local way = dialogs.hops(seen)
    o.hops, o.uac, o.uas, o.face = #way, way[1][1], dialogs.answering(o.responses, way), seen[1]
    o.origins, o.hosts = dialogs.origins(way)
    return o
end

-- Returns 2 for a response to the caller, 1 if to another port of its host, 0 for a later hop's.
function dialogs.reach(m, o)
    return o.origins[m.dst] and 2 or o.hosts[address.host(m.dst)] and 1 or 0
end

function dialogs.better(one, other, o)
    local a, b = dialogs.reach(one, o), dialogs.reach(other, o)
    if a ~= b then return a > b end
    if sip.succeeds(one) ~= sip.succeeds(other) then return sip.succeeds(one) end
    return one.time > other.time
end

-- Returns the final response as the caller got it; a 2xx beats a later failure. A failure that a
-- proxy kept to itself is not final; without the request only a 2xx counts.
function dialogs.final(o)
    local best, counted = nil, {}
    for _, m in ipairs(o.responses) do
        local key = concat({ m.src, m.dst, m.branch or "", m.status, m.to_tag or "" }, "\0")
        local heard = sip.succeeds(m) or (#o.requests > 0 and (dialogs.reach(m, o) > 0 or o.hops == 1))
        if m.status >= 200 and not counted[key] and heard and (not best or dialogs.better(m, best, o)) then best = m end
        counted[key] = true
    end
    return best
end

-- Whether it is the caller's CANCEL, not a proxy's to one fork nor that of a re-INVITE.
function dialogs.cancels(m, o)
    if m.method ~= "CANCEL" or not o.hosts[address.host(m.src)] then return false end
    if #o.requests == 0 then return m.to_tag == nil end
    return o.asked[dialogs.asker(m)] ~= nil
end

-- Returns the called party's tag of each dialog accepted and taken up: not cancelled, acknowledged.
function dialogs.confirmed(o, sent)
    local cancelled, wanted, all, acknowledged, both = {}, {}, {}, {}, {}
    for _, m in ipairs(sent) do
        if dialogs.cancels(m, o) then cancelled[dialogs.asker(m)] = true end
        if m.method == "ACK" then acknowledged[m.to_tag or ""] = true end
    end
    for _, m in ipairs(o.responses) do
        if sip.succeeds(m) then
            all[m.to_tag or ""] = true
            if not cancelled[dialogs.asker(m)] then wanted[m.to_tag or ""] = true end
        end
    end
    if not next(wanted) then wanted = all end
    for tag in pairs(wanted) do both[tag] = acknowledged[tag] end
    return next(both) and both or wanted
end

-- Returns the BYE that ended the last dialog: forks that answered are hung up one by one (13.2.2.4).
function dialogs.last_bye(o, sent)
    local since, firsts, first = #o.requests > 0 and o.requests[1].time or -huge, {}, nil
    for _, m in ipairs(sent) do
        if m.method == "BYE" and m.time >= since then
            local by_caller = o.callers[m.from_tag or ""]
            local tag = (by_caller and m.to_tag) or (not by_caller and m.from_tag) or ""
            firsts[tag], first = firsts[tag] or m, first or m
        end
    end
    local taken, last, ended, open = dialogs.confirmed(o, sent), nil, false, false
    for tag in pairs(taken) do
        local bye = firsts[tag]
        ended, open = ended or bye ~= nil, open or bye == nil
        if bye and (not last or bye.time > last.time) then last = bye end
    end
    if not ended then return first end
    return not open and last or nil
end

function dialogs.side_of(request, o)
    if request.from_tag and o.callers[request.from_tag] then return "uac" end
    if request.to_tag and o.callers[request.to_tag] then return "uas" end
    if o.uac == o.uas then return nil end
    return (request.src == o.uas and "uas") or (request.src == o.uac and "uac") or nil
end

-- Returns how, when and by whom the leg ended; nothing if it goes on.
function dialogs.ending(o, answer, sent)
    local cancel
    for _, m in ipairs(sent) do
        if dialogs.cancels(m, o) then cancel = m break end
    end
    local bye = dialogs.last_bye(o, sent)
    if answer and not sip.succeeds(answer) then
        local given_up = answer.status == 487 and (cancel or bye)
        return given_up and "cancel" or "failure", answer.time, given_up and "uac" or "uas"
    end
    if bye then return "bye", bye.time, dialogs.side_of(bye, o) end
    if cancel and not answer then return "cancel", cancel.time, "uac" end
    return nil
end

function dialogs.first_agent(messages, test)
    for _, m in ipairs(messages) do
        if m.agent and m.agent ~= "" and test(m) then return m.agent end
    end
    return nil
end

-- Returns User-Agent of the caller, User-Agent or Server of the called party.
function dialogs.agents(o, sent)
    local function by_caller(m) return m.method ~= nil and o.callers[m.from_tag or ""] end
    local function by_callee(m) return m.method ~= nil and not o.callers[m.from_tag or ""] end
    local function to_caller(m) return not m.method and o.callers[m.from_tag or ""] and m.status ~= 100 end
    local function any() return true end
    local reversed = {}
    for _, m in ipairs(o.responses) do insert(reversed, 1, m) end
    -- The 2xx is the called party's own; a failure or a 100 may be a proxy's.
    return dialogs.first_agent(o.requests, any) or dialogs.first_agent(sent, by_caller),
        dialogs.first_agent(o.responses, sip.succeeds) or dialogs.first_agent(sent, by_callee)
        or dialogs.first_agent(reversed, any) or dialogs.first_agent(sent, to_caller)
end

function dialogs.first_time(messages, lowest, highest)
    for _, m in ipairs(messages) do
        if m.status and m.status >= lowest and m.status <= highest then return m.time end
    end
    return nil
end

-- Whether the messages make a leg; and those that belong to it.
function dialogs.of_invite(messages)
    local sent = list.filter(messages, function(m)
        return sip.INVITE_DIALOG[m.kind or ""] or (m.to_tag ~= nil and not sip.APART[m.kind or ""])
    end)
    for _, m in ipairs(sent) do
        if sip.INVITE_DIALOG[m.kind or ""] then return sent end
    end
    return nil
end

-- Fills what the messages say of the leg: times in seconds, nil where not seen.
function dialogs.describe(leg, sent)
    local o = dialogs.opening(sent)
    local answer = dialogs.final(o)
    leg.first = sent[1]
    for _, m in ipairs(sent) do
        if m.method == "INVITE" and not m.to_tag then
            leg.invited = m.time
            break
        end
    end
    leg.start, leg.uac, leg.uas = leg.invited or sent[1].time, o.uac, o.uas
    leg.from_user, leg.to_user = sip.user(o.face.from_uri), sip.user(o.face.to_uri)
    leg.progress, leg.ringing = dialogs.first_time(o.responses, 101, 199), dialogs.first_time(o.responses, 180, 180)
    leg.final = answer and answer.status
    leg.answered_by = answer and sip.succeeds(answer) and answer or nil
    leg.answer = answer and sip.succeeds(answer) and dialogs.first_time(o.responses, 200, 299) or nil
    leg.ended, leg.stop, leg.ended_by = dialogs.ending(o, answer, sent)
    leg.failure = leg.final and leg.final >= 400 and leg.final ~= 487 and leg.final or nil
    leg.uac_agent, leg.uas_agent = dialogs.agents(o, sent)
    leg.mid_call = #o.requests == 0
end

-- Returns the callers' tags: by the initial INVITEs; where none was seen, by what the first messages say.
function dialogs.callers(messages)
    local tags, best, rank = {}, nil, 9
    for _, m in ipairs(messages) do
        if m.method == "INVITE" and not m.to_tag then tags[m.from_tag or ""] = true end
        local certainty = sip.answers_invite(m) and 0 or m.method and 1 or 2
        if certainty < rank then best, rank = m, certainty end
    end
    if not next(tags) and best then tags[best.from_tag or ""] = true end
    return tags
end

-- Says of every message which party wrote it: From stays the requester's in the response.
function dialogs.parties(messages)
    local callers = dialogs.callers(messages)
    for _, m in ipairs(messages) do
        m.party = ((callers[m.from_tag or ""] ~= nil) == (m.method ~= nil)) and "uac" or "uas"
    end
end

-- Returns the exchange a description in this message belongs to, and which part of it it is
-- (RFC 3264; RFC 6337, section 1.1).
function dialogs.part_of(m, offered, invites)
    local exchange = concat({ m.from_tag or "", m.cseq or "", m.kind or "" }, "\0")
    if not m.method then
        if offered[exchange] then return exchange, "answer" end
        return exchange, offered[exchange] == false and m.kind == "INVITE" and "offer" or nil
    end
    if m.method == "ACK" or m.method == "PRACK" then
        local invite = invites[m.from_tag or ""] or exchange
        if m.method == "ACK" or offered[invite] == false then return invite, "answer" end
    end
    if m.method == "INVITE" then invites[m.from_tag or ""] = exchange end
    if m.method == "INVITE" or m.method == "UPDATE" or m.method == "PRACK" then
        offered[exchange] = m.sdp ~= nil or offered[exchange] == true
        return exchange, "offer"
    end
    return exchange, nil
end

function dialogs.ufrags_of(description)
    local ufrags, any = {}, false
    for at, section in ipairs(description.sections) do
        ufrags[at] = section.ufrag or false
        any = any or section.ufrag ~= nil
    end
    return any and ufrags or nil
end

function dialogs.agree(leg, offer, answer)
    if offer.party == answer.party then return end
    for at = 1, min(#offer.ufrags, #answer.ufrags) do
        local one, other = offer.ufrags[at], answer.ufrags[at]
        if one and other then
            if offer.party ~= "uac" then one, other = other, one end
            local key = one .. "\0" .. other
            if not leg.agreed[key] then
                leg.agreed[key] = true
                insert(leg.agreed, { one, other })
            end
        end
    end
end

-- Finds the authors of the ufrags, and the pairs that offer and answer agree on, section by section.
function dialogs.ufrags(leg, messages)
    local offered, invites, exchanges, order = {}, {}, {}, {}
    leg.author, leg.agreed, leg.descriptions = {}, {}, {}
    for _, m in ipairs(messages) do
        if m.trickles then
            insert(leg.descriptions, m)
        elseif m.sdp or m.method == "INVITE" then
            local exchange, kind = dialogs.part_of(m, offered, invites)
            if m.sdp then
                insert(leg.descriptions, m)
                if not exchanges[exchange] then insert(order, exchange) end
                insert(list.at(exchanges, exchange),
                    { party = m.party, kind = kind, ufrags = dialogs.ufrags_of(m.sdp) })
            end
        end
    end
    for _, exchange in ipairs(order) do
        for _, one in ipairs(exchanges[exchange]) do
            for _, ufrag in ipairs(one.ufrags or {}) do
                if ufrag then leg.author[ufrag] = one.party end
            end
            for _, other in ipairs(exchanges[exchange]) do
                if one.kind == "offer" and other.kind == "answer" and one.ufrags and other.ufrags then
                    dialogs.agree(leg, one, other)
                end
            end
        end
    end
end

return dialogs

end)()

---------------------------------------------------------------------------------------------------
-- Who is at either end of a leg: telephone numbers, machines, sides

local parties = (function()

local sub, find, match, lower = string.sub, string.find, string.match, string.lower
local max, min, log = math.max, math.min, math.log
local insert = table.insert
local set = list.set
local trim = text.trim

local parties = {}

local WITHHELD, CALLER, CALLEE = set(constants.users.withheld), set(constants.sip.caller_headers),
    set(constants.sip.callee_headers)

-- Returns the E.164 form of a number where it or the country's dialling rules say so; a country without
-- calling code has none.
function parties.e164(plain, country)
    if sub(plain, 1, 1) == "+" then return plain end
    if not match(country, "^%d+$") then return nil end
    if sub(plain, 1, 2) == "00" then return "+" .. sub(plain, 3) end
    return sub(plain, 1, 1) == "0" and #plain <= 14 and "+" .. country .. sub(plain, 2) or nil
end

-- Returns the keys of a user part: E.164, or a short number or name as it stands; and a number's last
-- digits; ``key`` is equal wherever two may be the same.
function parties.number(user, country)
    local name = lower(trim(user))
    local plain = name:gsub("[%s().%-/]", "")
    if name == "" or WITHHELD[name] or #name > constants.users.longest then return nil end
    if not match(plain, "^%+?%d+$") or #plain:gsub("^%+", "") < constants.users.tail then
        return { exact = "=" .. name, key = "=" .. name }
    end
    local tail = sub(plain, -constants.users.tail)
    return { exact = parties.e164(plain, country), tail = tail, key = "t" .. tail }
end

function parties.named(users, user)
    if user and user ~= "" and #users < 64 then list.once(users, user) end
end

-- Returns the user part that follows "sip:", and where the URI's host begins; nil where there is no user.
local function sip_user(value, at)
    local before, host = match(value, "^([^@>,%s\"]*)@()", at)
    local user = before and match(before, "^[^;]+")
    if not user then return nil end
    user = sub(user, 1, constants.users.longest)
    if #before - #user > constants.users.longest then return nil end
    return user, host
end

local function tel_user(value, at)
    local user = match(value, "^[^>;,%s\"]+", at)
    if not user then return nil end
    user = sub(user, 1, constants.users.longest)
    return user, at + #user
end

-- Returns the user parts of all SIP and tel URIs in a header value.
function parties.users_in(value)
    local found, at = {}, 1
    value = sub(value, 1, constants.sip.longest_header)
    local plain = lower(value)
    while at do
        local start, colon = find(plain, ":", at, true)
        if not start then return found end
        local before, user, next_at = sub(plain, max(at, start - 4), start - 1), nil, nil
        if match(before, "sips?$") then user, next_at = sip_user(value, colon + 1) end
        if match(before, "tel$") then user, next_at = tel_user(value, colon + 1) end
        if user then insert(found, user) end
        at = next_at or colon + 1
    end
end

function parties.number_keys(users, country)
    local keys = {}
    for _, user in ipairs(users) do
        local number = parties.number(user, country)
        if number and #keys < constants.users.width then
            insert(keys, number)
        end
    end
    return keys
end

function parties.users_in_headers(leg, callers, callees, sent)
    for _, m in ipairs(sent) do
        for _, header in ipairs(m.headers or {}) do
            local is_caller = CALLER[header.name] and not find(lower(header.value), constants.sip.party_called, 1, true)
            if CALLER[header.name] or CALLEE[header.name] then
                for _, user in ipairs(parties.users_in(header.value)) do
                    parties.named(is_caller and callers or callees, user)
                end
            end
        end
    end
end

-- Finds who calls and who is called, by every header that names them; the country's calling code reads
-- national numbers.
function parties.users(leg, sent, country)
    local callers, callees, last = {}, {}, nil
    parties.named(callers, leg.from_user)
    parties.named(callees, leg.to_user)
    for _, m in ipairs(sent) do
        if m.method == "INVITE" and not m.to_tag then last = m end
    end
    if last then
        parties.named(callees, sip.user(last.request_uri))
        leg.target = match(last.request_uri, "^[^;]*")
    end
    parties.users_in_headers(leg, callers, callees, sent)
    leg.caller, leg.callee = parties.number_keys(callers, country), parties.number_keys(callees, country)
end

-- A machine's address as a word; all of 127/8 is the one machine that captures.
function parties.machine(raw) return address.is_loopback(raw) and "loopback" or raw end

function parties.host_of(uri)
    local rest = match(uri, "^%s*[sS][iI][pP][sS]?:(.*)$")
    if not rest then return nil end
    rest = match(rest, "^[^@]*@(.*)$") or rest
    local host = match(rest, "^%[([^%]]+)%]") or match(rest, "^([^:;>?%s]+)")
    return host and (address.parse(host) or lower(host))
end

function parties.in_sdp(hosts, description)
    for _, section in ipairs(description.sections) do
        local raw = section.addr and address.parse(section.addr)
        if raw and not address.is_unspecified(raw) then list.once(hosts, parties.machine(raw)) end
    end
    for _, section in ipairs(description.sections) do
        for _, candidate in ipairs(section.candidates) do
            if candidate.type == "host" then
                list.once(hosts, parties.machine(address.parse(candidate.addr) or candidate.addr))
            end
        end
    end
end

function parties.ending_of(place, agent)
    local raw = address.host(place)
    local host = parties.machine(raw)
    return { place = host .. sub(place, -2), host = host, hosts = { host }, agent = agent,
        loopback = host == "loopback" }
end

-- Finds the machines at both ends: by what is on the wire, then by what Contact and SDP say.
function parties.hosts(leg, messages)
    leg.ends = { uac = parties.ending_of(leg.uac, leg.uac_agent), uas = parties.ending_of(leg.uas, leg.uas_agent) }
    for _, m in ipairs(messages) do
        if m.kind == "INVITE" and m.contact and (m.status or 0) < 300 then
            local host = parties.host_of(m.contact)
            list.once(leg.ends[m.party].hosts, host and parties.machine(host))
        end
    end
    for _, m in ipairs(leg.descriptions) do parties.in_sdp(leg.ends[m.party].hosts, m.sdp) end
    for _, ending in pairs(leg.ends) do
        for at = #ending.hosts, constants.hosts.width + 1, -1 do ending.hosts[at] = nil end
    end
end

-- How surprising a word is in a leg of another call: -log of its share of the legs, by word.
-- ``words_of`` returns the list of words of a leg.
function parties.rarity(all, words_of)
    local count, surprise = {}, {}
    for _, leg in ipairs(all) do
        for _, word in ipairs(words_of(leg)) do count[word] = (count[word] or 0) + 1 end
    end
    for word, n in pairs(count) do
        surprise[word] = -log(min(max(n - 1, 1) / (#all + constants.evidence.background), 1))
    end
    return surprise
end

function parties.keys_of(numbers)
    local keys = {}
    for at, number in ipairs(numbers) do keys[at] = number.key end
    return keys
end

-- Returns the rarity of everything that is compared.
function parties.rarities(all)
    return {
        callee = parties.rarity(all, function(leg) return parties.keys_of(leg.callee) end),
        caller = parties.rarity(all, function(leg) return parties.keys_of(leg.caller) end),
        place = parties.rarity(all, function(leg) return { leg.ends.uac.place } end),
        host = parties.rarity(all, function(leg) return { leg.ends.uac.host } end),
        agent = parties.rarity(all, function(leg) return { leg.ends.uac.agent } end),
    }
end

-- Sides: client, server or other
--
-- (1) Markers, where they contradict neither themselves nor the B2BUA found; (2) in a call of two or
-- more legs the machine they share is the server, a far end with ICE the client, any other end other;
-- (3) in a single leg the caller is the client, the called party the server.

local PEER, MARKERS = { uac = "uas", uas = "uac" }, constants.markers

-- Returns the one side whose marks are found in a name.
function parties.marked(marks, name)
    local found = {}
    for side, words in pairs(marks) do
        for _, mark in ipairs(name and words or {}) do
            if find(name, mark, 1, true) then list.once(found, side) end
        end
    end
    return #found == 1 and found[1] or nil
end

-- Marks both ends: by what they write in SDP, else by their User-Agent.
function parties.mark(leg)
    local by_sdp, by_agent = {}, {
        uac = parties.marked(MARKERS.user_agent, leg.uac_agent),
        uas = parties.marked(MARKERS.user_agent, leg.uas_agent),
    }
    for _, m in ipairs(leg.descriptions) do
        -- The first description of an end that is marked decides.
        by_sdp[m.party] = by_sdp[m.party]
            or (#m.sdp.sections > 0 and parties.marked(MARKERS.sdp_owner, m.sdp.owner)) or nil
    end
    return { uac = by_sdp.uac or by_agent.uac, uas = by_sdp.uas or by_agent.uas }
end

-- No leg has one mark at both ends; servers are where the B2BUA is, and clients are not.
function parties.consistent(legs)
    for _, leg in ipairs(legs) do
        if leg.marks.uac and leg.marks.uac == leg.marks.uas then return false end
        for party in pairs(PEER) do
            local side = leg.marks[party]
            if #legs > 1 and side and (side == "server") ~= (leg.shared[party] == true) then return false end
        end
    end
    return true
end

function parties.far_side(leg, party)
    for _, author in pairs(leg.author) do
        if author == party then return "client" end
    end
    return "other"
end

function parties.side_at(leg, party, marks, several)
    local far = marks[PEER[party]]
    if marks[party] then return marks[party] end
    if several then return leg.shared[party] and "server" or parties.far_side(leg, party) end
    if far then return far == "client" and "server" or parties.far_side(leg, party) end
    return party == "uac" and "client" or "server"
end

-- Sets the sides of both ends of every leg of a call.
function parties.sides_of_call(legs)
    for _, leg in ipairs(legs) do leg.marks = parties.mark(leg) end
    local trusted = parties.consistent(legs)
    for _, leg in ipairs(legs) do
        leg.side = {}
        for party in pairs(PEER) do
            leg.side[party] = parties.side_at(leg, party, trusted and leg.marks or {}, #legs > 1)
        end
    end
end

local OPPOSITE = { server = "client", client = "server" }

-- Sides of a session's two ufrags; without SIP by what the checks say of the software.
function parties.sides_of_session(session)
    if session.leg then return { session.leg.side.uac, session.leg.side.uas } end
    local first = parties.marked(MARKERS.stun_software, session.seen.software[session.ufrags[1]])
    local second = parties.marked(MARKERS.stun_software, session.seen.software[session.ufrags[2]])
    if first == second then return { "other", "other" } end
    return { first or OPPOSITE[second] or "other", second or OPPOSITE[first] or "other" }
end

return parties

end)()

---------------------------------------------------------------------------------------------------
-- Evidence: how much speaks for two legs being the two sides of one B2BUA
--
-- A score is log-odds: how much more often this is seen between a leg and the one that follows from
-- it than between legs of different calls. Scores add up.

local evidence = (function()

local max, min, abs, log = math.max, math.min, math.abs, math.log

local evidence = {}

local WEIGHT, TIMING = constants.evidence, constants.couples

function evidence.soon(delay) return delay ~= nil and delay >= -WEIGHT.grain_s and delay <= TIMING.reaction_s end

-- 0 for REACTION, up to 3.2 for at once; 0 outside.
function evidence.closeness(delay)
    if not evidence.soon(delay) then return 0 end
    local near = min(max(delay, 0), TIMING.reaction_s) + WEIGHT.grain_s
    return max(log(TIMING.reaction_s / near), 0)
end

function evidence.difference(one, other) return one and other and one - other or nil end

-- What it is worth that two numbers are the same, nil if they are not.
function evidence.same_number(one, other, rarity, most)
    if one.key ~= other.key then return nil end
    local worth = min(rarity[one.key], most) * (one.tail and 1 or WEIGHT.short)
    -- Equal at the end alone, though both are whole numbers: one has a prefix that reads as an area code.
    local doubtful = one.exact and other.exact and one.exact ~= other.exact
    return doubtful and worth * WEIGHT.doubtful or worth
end

function evidence.has_long(numbers)
    for _, number in ipairs(numbers) do
        if number.tail then return true end
    end
    return false
end

function evidence.same_user(ones, others, rarity, most, other_one)
    local best
    for _, one in ipairs(ones) do
        for _, other in ipairs(others) do
            local worth = evidence.same_number(one, other, rarity, most)
            if worth then best = max(best or 0, worth) end
        end
    end
    if best or not ones[1] or not others[1] then return best or 0 end
    return evidence.has_long(ones) == evidence.has_long(others) and other_one or 0
end

-- The same party is called: up to 6; another one -2. The same party calls: up to 4; another one -1.
-- Where neither party is the same, -4 more: a B2BUA that rewrites both is rarer than two calls at once.
function evidence.users(a, b, rarities)
    local called = evidence.same_user(a.callee, b.callee, rarities.callee, WEIGHT.same_callee_most, WEIGHT.other_callee)
    local calls = evidence.same_user(a.caller, b.caller, rarities.caller, WEIGHT.same_caller_most, WEIGHT.other_caller)
    if called < 0 and calls < 0 then called = called + WEIGHT.neither_same end
    return called, calls
end

-- The second INVITE follows soon, while the first is pending: up to 4, less after its answer. Clocks of
-- two interfaces may have it seem to precede the first, but that speaks less for it.
function evidence.invite(a, b, delay)
    local wait = min(abs(delay), TIMING.window_s - WEIGHT.grain_s) + WEIGHT.grain_s
    local score = WEIGHT.invite * log(TIMING.window_s / wait) + (delay < 0 and WEIGHT.backward or 0)
    if not (a.invited and b.invited) then score = score / 2 end
    return score + (a.answer and a.answer <= b.start and WEIGHT.after_answer or 0)
end

-- Ringing, or a provisional response, is passed on: up to 2.
function evidence.progress(a, b)
    local ringing = evidence.closeness(evidence.difference(a.ringing, b.ringing))
    return WEIGHT.progress * max(ringing, evidence.closeness(evidence.difference(a.progress, b.progress)))
end

-- The answer is passed on: up to 4; -2 if the first leg was answered at another time after the INVITE.
function evidence.answer(a, b)
    local delay = evidence.difference(a.answer, b.answer)
    if not delay then return 0 end
    local score = evidence.soon(delay) and WEIGHT.answer + WEIGHT.answer_closeness * evidence.closeness(delay) or 0
    local apart = delay > TIMING.reaction_s or (delay < -WEIGHT.grain_s and a.answer > b.start + WEIGHT.grain_s)
    return score + (apart and WEIGHT.answer_apart or 0)
end

-- BYE, CANCEL or failure is passed on: up to 3, and 1 more for the same failure.
function evidence.stop(a, b)
    local later = evidence.difference(b.stop, a.stop)
    if not later then return 0 end
    local same_way = a.ended_by ~= nil and a.ended_by == b.ended_by
    -- The caller hangs up: upstream first. The called party hangs up, or refuses: downstream first.
    local delay = same_way and (a.ended_by == "uac" and later or -later) or abs(later)
    if not evidence.soon(delay) then return 0 end
    local score = WEIGHT.end_passed_on + WEIGHT.end_closeness * evidence.closeness(delay)
    local same_failure = a.failure ~= nil and a.failure == b.failure
    return (same_way and score or WEIGHT.end_other_way * score) + (same_failure and WEIGHT.same_failure or 0)
end

-- -3 if the second leg outlives the first, -1.5 if the first goes on after both answered; else 0.5.
function evidence.lifetime(a, b)
    local longer = evidence.difference(b.stop, a.stop)
    if not longer then return 0 end
    if longer > WEIGHT.slack_s then return WEIGHT.outlives end
    return longer < -WEIGHT.slack_s and a.answer and b.answer and WEIGHT.goes_on or WEIGHT.ends_within
end

function evidence.same_agent(a, b) return a.ends.uas.agent ~= nil and a.ends.uas.agent == b.ends.uac.agent end

function evidence.same_hosts(a, b)
    for _, host in ipairs(a.ends.uas.hosts) do
        if list.contains(b.ends.uac.hosts, host) then return true end
    end
    return false
end

-- A leg on the loopback interface is at the capturing machine, which the other may be at too.
function evidence.by_loopback(above, below)
    local others = above.agent and below.agent and above.agent ~= below.agent
    return above.loopback ~= below.loopback and not others
end

-- The callee's machine upstream is the caller's downstream: up to 3, the rarer the more; -1.5 if not.
-- -4 if moreover the second leg goes to where the first one came from: another call of the same two.
function evidence.host(a, b, rarities)
    local above, below, score = a.ends.uas, b.ends.uac, nil
    local machine = rarities.host[below.host]
    if above.place == below.place then score = min(rarities.place[below.place], WEIGHT.same_place_most)
    elseif above.host == below.host then score = min(machine, WEIGHT.same_host_most)
    elseif evidence.same_hosts(a, b) then score = min(machine, WEIGHT.same_hosts_most)
    elseif evidence.by_loopback(above, below) then score = WEIGHT.by_loopback end
    if evidence.same_agent(a, b) then
        score = (score or 0) + min(rarities.agent[below.agent], WEIGHT.same_agent_most)
    end
    return score or (a.ends.uac.host == b.ends.uas.host and WEIGHT.turned_round or WEIGHT.other_host)
end

-- Whether neither leg can follow from the other: both start, or both end, at one machine.
function evidence.siblings(a, b)
    local place = a.ends.uac.place == b.ends.uac.place or a.ends.uas.place == b.ends.uas.place
    local host = a.ends.uac.host == b.ends.uac.host or a.ends.uas.host == b.ends.uas.host
    local agent = evidence.same_agent(a, b) and a.ends.uas.agent ~= a.ends.uac.agent
    local linked = a.ends.uas.host == b.ends.uac.host or evidence.same_hosts(a, b) or agent
    return (place and a.ends.uas.place ~= b.ends.uac.place) or (host and not linked)
end

return evidence

end)()

---------------------------------------------------------------------------------------------------
-- Tokens: values two legs have in common only if one call made both
--
-- How much a value tells depends on its rarity. The fingerprint of a certificate is never used: a
-- server has one for all its calls.

local tokens = (function()

local sub, find, match, gmatch, lower = string.sub, string.find, string.match, string.gmatch, string.lower
local insert, concat = table.insert, table.concat
local set = list.set
local trim, unordered = text.trim, text.unordered

local tokens = {}

local IDS = constants.ids
local FOR_IDS, URI_SCHEMES = set(constants.sip.id_headers), set(constants.ids.uri_schemes)
-- Who calls and is called is no id of the call; nor is the id of another call, its transfer or conference.
local NOT_OF_THIS_CALL = set(constants.sip.headers_of_other_calls)
for _, names in ipairs({ constants.sip.caller_headers, constants.sip.callee_headers }) do
    for _, name in ipairs(names) do NOT_OF_THIS_CALL[name] = true end
end

-- Whether the value of a header that is there for ids holds one: not null, not a mere flag.
function tokens.is_named_id(word)
    if #word < IDS.shortest or #word > IDS.longest then return false end
    local _, digits = word:gsub("%d", "")
    local other = match(word, "[^0%-]")
    if not other or digits < IDS.fewest_digits then return false end
    for char in gmatch(word, "[^0%-]") do
        if char ~= other then return true end
    end
    return false
end

-- How often digits and letters meet.
function tokens.changes(word)
    local count, before = 0, nil
    for char in gmatch(word, ".") do
        local kind = match(char, "%d") and "digit" or match(char, "%a") and "letter" or nil
        if before and kind and kind ~= before then count = count + 1 end
        before = kind
    end
    return count
end

function tokens.has_hex_run(word)
    for run in gmatch(word, "%x+") do
        if #run >= IDS.hex_run and find(run, "%d") and find(run, "%a") then return true end
    end
    return false
end

function tokens.local_part(call_id)
    local head = match(call_id, "^([^@]+)@") or call_id
    return match(head, "^[{}<>\"' ]*(.-)[{}<>\"' ]*$")
end

local UUID = ("%x"):rep(8) .. ("%-" .. ("%x"):rep(4)):rep(3) .. "%-" .. ("%x"):rep(12)

function tokens.is_mac(word)
    return (#word == 12 and match(word, "^%x+$")) or match(word, "^%x%x" .. ("[:-]%x%x"):rep(5) .. "$")
end

-- Whether a value of unknown purpose is an id beyond doubt: not a name, number, version, address, time.
function tokens.looks_random(word)
    word = tokens.local_part(word)
    local scheme = match(lower(word), "^(%a+):")
    if scheme and URI_SCHEMES[scheme] then return false end
    if tokens.is_mac(word) or find(word, "%d+%.%d+%.%d+") or match(word, "^%d%d%d%d%-%d%d%-%d%d") then return false end
    if (match(word, "^[%x:]+$") and find(word, "::", 1, true)) or not tokens.is_named_id(word) then return false end
    if match(word, "^%d+$") then return #word > IDS.longest_number end
    if find(word, UUID) then return true end
    return tokens.has_hex_run(word) or tokens.changes(word) >= IDS.fewest_changes
end

-- Without the suffix by which some B2BUAs tell a leg's Call-ID from the other's.
function tokens.without_suffix(word)
    for _, suffix in ipairs(IDS.leg_suffixes) do
        local base_ = match(lower(word), "^(.*)[_-]" .. suffix .. "[_-]?%d?%d?%d?%d?$")
        if base_ then return sub(word, 1, #base_) end
    end
    return word
end

function tokens.words(value)
    local found = { trim(value) }
    for word in gmatch(value, "[^%s;,=<>{}()\"']+") do list.once(found, word) end
    return found
end

function tokens.ids_in(header, locals)
    local found = {}
    if header.name == "session-id" then
        for uuid in gmatch(" " .. header.value .. " ", "%f[%w](%x+)%f[^%w]") do
            if #uuid == 32 and find(uuid, "[^0]") then insert(found, lower(uuid)) end
        end
    elseif header.name == "p-charging-vector" then
        local id = match(header.value, "[iI][cC][iI][dD]%-[vV][aA][lL][uU][eE]%s*=%s*\"?([^\";,%s]+)")
        if id then insert(found, id) end
    else
        for _, word in ipairs(tokens.words(sub(header.value, 1, constants.sip.longest_header))) do
            word = tokens.local_part(word)
            local is_x = sub(header.name, 1, 2) == "x-"
            local told = FOR_IDS[header.name] and tokens.is_named_id(word) or (is_x and tokens.looks_random(word))
            if told or (#word >= IDS.shortest and locals[word]) then insert(found, word) end
        end
    end
    return found
end

-- Carriers of one kind of token: {value = {leg = true}}.
function tokens.carry(carriers, kind, value, leg)
    local holders = list.at(carriers[kind], value)
    if not holders[leg] then
        holders[leg] = true
        insert(holders, leg)
    end
end

function tokens.in_call_ids(carriers, locals)
    for word, holders in pairs(locals) do
        local bases = {}
        for _, whole in ipairs({ word, tokens.without_suffix(word) }) do
            if tokens.looks_random(whole) then list.once(bases, whole) end
        end
        for at in gmatch(#word <= IDS.longest and word or "", "()[_.~:-]") do
            for _, cut in ipairs({ sub(word, 1, at - 1), sub(word, at + 1) }) do
                if #cut >= IDS.shortest and locals[cut] then list.once(bases, cut) end
            end
        end
        for _, base_ in ipairs(bases) do
            for _, leg in ipairs(holders) do tokens.carry(carriers, "header", base_, leg) end
            for _, leg in ipairs(locals[base_] or {}) do tokens.carry(carriers, "header", base_, leg) end
        end
    end
end

-- Two Call-IDs that are alike just as far as a B2BUA keeps them: farther are those of a counter behind a device's id.
function tokens.begun_alike(carriers, locals)
    local begun = {}
    for word in pairs(locals) do
        if #word >= IDS.kept and #word <= IDS.longest then insert(list.at(begun, sub(word, 1, IDS.kept)), word) end
    end
    for head, alike in pairs(begun) do
        local next_one = IDS.kept + 1
        if #alike == 2 and sub(alike[1], next_one, next_one) ~= sub(alike[2], next_one, next_one)
            and tokens.looks_random(head) then
            for _, word in ipairs(alike) do
                for _, leg in ipairs(locals[word]) do tokens.carry(carriers, "header", head, leg) end
            end
        end
    end
end

function tokens.in_headers(carriers, leg, locals)
    for _, m in ipairs(leg.sent) do
        for _, header in ipairs(m.headers or {}) do
            if not NOT_OF_THIS_CALL[header.name] then
                for _, value in ipairs(tokens.ids_in(header, locals)) do
                    local kind = sub(header.name, 1, 2) == "x-" and not locals[value] and "x-header" or "header"
                    tokens.carry(carriers, kind, value, leg)
                    for _, other in ipairs(locals[value] or {}) do tokens.carry(carriers, kind, value, other) end
                end
            end
        end
    end
end

function tokens.in_descriptions(carriers, leg)
    for _, m in ipairs(leg.descriptions) do
        local owner, session = m.sdp.owner, m.sdp.session_id
        for _, section in ipairs(m.sdp.sections) do
            local place = address.media_place(section.addr, section.port)
            if place then tokens.carry(carriers, "media", m.party .. place, leg) end
            if section.ufrag then tokens.carry(carriers, "ufrag", section.ufrag, leg) end
            if session and #session >= IDS.shortest_session_id then
                tokens.carry(carriers, "origin", concat({ m.party, owner or "", session }, " "), leg)
            end
            for _, candidate in ipairs(section.candidates) do
                if candidate.place then tokens.carry(carriers, "media", m.party .. candidate.place, leg) end
            end
        end
    end
    for _, pair in ipairs(leg.agreed) do tokens.carry(carriers, "ice", unordered(pair[1], pair[2]), leg) end
end

-- Returns by kind and value the legs that carry it.
function tokens.carriers(all)
    local carriers, locals = {}, {}
    for kind in pairs(constants.tokens.strength) do carriers[kind] = {} end
    for _, leg in ipairs(all) do insert(list.at(locals, tokens.local_part(leg.id)), leg) end
    tokens.in_call_ids(carriers, locals)
    tokens.begun_alike(carriers, locals)
    for _, leg in ipairs(all) do
        tokens.in_headers(carriers, leg, locals)
        tokens.in_descriptions(carriers, leg)
    end
    return carriers
end

return tokens

end)()

---------------------------------------------------------------------------------------------------
-- Which legs are looked at together: those that share a key, near each other in time
--
-- Every leg meets at most so many neighbours per key: so the work stays linear when thousands of
-- calls go to one number, through one host, at the same time.

local couples = (function()

local max, min, log, huge = math.max, math.min, math.log, math.huge
local insert, sort = table.insert, table.sort

local couples = {}

local TIMING, DOUBLING = constants.couples, constants.tokens.doubling

function couples.by_time(one, other)
    if one.time ~= other.time then return one.time < other.time end
    return one.leg.order < other.leg.order
end

-- Calls visit(earlier, later) for events of one key at most a window apart. An event has leg, time,
-- and up and down: whether its leg can be upstream or downstream.
function couples.within(events, window, neighbours, visit)
    for _, of_key in pairs(events) do
        sort(of_key, couples.by_time)
        for at, later in ipairs(of_key) do
            for step = 1, min(neighbours, at - 1) do
                local earlier = of_key[at - step]
                if later.time - earlier.time > window then break end
                visit(earlier, later)
            end
        end
    end
end

-- Remembers a couple of legs, once.
function couples.add(collected, a, b)
    if a == b then return end
    local downstream = list.at(collected, a)
    if not downstream[b] then
        downstream[b] = true
        insert(collected.list, { a = a, b = b })
    end
end

-- Upstream comes first, or nearly so, unless any order may be.
function couples.direct(collected, earlier, later, any_order)
    if earlier.up and later.down then couples.add(collected, earlier.leg, later.leg) end
    if later.up and earlier.down and (any_order or later.time - earlier.time <= TIMING.disorder_s) then
        couples.add(collected, later.leg, earlier.leg)
    end
end

function couples.event(events, key, leg, time, up, down)
    if key and time then insert(list.at(events, key), { leg = leg, time = time, up = up, down = down }) end
end

function couples.starting(collected, events, window, neighbours)
    couples.within(events, window, neighbours or TIMING.neighbours, function(earlier, later)
        -- Of two legs that precede the capture nobody knows which came first.
        couples.direct(collected, earlier, later, not (earlier.leg.invited and later.leg.invited))
    end)
end

function couples.reacting(collected, events)
    couples.within(events, TIMING.reaction_s, TIMING.few, function(earlier, later)
        couples.direct(collected, earlier, later, true)
    end)
end

function couples.by_number(collected, all)
    local both, callee, caller, stops = {}, {}, {}, {}
    for _, leg in ipairs(all) do
        for _, to in ipairs(leg.callee) do
            couples.event(callee, to.key, leg, leg.start, true, true)
            if not leg.invited then couples.event(stops, to.key, leg, leg.stop, true, true) end
            for _, from in ipairs(leg.caller) do
                couples.event(both, from.key .. "\0" .. to.key, leg, leg.start, true, true)
            end
        end
        for _, from in ipairs(leg.caller) do couples.event(caller, from.key, leg, leg.start, true, true) end
    end
    for _, events in ipairs({ both, callee, caller }) do couples.starting(collected, events, TIMING.window_s) end
    couples.reacting(collected, stops)
end

function couples.agent_of(ending) return { ending.agent } end

function couples.hosts_of(ending) return ending.hosts end

-- Couples in which the callee's host, or its name, upstream is the caller's downstream.
function couples.by_host(collected, all, keys_of, neighbours)
    local starts, answers, stops = {}, {}, {}
    for _, leg in ipairs(all) do
        for party, ending in pairs(leg.ends) do
            for _, key in ipairs(keys_of(ending)) do
                local up, down = party == "uas", party == "uac"
                couples.event(starts, key, leg, leg.start, up, down)
                couples.event(answers, key, leg, leg.answer, up, down)
                couples.event(stops, key, leg, leg.stop, up, down)
            end
        end
    end
    couples.starting(collected, starts, TIMING.window_s, neighbours)
    couples.reacting(collected, answers)
    couples.reacting(collected, stops)
end

-- Notes what identities two legs share, by kind: the weight of the rarest value.
function couples.by_token(collected, kind, value, carriers)
    local weight = constants.tokens.strength[kind] - (DOUBLING[kind] or DOUBLING.usually) * log(#carriers / 2) / log(2)
    if #carriers < 2 or weight <= 0 then return end
    local events, near = {}, { list = {} }
    for _, leg in ipairs(carriers) do couples.event(events, value, leg, leg.start, true, true) end
    couples.starting(near, events, huge)
    for _, pair in ipairs(near.list) do
        couples.add(collected, pair.a, pair.b)
        local shared = list.at(list.at(collected.shared, pair.a), pair.b)
        shared[kind] = max(shared[kind] or 0, weight)
    end
end

-- Returns the couples worth a look: {list = {{a, b}}, shared = {a = {b = {kind = weight}}}}.
function couples.all(all)
    local collected = { list = {}, shared = {} }
    couples.by_number(collected, all)
    couples.by_host(collected, all, couples.hosts_of, TIMING.neighbours)
    couples.by_host(collected, all, couples.agent_of, TIMING.few)
    for kind, values in pairs(tokens.carriers(all)) do
        for value, carriers in pairs(values) do couples.by_token(collected, kind, value, carriers) end
    end
    return collected
end

return couples

end)()

---------------------------------------------------------------------------------------------------
-- Joining: all couples are scored, the clear ones chosen; what fits as well as something else stays
-- apart and is doubtful

local joining = (function()

local max, min, log, huge = math.max, math.min, math.log, math.huge
local insert, sort = table.insert, table.sort
local set = list.set

local joining = {}

local JOINING, TIMING, IDENTITY = constants.joining, constants.couples, set(constants.joining.identity)

-- Adds up what two legs share: what identifies a call, and what is used again later.
function joining.identities(a, b, context, siblings)
    local sure, passing = 0, 0
    for kind, weight in pairs(context.shared[a] and context.shared[a][b] or {}) do
        if IDENTITY[kind] then sure = sure + weight elseif not siblings then passing = passing + weight end
    end
    return sure, passing
end

-- The pieces of evidence that numbers, order and hosts give.
function joining.inferred(a, b, delay, rarities)
    local called, calls = evidence.users(a, b, rarities)
    return { called, calls, evidence.invite(a, b, delay), evidence.progress(a, b), evidence.answer(a, b),
        evidence.stop(a, b), evidence.lifetime(a, b), evidence.host(a, b, rarities) }
end

-- Scores a link. Nothing counts after the first leg's end; numbers, order and hosts tell inside the window;
-- where both legs alone share an id, nothing counts against it.
function joining.link(a, b, delay, context)
    local link = { a = a, b = b, siblings = evidence.siblings(a, b), score = 0, prior = 0 }
    if a.stop and b.start > a.stop + TIMING.disorder_s then return link end
    local sure, passing = joining.identities(a, b, context, link.siblings)
    link.score, link.identified = sure + passing, sure > 0
    local early = delay < -TIMING.disorder_s and a.invited and b.invited
    if link.siblings or early or delay > TIMING.window_s then return link end
    for _, piece in ipairs(joining.inferred(a, b, delay, context.rarities)) do
        link.score = link.score + (sure >= JOINING.sure and max(piece, 0) or piece)
    end
    return link
end

-- Returns per leg how likely it follows from any given other. Where many calls begin at the same time, each
-- leg has many that may be its upstream leg; and a machine that mostly passes calls on will do so again.
function joining.priors(all, taken)
    local passed, count, starts, priors = {}, {}, {}, {}
    for _, leg in ipairs(all) do
        for _, key in ipairs({ "p" .. leg.ends.uac.place, "h" .. leg.ends.uac.host }) do
            count[key] = (count[key] or 0) + 1
            passed[key] = (passed[key] or 0) + (taken[leg] and 1 or 0)
        end
        insert(starts, { start = leg.start })
    end
    sort(starts, function(one, other) return one.start < other.start end)
    for _, leg in ipairs(all) do
        local key = "p" .. leg.ends.uac.place
        if count[key] < JOINING.many then key = "h" .. leg.ends.uac.host end
        local odds = log((passed[key] + JOINING.unsure) / (count[key] - passed[key] + JOINING.unsure))
        local before = list.from(starts, "start", leg.start) - list.from(starts, "start", leg.start - TIMING.window_s)
        priors[leg] = odds - JOINING.caution * log(max(before, 1))
    end
    return priors
end

-- Adds the prior of the downstream leg, unless an identity joins the two.
function joining.with_prior(links, priors)
    for _, link in ipairs(links) do
        local prior = (link.identified or link.siblings) and 0 or priors[link.b]
        link.score, link.prior = link.score - link.prior + prior, prior
    end
end

function joining.best_first(one, other)
    if one.score ~= other.score then return one.score > other.score end
    if one.a ~= other.a then return one.a.order < other.a.order end
    return one.b.order < other.b.order
end

-- Returns each couple in its better direction, and the best few per downstream leg.
function joining.considered(looked_at, context)
    local links, seen, rank, kept = {}, {}, {}, {}
    for _, pair in ipairs(looked_at.list) do
        local link = joining.link(pair.a, pair.b, pair.b.start - pair.a.start, context)
        if link.score >= JOINING.considered then insert(links, link) end
    end
    sort(links, joining.best_first)
    for _, link in ipairs(links) do
        local reverse = seen[link.b] and seen[link.b][link.a]
        list.at(seen, link.a)[link.b] = true
        rank[link.b] = (rank[link.b] or 0) + (reverse and 0 or 1)
        if not reverse and rank[link.b] <= JOINING.best then insert(kept, link) end
    end
    return kept
end

-- Whether an upstream leg can have both downstream legs: targets rung side by side, or one after the
-- other has failed. A leg that starts after another was answered is no fork of it.
function joining.go_together(upstream, one, other)
    local first, second = one, other
    if other.start < one.start then first, second = other, one end
    if first.answer and (first.answer <= second.start or second.answer) then return false end
    if first.stop and first.stop <= second.start + TIMING.disorder_s then return true end
    local pending = not (upstream.answer and upstream.answer < second.start - TIMING.disorder_s)
    local elsewhere = one.target ~= other.target or one.ends.uas.place ~= other.ends.uas.place
    return pending and elsewhere and one.ends.uac.host == other.ends.uac.host
end

function joining.first_leg(leg, choice)
    while choice.taken[leg] do leg = choice.taken[leg].a end
    return leg
end

-- Whether a link may still be true for a leg without upstream leg.
function joining.is_open(link, choice)
    if joining.first_leg(link.a, choice) == link.b then return false end
    for _, child in ipairs(choice.children[link.a] or {}) do
        if not joining.go_together(link.a, link.b, child.b) then return false end
    end
    return true
end

function joining.open_links(leg, choice)
    return list.filter(choice.up[leg] or {}, function(link) return joining.is_open(link, choice) end)
end

-- Lowers the margin by links of the same upstream leg that exclude this one and have no better choice.
function joining.against_rivals(link, margin, choice)
    for _, rival in ipairs(choice.down[link.a]) do
        local other = rival.b
        if other ~= link.b and not choice.taken[other] and not joining.go_together(link.a, link.b, other) then
            if rival.score <= link.score - JOINING.margin then return margin end
            local possible = joining.open_links(other, choice)
            if possible[1] and rival.score > possible[1].score - JOINING.margin and list.contains(possible, rival) then
                margin = min(margin, link.score - rival.score)
            end
        end
    end
    return margin
end

-- Returns the link to the leg's upstream leg, if there is one beyond doubt.
function joining.clear_link(leg, choice)
    local possible = joining.open_links(leg, choice)
    local best, margin = possible[1], huge
    if not best then return nil end
    -- Two legs of one call are no alternatives: either way the leg belongs to that call.
    local same_call = joining.first_leg(best.a, choice)
    for _, other in ipairs(possible) do
        if joining.first_leg(other.a, choice) ~= same_call then
            margin = best.score - other.score
            break
        end
    end
    return joining.against_rivals(best, margin, choice) >= JOINING.margin and best or nil
end

function joining.take(link, choice)
    choice.taken[link.b] = link
    insert(list.at(choice.children, link.a), link)
    insert(choice.order, link)
end

-- Legs whose choice has become smaller: rivals on either side of the link.
function joining.freed(link, choice)
    local freed, listed = {}, {}
    local ups = { link.a }
    for _, other in ipairs(choice.up[link.b]) do insert(ups, other.a) end
    for _, upstream in ipairs(ups) do
        for _, rival in ipairs(choice.down[upstream]) do
            if not choice.taken[rival.b] and not listed[rival.b] then
                listed[rival.b] = true
                insert(freed, rival.b)
            end
        end
    end
    return freed
end

function joining.board(links, choice)
    choice.up, choice.down, choice.legs = {}, {}, {}
    for _, link in ipairs(links) do
        if link.score >= JOINING.enough and not link.siblings then
            if not choice.up[link.b] then insert(choice.legs, link.b) end
            insert(list.at(choice.up, link.b), link)
            insert(list.at(choice.down, link.a), link)
        end
    end
end

-- Takes the clear links; taken ones leave the others fewer choices, so that a doubt may resolve itself.
function joining.choose(links, choice)
    sort(links, joining.best_first)
    joining.board(links, choice)
    local waiting, queued, at = {}, {}, 1
    local function wait(leg)
        if not choice.taken[leg] and not queued[leg] then
            queued[leg] = true
            insert(waiting, leg)
        end
    end
    for _, leg in ipairs(choice.legs) do wait(leg) end
    while waiting[at] do
        local leg = waiting[at]
        queued[leg], at = nil, at + 1
        local link = not choice.taken[leg] and joining.clear_link(leg, choice)
        if link then
            joining.take(link, choice)
            for _, near in ipairs(joining.freed(link, choice)) do wait(near) end
        end
    end
end

-- Legs that may be the next try after a downstream leg failed; the window counts from the failure.
function joining.retries(all, choice, context)
    local events, links = {}, {}
    for _, leg in ipairs(all) do
        local taken = choice.taken[leg]
        if taken and not leg.answer then couples.event(events, leg.ends.uac.host, leg, leg.stop, true, false) end
        if not taken then couples.event(events, leg.ends.uac.host, leg, leg.start, false, true) end
    end
    couples.within(events, TIMING.window_s, TIMING.neighbours, function(earlier, later)
        if earlier.up and later.down then
            insert(links, joining.link(choice.taken[earlier.leg].a, later.leg, later.time - earlier.time, context))
        end
    end)
    return links
end

function joining.root(leg)
    while leg.group ~= leg do leg = leg.group end
    return leg
end

-- Puts two legs into one call; returns whether they were apart.
function joining.unite(one, other)
    local first, second = joining.root(one), joining.root(other)
    if first == second then return false end
    if second.order < first.order then first, second = second, first end
    second.group = first
    return true
end

-- Whether two legs from one machine may be forks of a leg that was not seen.
function joining.side_by_side(one, other)
    local first, second = one, other
    if other.start < one.start then first, second = other, one end
    local over = (first.answer and first.answer <= second.start) or (first.stop and first.stop <= second.start)
    return second.start - first.start <= TIMING.window_s and not over and not (first.answer and second.answer)
end

-- Joins legs that follow from one leg that was not seen: only a token joins them. Legs whose upstream legs
-- were seen belong to those calls; what others follow from is no fork.
function joining.join_forks(links, choice)
    for _, link in ipairs(links) do
        local a, b = link.a, link.b
        local fork = not (choice.taken[a] and choice.taken[b]) and not choice.children[a] and not choice.children[b]
        if link.siblings and link.score >= JOINING.enough and fork and joining.side_by_side(a, b)
            and joining.unite(a, b) then
            local party = a.ends.uac.host == b.ends.uac.host and "uac" or "uas"
            a.shared[party], b.shared[party] = true, true
        end
    end
end

function joining.mark_doubts(choice)
    for _, leg in ipairs(choice.legs) do
        for _, link in ipairs(not choice.taken[leg] and joining.open_links(leg, choice) or {}) do
            link.a.doubtful, link.b.doubtful = true, true
        end
    end
end

function joining.no_choice() return { taken = {}, children = {}, order = {} } end

-- Looks for the next tries of hunts, each found from the failure of the one before.
function joining.try_again(all, links, choice, context, priors)
    for _ = 1, JOINING.rounds do
        local before = #choice.order
        local tried = joining.retries(all, choice, context)
        joining.with_prior(tried, priors)
        tried = list.filter(tried, function(link) return link.score >= JOINING.enough end)
        for _, link in ipairs(tried) do insert(links, link) end
        if #tried == 0 then return end
        joining.choose(links, choice)
        if #choice.order == before then return end
    end
end

-- Groups the legs into calls: sets group, shared (ends that are a B2BUA's) and doubtful of each.
function joining.join(all)
    local context = { shared = nil, rarities = parties.rarities(all) }
    local looked_at = couples.all(all)
    context.shared = looked_at.shared
    local links, first = joining.considered(looked_at, context), joining.no_choice()
    -- The first choice shows which machines pass calls on; the second one is made knowing that.
    joining.choose(links, first)
    local priors, choice = joining.priors(all, first.taken), joining.no_choice()
    joining.with_prior(links, priors)
    joining.choose(links, choice)
    joining.try_again(all, links, choice, context, priors)
    for _, link in ipairs(choice.order) do
        joining.unite(link.a, link.b)
        link.a.shared.uas, link.b.shared.uac = true, true
    end
    joining.join_forks(links, choice)
    joining.mark_doubts(choice)
end

return joining

end)()

---------------------------------------------------------------------------------------------------
-- ICE sessions: two ufrags that check each other, tied to the leg whose SDP carries them
--
-- A check's USERNAME is "receiver's ufrag:sender's ufrag" (RFC 8445, section 7.2.2), whatever NAT
-- does to the addresses. Checks that fit no leg are a session, and a call, without SIP.

local ice = (function()

local max, min = math.max, math.min
local insert = table.insert
local printable, unordered = text.printable, text.unordered
local stun = packet.stun

local ice = {}

-- What connectivity checks were seen, by pair of ufrags; in order of time.
function ice.checks_seen()
    local found, order = {}, {}
    for _, m in ipairs(capture.checks) do
        local receiver, sender = stun.halves(m.username)
        if receiver then
            local key = unordered(receiver, sender)
            local checks = found[key]
            if not checks then
                checks = { first = m.time, last = m.time, frame = m.frame, software = {}, key = key,
                    ufrags = receiver < sender and { receiver, sender } or { sender, receiver } }
                found[key] = checks
                insert(order, checks)
            end
            checks.software[sender] = checks.software[sender] or m.software
            checks.last = m.time
        end
    end
    return found, order
end

function ice.session(leg, ufrags, seen)
    return { leg = leg, call = leg.call, ufrags = ufrags, start = leg.from, stop = leg.till, seen = seen }
end

-- One session per call for what offer and answer agree on: legs that relay the same descriptions count once.
function ice.agreed_sessions(all, seen)
    local agreed, order = {}, {}
    for _, leg in ipairs(all) do
        for _, pair in ipairs(leg.agreed) do
            local key = unordered(pair[1], pair[2])
            local sessions = agreed[key]
            if not sessions then
                sessions = { calls = {} }
                agreed[key] = sessions
                insert(order, key)
            end
            if not sessions.calls[joining.root(leg)] then
                sessions.calls[joining.root(leg)] = true
                insert(sessions, ice.session(leg, pair, seen[key]))
            end
        end
    end
    for key, sessions in pairs(agreed) do
        local checks = seen[key]
        if checks and #sessions == 1 then -- nobody else has the pair
            sessions[1].start = min(sessions[1].start, checks.first)
            sessions[1].stop = max(sessions[1].stop, checks.last)
        end
    end
    return agreed
end

function ice.covers(leg, time) return leg.from <= time and time <= leg.till end

-- The session of checks nobody agreed on: of the one call alive that has one of the ufrags, else of none.
function ice.from_checks(checks, owners)
    local session, calls = nil, {}
    for at, ufrag in ipairs(checks.ufrags) do
        local peer = checks.ufrags[3 - at]
        for _, owner in ipairs(owners[ufrag] or {}) do
            local leg = owner.leg
            if ice.covers(leg, checks.first) or ice.covers(leg, checks.last) then
                list.once(calls, joining.root(leg))
                local pair = owner.party == "uac" and { ufrag, peer } or { peer, ufrag }
                if not session or leg.from < session.leg.from then session = ice.session(leg, pair, checks) end
            end
        end
    end
    if #calls == 1 then return session end
    return { ufrags = checks.ufrags, start = checks.first, stop = checks.last, seen = checks }
end

-- Returns the sessions by the key of their ufrags, and those without SIP.
function ice.sessions(all)
    local seen, order = ice.checks_seen()
    local found, owners, alone = ice.agreed_sessions(all, seen), {}, {}
    for _, leg in ipairs(all) do
        for ufrag, party in pairs(leg.author) do insert(list.at(owners, ufrag), { leg = leg, party = party }) end
    end
    for _, checks in ipairs(order) do
        if not found[checks.key] then
            local session = ice.from_checks(checks, owners)
            found[checks.key] = { session }
            if not session.leg then insert(alone, session) end
        end
    end
    return found, alone
end

-- Returns the session of a check; of several with the same ufrags the one nearest in time.
function ice.session_of(sessions, username, time)
    local receiver, sender = stun.halves(username)
    local best, least
    for _, session in ipairs(receiver and sessions[unordered(receiver, sender)] or {}) do
        local away = max(session.start - time, time - session.stop, 0)
        if not best or away < least then best, least = session, away end
    end
    return best
end

-- Sides of a check's sender and receiver, nil where the ufrags do not tell.
function ice.sides(session, username)
    local receiver, sender = stun.halves(username)
    if not session or not receiver or session.ufrags[1] == session.ufrags[2] then return nil, nil end
    if sender == session.ufrags[1] then return session.sides[1], session.sides[2] end
    return session.sides[2], session.sides[1]
end

-- Candidates a wire address may stand for (RFC 8445, section 5.1.1)

-- Returns the distinct candidates by call and ufrag, in the order they were offered.
function ice.candidates_of(all)
    local found = {}
    for _, leg in ipairs(all) do
        for _, m in ipairs(leg.descriptions) do
            for _, section in ipairs(m.sdp.sections) do
                for _, c in ipairs(section.candidates) do
                    if c.addr and c.ufrag then
                        local offered = list.at(list.at(found, leg.call), c.ufrag)
                        if #offered < constants.whose.most_candidates then insert(offered, c) end
                    end
                end
            end
        end
    end
    return found
end

function ice.first_where(candidates, test)
    for _, c in ipairs(candidates) do
        if test(c) then return c end
    end
    return nil
end

function ice.is_reflexive(c) return c.type == "srflx" or c.type == "prflx" end

-- Type of the candidate a wire address stands for, the best evidence first; nil where its side's
-- offer is not known. ``is_local`` says that the address is a base for sure: then an equal port is enough.
function ice.type_of(wire, outside, candidates, is_local)
    if not candidates or not candidates[1] then return nil end
    local port = address.port(wire)
    local found = ice.first_where(candidates, function(c) return c.place == wire end)
        or ice.first_where(candidates, function(c) return ice.is_reflexive(c) and c.base == wire end)
        or ice.first_where(candidates, function(c) return c.place and outside[c.place] end)
        or ice.first_where(candidates, function(c) return c.port == port and (is_local or c.addr_class == "mdns") end)
    return found and found.type or (is_local and "host" or "prflx")
end

-- The candidate pair of a check in the direction of the check.
function ice.pair(tx, index)
    local receiver, sender = stun.halves(tx.first.username)
    local by_ufrag = tx.owner and index.offers[tx.owner.call] or {}
    local sends = tx.src_side ~= "client" or tx.dst_side ~= "server"
    if (tx.src_side == "server" or tx.dst_side == "server") and tx.src_side ~= tx.dst_side then
        sends = tx.src_side == "server"
    end
    local function named(place, ufrag, is_local)
        local type = ice.type_of(place, index.outside[place] or {}, by_ufrag[ufrag or ""], is_local)
        return (type and printable(type, 16) .. " " or "") .. address.place_text(place)
    end
    return named(tx.src, sender, sends) .. " -> " .. named(tx.dst, receiver, not sends)
end

return ice

end)()

---------------------------------------------------------------------------------------------------
-- STUN Binding transactions: whose they are, what they are for and what became of them
--
-- Whose, where they name no known ufrags: what SDP said of a leg holds for the leg's life; the 5-tuple of
-- a check that is tied by its ufrags claims what else is sent on it. Ports are used again: the life nearest
-- in time owns the address; where several calls live on it at once the other end must tell them apart, or
-- nothing is said.

local bindings = (function()

local sub = string.sub
local floor, max, min, huge = math.floor, math.max, math.min, math.huge
local insert, sort = table.insert, table.sort
local number16 = text.number16

local bindings = {}

local WHOSE = constants.whose

-- Returns the owners of an address at a time, by call; several where it is shared.
function bindings.nearest(items, slack, time)
    local near, least, owners = list.overlapping(items, time, time, WHOSE.most_legs), nil, {}
    if #near == WHOSE.most_legs then return owners end
    for _, span in ipairs(near) do
        span.away = max(span.start + slack - time, time - (span.stop - slack), 0)
        -- A life without end gives way to one with an end.
        local rank = span.away * 2 + (span.stop == huge and 1e-9 or 0)
        span.rank, least = rank, min(least or rank, rank)
    end
    for _, span in ipairs(near) do
        local owner = owners[span.owner.call]
        local earlier = owner and owner.leg and span.owner.leg and span.owner.leg.number < owner.leg.number
        if span.rank == least and (not owner or earlier) then owners[span.owner.call] = span.owner end
    end
    return owners
end

-- Returns the owner that addresses agree on, of the owners of each by call; failing that, the only call
-- that addresses name alone.
function bindings.agreed(owners_of_each)
    local telling = list.filter(owners_of_each, function(owners) return next(owners) ~= nil end)
    local common, alone = {}, {}
    for call in pairs(telling[1] or {}) do
        local everywhere = true
        for _, owners in ipairs(telling) do everywhere = everywhere and owners[call] ~= nil end
        if everywhere then insert(common, call) end
    end
    for _, owners in ipairs(telling) do
        if next(owners, next(owners)) == nil then list.once(alone, (next(owners))) end
    end
    for _, calls in ipairs({ common, alone }) do
        for _, owners in ipairs(#calls == 1 and telling or {}) do
            if owners[calls[1]] then return owners[calls[1]] end
        end
    end
    return nil
end

function bindings.claim(wire, key, tx)
    local claims = list.at(wire, key)
    local last = claims[#claims]
    if last and last.owner.call == tx.owner.call and last.owner.leg == tx.owner.leg then
        last.start = min(last.start, tx.time - WHOSE.gathering_s)
        last.stop = max(last.stop, tx.time + WHOSE.gathering_s)
    else
        insert(claims, { start = tx.time - WHOSE.gathering_s, stop = tx.time + WHOSE.gathering_s, owner = tx.owner })
    end
end

function bindings.tie(tx, sessions)
    local session = ice.session_of(sessions, tx.first.username, tx.time)
    if not session then return end
    local sender, receiver = ice.sides(session, tx.first.username)
    tx.session, tx.src_side, tx.dst_side = session, sender, receiver
    tx.owner = { call = session.call, leg = session.leg }
end

function bindings.by_address(tx, wire, offered)
    local flow = bindings.nearest(wire[address.flow(tx.src, tx.dst)], WHOSE.gathering_s, tx.time)
    if next(flow) then
        local owner = bindings.agreed({ flow })
        if owner then return owner end
    end
    local found = {}
    for _, place in ipairs({ tx.src, tx.dst }) do
        insert(found, bindings.nearest(wire[place], WHOSE.gathering_s, tx.time))
    end
    for _, place in ipairs({ tx.src, tx.dst, tx.mapped }) do
        insert(found, bindings.nearest(offered[place], WHOSE.margin_s, tx.time))
    end
    return bindings.agreed(found)
end

-- Sets owner and sides of every transaction: by both ufrags, else by address and time.
function bindings.find_owners(transactions, sessions, offered)
    local wire, ways = {}, {}
    for _, tx in ipairs(transactions) do
        bindings.tie(tx, sessions)
        if tx.session then
            local there, back = address.flow(tx.src, tx.dst), address.flow(tx.dst, tx.src)
            for _, key in ipairs({ there, back, tx.src, tx.dst }) do bindings.claim(wire, key, tx) end
            list.at(ways, there)[tx.owner.call] = { tx.src_side, tx.dst_side }
            list.at(ways, back)[tx.owner.call] = { tx.dst_side, tx.src_side }
        end
    end
    for _, items in pairs(wire) do list.spans(items) end
    for _, tx in ipairs(transactions) do
        if not tx.session then
            tx.owner = bindings.by_address(tx, wire, offered)
            local way = tx.owner and (ways[address.flow(tx.src, tx.dst)] or {})[tx.owner.call] or {}
            tx.src_side, tx.dst_side = way[1], way[2]
        end
    end
end

-- What a transaction is for and what became of it

function bindings.note_flow(busy, flow)
    local size = floor((#flow - 4) / 2)
    local src, dst, sport, dport = sub(flow, 1, size), sub(flow, size + 1, 2 * size), sub(flow, -4, -3), sub(flow, -2)
    busy[flow], busy[dst .. src .. dport .. sport] = true, true
    busy[sport .. dport], busy[dport .. sport] = true, true
end

-- The RTCP flow beside an RTP flow (RFC 3550, section 11).
function bindings.beside(flow)
    local sport, dport = number16(flow, #flow - 3) + 1, number16(flow, #flow - 1) + 1
    return address.place(address.place(sub(flow, 1, -5), sport), dport)
end

-- Returns the 5-tuples and port pairs that carry something else than look-ups.
function bindings.busy_flows(transactions)
    local busy = {}
    for _, tx in ipairs(transactions) do
        for _, m in ipairs(tx.checks and tx.all or {}) do bindings.note_flow(busy, address.flow(m.src, m.dst)) end
    end
    for _, dialog in ipairs(capture.dialogs.list) do
        for _, m in ipairs(dialog.messages) do bindings.note_flow(busy, address.flow(m.src, m.dst)) end
    end
    for _, segment in ipairs(capture.segments) do
        if not segment.relayed then bindings.note_flow(busy, address.flow(segment.src, segment.dst)) end
    end
    for _, flow in pairs(capture.flows) do
        if flow.packets >= constants.rtp.fewest_packets then
            bindings.note_flow(busy, flow.key)
            bindings.note_flow(busy, bindings.beside(flow.key))
        end
    end
    return busy
end

-- USERNAME alone proves no check, FreeSWITCH sends one to STUN servers too; nor does port 3478.
function bindings.purpose(tx, busy)
    if tx.checks then return "check" end
    local flow = address.flow(tx.src, tx.dst)
    return (busy[flow] or busy[sub(flow, -4)]) and "keepalive" or "discovery"
end

-- Seconds from the last request before the first response to that response.
function bindings.round_trip(tx)
    local response, asked = tx.successes[1], nil
    if not response or (tx.errors[1] and list.earlier(tx.errors[1], response)) then
        response = tx.errors[1] or response
    end
    for _, m in ipairs(response and tx.requests or {}) do
        if not list.earlier(response, m) then asked = m end
    end
    return asked and response.time - asked.time or nil
end

function bindings.patience(transactions)
    local rtts = {}
    for _, tx in ipairs(transactions) do
        if tx.rtt then insert(rtts, tx.rtt) end
    end
    sort(rtts)
    local middle = floor((#rtts + 1) / 2)
    local median = #rtts == 0 and 0 or (rtts[middle] + rtts[#rtts + 1 - middle]) / 2
    return max(constants.bindings.patience_s, constants.bindings.patience_round_trips * median)
end

-- The transaction an ICMP error is about: named by its id, else the last request on its 5-tuple.
function bindings.quoted(icmp, sent)
    local tx = icmp.id and capture.transactions[icmp.id]
    if icmp.id then
        local refused = tx and tx.requests[1] and not (tx.src == icmp.dst and tx.dst == icmp.src)
        return refused and tx or nil
    end
    local there = sent[address.flow(icmp.src, icmp.dst)] or {}
    local last = there[list.after(there, "time", icmp.time) - 1]
    if not last or icmp.time - last.time > constants.bindings.icmp_recent_s then return nil end
    return not last.tx.successes[1] and not last.tx.errors[1] and last.tx or nil
end

function bindings.refuse(transactions)
    local sent = {}
    for _, tx in ipairs(#capture.icmp > 0 and transactions or {}) do
        for _, m in ipairs(tx.requests) do list.insert(list.at(sent, address.flow(m.src, m.dst)), m) end
    end
    for _, icmp in ipairs(capture.icmp) do
        icmp.tx = icmp.error and bindings.quoted(icmp, sent) or nil
        if icmp.tx and icmp.hard then icmp.tx.refused = true end
    end
end

function bindings.outcome(tx, wait)
    if not tx.requests[1] then return "response_only" end
    if tx.successes[1] then return "success" end
    if tx.errors[1] then return "error" end
    local last = tx.requests[#tx.requests]
    return (tx.refused or capture.last_time - last.time > wait) and "unanswered" or "pending"
end

-- The 5-tuple is the first request's; a response alone gives that of its request, mirrored.
function bindings.prepare(tx)
    tx.first = tx.requests[1] or tx.all[1]
    tx.src, tx.dst, tx.time = tx.first.src, tx.first.dst, tx.first.time
    if not tx.requests[1] then tx.src, tx.dst = tx.dst, tx.src end
    tx.checks, tx.nominates, tx.refused, tx.session, tx.owner = false, false, nil, nil, nil
    for _, m in ipairs(tx.requests) do
        tx.checks, tx.nominates = tx.checks or m.checks, tx.nominates or m.use_candidate
    end
    tx.mapped = tx.successes[1] and tx.successes[1].mapped
    tx.rtt = bindings.round_trip(tx)
end

-- Fills purpose, outcome, owner and sides of all transactions; returns them in order of time.
function bindings.find(sessions, offered)
    local transactions = {}
    for _, tx in ipairs(capture.transactions.list) do
        bindings.prepare(tx)
        insert(transactions, tx)
    end
    sort(transactions, function(one, other) return list.earlier(one.first, other.first) end)
    local busy, wait = bindings.busy_flows(transactions), bindings.patience(transactions)
    bindings.refuse(transactions)
    for _, tx in ipairs(transactions) do
        tx.purpose, tx.outcome = bindings.purpose(tx, busy), bindings.outcome(tx, wait)
    end
    bindings.find_owners(transactions, sessions, offered)
    return transactions
end

return bindings

end)()

---------------------------------------------------------------------------------------------------
-- All together: what is known of the file by now

local knowledge = (function()

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

end)()

---------------------------------------------------------------------------------------------------
-- What runs through a TURN relay, as it is beyond it: between the relayed address and the peer (RFC 8656)
--
-- Between a TURN client and its server the wire shows neither. The answer to Allocate names the address that
-- the relay gives the client, the candidate it offers; ChannelBind and every indication name the peer.

local turn = (function()

local unordered = text.unordered

local turn = { ALLOCATE = 3, SEND = 6, DATA = 7, CHANNEL_BIND = 9 } -- methods

-- Learns what a STUN message says of the TURN client and server between which it is.
function turn.learn(m, src, dst)
    local granted = m.method == turn.ALLOCATE and m.kind == "success" and m.relay
    if not granted and not m.peer then return end
    local key = unordered(src, dst)
    local known = capture.turn[key]
    if not known then
        known = { client = (granted or m.method == turn.DATA) and dst or src, channels = {} }
        capture.turn[key] = known
    end
    known.relay = granted or known.relay
    known.peer = m.peer or known.peer
    if m.method == turn.CHANNEL_BIND and m.channel and m.peer then known.channels[m.channel] = m.peer end
end

-- Returns sender and receiver beyond the relay of what goes from one to the other on the wire, to or from a
-- peer or in a channel; nothing where the wire tells of no allocation.
function turn.beyond(src, dst, peer, channel)
    local known = capture.turn[unordered(src, dst)]
    if not known then return nil end
    local relay = known.relay or known.client
    peer = peer or known.channels[channel] or known.peer
    if src == known.client then return relay, peer or dst end
    return peer or src, relay
end

return turn

end)()

---------------------------------------------------------------------------------------------------
-- Learning: what each frame adds, once, when it is first seen

local learn = (function()

local byte, sub = string.byte, string.sub
local max, min, huge = math.max, math.min, math.huge
local insert = table.insert
local set = list.set
local unordered = text.unordered
local stun = packet.stun

local learn = {}

-- Few: each one makes Wireshark keep its field for every frame, whether it is asked for or not.
local extract = { sip = Field.new("sip"), interface = Field.new("frame.interface_id") }

local WARNINGS = set(constants.dtls.warnings)

function learn.interface_of()
    local field = extract.interface()
    return field and field.value or nil
end

function learn.keep(number, record)
    record.stamp = capture.stamp
    capture.frames[number] = record
    capture.learnt = capture.learnt + 1
    return record
end

-- The text of a SIP message as Wireshark delimited it. A field's range may lie outside what was
-- captured of a packet cut short; Wireshark then raises an error instead of saying so.
function learn.text_of(field)
    local whole, bytes = pcall(function() return field.range:raw() end)
    return whole and bytes or nil
end

-- Source and destination of a SIP frame, by the bytes of its IP header; without one, of nobody.
function learn.sip_places(pinfo, bytes, ip)
    local src, dst = "\0\0\0\0", "\0\0\0\0"
    if ip then
        local from, size = packet.addresses_at(bytes, ip)
        src, dst = sub(bytes, from, from + size / 2 - 1), sub(bytes, from + size / 2, from + size - 1)
    end
    return address.place(src, pinfo.src_port or 0), address.place(dst, pinfo.dst_port or 0)
end

-- In the first pass a message's field reaches to the end of the segment: the next one's begin cuts it.
function learn.texts_of(fields)
    local texts = {}
    for at, field in ipairs(fields) do
        local message, next_one = learn.text_of(field), fields[at + 1]
        local gap = next_one and next_one.offset - field.offset or 0
        if message and gap > 0 and gap < #message then message = sub(message, 1, gap) end
        texts[#texts + 1] = message
    end
    return texts
end

function learn.add_message(m)
    local dialog = capture.dialogs[m.call_id]
    if not dialog then
        dialog = { id = m.call_id, messages = {} }
        capture.dialogs[m.call_id] = dialog
        insert(capture.dialogs.list, dialog)
    end
    list.insert(dialog.messages, m)
    m.dialog = dialog
end

-- Learns the SIP messages of a frame, if there are any; ``ip`` is where IP begins, nil in a fragment.
function learn.sip(pinfo, bytes, ip)
    local fields = { extract.sip() }
    if #fields == 0 then return nil end
    ip = ip or packet.find_fragment(bytes)
    local src, dst = learn.sip_places(pinfo, bytes, ip)
    local record = { kind = "sip", sip = {} }
    local original = packet.original(sub(bytes, ip or 1), capture.now, learn.interface_of(), record)
    if original and original.sip then return learn.keep(pinfo.number, { kind = "sip", sip = original.sip }) end
    for _, text in ipairs(learn.texts_of(fields)) do
        local m = sip.parse(text)
        if m then
            m.frame, m.time, m.src, m.dst = pinfo.number, capture.now, src, dst
            insert(record.sip, m)
            if m.call_id then learn.add_message(m) end
        end
    end
    return learn.keep(pinfo.number, record)
end

-- Of a message that is seen inside TURN and beyond the relay the one beyond counts.
function learn.add_transaction(m)
    local tx = capture.transactions[m.id]
    if not tx then
        tx = { all = {}, requests = {}, successes = {}, errors = {}, inside = m.inside }
        capture.transactions[m.id] = tx
        insert(capture.transactions.list, tx)
    end
    m.tx = tx
    if m.inside and not tx.inside then return end
    if tx.inside and not m.inside then
        tx.all, tx.requests, tx.successes, tx.errors, tx.inside = {}, {}, {}, {}, nil
    end
    list.insert(tx.all, m)
    list.insert(m.kind == "request" and tx.requests or m.kind == "success" and tx.successes or tx.errors, m)
    if m.kind == "request" and m.checks then list.insert(capture.checks, m) end
end

-- Learns a STUN message. Of one inside TURN of which nothing tells who talks beyond the relay there is no binding.
function learn.stun(pinfo, bytes, message, src, dst, way)
    local m = stun.parse(message)
    if m.data and m.peer and m.kind == "indication" and not way.inside then
        turn.learn(m, src, dst)
        local one, other = turn.beyond(src, dst, m.peer)
        return learn.inside(pinfo, bytes, m.data, one, other)
    end
    local record = { kind = "stun", stun = m }
    local original = packet.original(bytes, capture.now, learn.interface_of(), record)
    if original and original.stun then return learn.keep(pinfo.number, { kind = "stun", stun = original.stun }) end
    m.frame, m.time, m.src, m.dst = pinfo.number, capture.now, src, dst
    m.inside = way.inside
    if m.binding and m.kind ~= "indication" and not way.unknown then learn.add_transaction(m) end
    if not m.binding then turn.learn(m, src, dst) end
    return learn.keep(pinfo.number, record)
end

-- Learns what an indication carries between the ends beyond the relay: few packets, so media has a record, too.
function learn.inside(pinfo, bytes, payload, src, dst)
    local first = byte(payload) or 255
    if first >= 128 and first <= 191 then
        local key = address.flow(src, dst)
        local flow = capture.relayed[key] or learn.new_flow(capture.relayed, key, src, dst)
        local stream = learn.stream(payload, flow, 1, true)
        return stream and learn.keep(pinfo.number, { kind = "stream", stream = stream }) or nil
    end
    return learn.content(pinfo, bytes, payload, src, dst, { inside = true })
end

function learn.is_over(segment)
    local senders, latest = 0, -huge
    for _, time in pairs(segment.protected) do senders, latest = senders + 1, max(latest, time) end
    local completed = senders > 1 and capture.now - latest > constants.dtls.late_s
    return completed or not segment.handshake or capture.now - segment.last > constants.dtls.silence_s
end

function learn.segment_of(pinfo, src, dst, hello)
    local segments = list.at(capture.dtls, unordered(src, dst))
    local segment = segments[#segments]
    if not segment or (hello and learn.is_over(segment)) then
        segment = { frame = pinfo.number, first = capture.now, src = src, dst = dst, protected = {}, senders = {},
            talkers = {}, hellos = {} }
        insert(segments, segment)
        insert(capture.segments, segment)
    end
    segment.first, segment.last = min(segment.first, capture.now), max(segment.last or capture.now, capture.now)
    return segment
end

-- Learns a DTLS datagram: whose handshake it is part of, and its alert.
function learn.dtls(pinfo, datagram, src, dst, way)
    local hello, record = false, { kind = "dtls" }
    packet.records(datagram, function(content, epoch, type)
        hello = hello or (content == 22 and epoch == 0 and type == 1)
    end)
    local segment = learn.segment_of(pinfo, src, dst, hello)
    segment.talkers[src], segment.hellos[src], record.hello = true, segment.hellos[src] or hello, hello
    segment.hello_count = (segment.hello_count or 0) + (hello and 1 or 0)
    packet.records(datagram, function(content, epoch, first, second)
        if content == 22 then segment.handshake, segment.senders[src] = true, true end
        if content == 22 and (epoch > 0 or first ~= 1) then segment.more = true end
        if content == 23 and epoch == 1 then segment.data = true end
        if content == 22 and epoch == 0 and first == 2 then segment.server_hello = true end
        if content == 20 or (epoch > 0 and content ~= 21) then
            segment.protected[src] = segment.protected[src] or capture.now
        end
        if content == 21 and epoch > 0 then record.hidden_alert, segment.hidden_alert = true, true end
        if content == 21 and epoch == 0 and second then
            local name = constants.dtls.alerts[tostring(second)] or "alert " .. second
            if not WARNINGS[name] then
                record.alert = name .. (first == 1 and " (warning)" or "")
                segment.alert = segment.alert or record.alert
            end
        end
    end)
    record.dtls, record.src, record.dst, segment.relayed = segment, src, dst, way.unknown
    return learn.keep(pinfo.number, record)
end

-- Learns an ICMP error that quotes UDP or TCP.
function learn.icmp(pinfo, ip_bytes, bytes, version)
    local src, dst, rest = packet.quote(bytes, 9, version)
    if not src then return nil end
    local type = byte(bytes)
    local icmp = { frame = pinfo.number, time = capture.now, src = src, dst = dst, hard = packet.is_hard(version, type),
        error = not packet.is_harmless(version, type) }
    if #rest >= 20 and sub(rest, 5, 8) == stun.COOKIE then icmp.id = sub(rest, 9, 20) end
    local record = { kind = "icmp", icmp = icmp }
    local original = packet.original(ip_bytes, capture.now, learn.interface_of(), record)
    if original and original.icmp then return learn.keep(pinfo.number, { kind = "icmp", icmp = original.icmp }) end
    list.insert(capture.icmp, icmp)
    return learn.keep(pinfo.number, record)
end

function learn.new_flow(flows, key, src, dst)
    local flow = { src = src, dst = dst, key = address.flow(src, dst), packets = 0, streams = {} }
    flows[key] = flow
    return flow
end

function learn.new_stream(flow, ssrc, is_rtcp)
    local stream = { src = flow.src, dst = flow.dst, first = capture.now, last = capture.now, is_rtcp = is_rtcp,
        packets = 0 }
    flow.streams[ssrc] = stream
    if not is_rtcp then insert(list.at(capture.streams, unordered(flow.src, flow.dst)), stream) end
    return stream
end

-- Returns the RTP or RTCP stream of a packet of a flow, for payload at a place; nil if it is cut short.
function learn.stream(bytes, flow, at, counts)
    local kind, high, low = byte(bytes, at + 1, at + 3)
    local ssrc = sub(bytes, at + 8, at + 11)
    if #ssrc < 4 then return nil end
    local is_rtcp = kind >= 192 and kind <= 223 -- RFC 5761, section 4
    if is_rtcp then ssrc = "RTCP" .. sub(bytes, at + 4, at + 7) end
    local stream = flow.streams[ssrc] or learn.new_stream(flow, ssrc, is_rtcp)
    if counts then
        flow.packets = flow.packets + 1
        -- A number that came just now is the same packet captured twice.
        local number = high * 256 + low
        if number ~= stream.number and number ~= stream.number_before then
            stream.packets, stream.number, stream.number_before = stream.packets + 1, number, stream.number
        end
        local now = capture.now
        if now > stream.last then stream.last = now elseif now < stream.first then stream.first = now end
    end
    return stream
end

-- Who really talks: both ends, and whether that is not known of what is inside a channel of TURN.
function learn.ends(src, dst, channel)
    if not channel then return src, dst, false end
    local one, other = turn.beyond(src, dst, nil, channel)
    return one or src, other or dst, one == nil
end

-- Learns STUN or DTLS between two ends; nothing from anything else.
function learn.content(pinfo, bytes, payload, src, dst, way)
    if packet.is_dtls(payload, 1) then return learn.dtls(pinfo, payload, src, dst, way) end
    return stun.is(payload) and learn.stun(pinfo, bytes, payload, src, dst, way) or nil
end

return learn

end)()

---------------------------------------------------------------------------------------------------
-- Messages in TCP: TURN (RFC 8656), and what RFC 4571 frames for ICE over TCP (RFC 6544); as postproc/read/segments.py
--
-- A connection is taken up at the first segment that begins with a message; each direction is put together by its
-- sequence numbers. Where a segment is missing, the next that begins with a message goes on.

local framing = (function()

local byte, sub, floor, max, min = string.byte, string.sub, math.floor, math.max, math.min
local insert = table.insert
local number16 = text.number16

local framing = {
    TURN = "TURN", RFC4571 = "RFC 4571",
    MOST_WAITING = 64, -- segments that wait for one before them
    TURN_PORT = 3478, -- where ChannelData may be the first that a capture shows (RFC 8656, section 18)
}

local COOKIE, WRAP = packet.stun.COOKIE, 4294967296
local CHANNEL_HEADER, STUN_HEADER, PREFIX = 4, 20, 2

local function is_channel(first) return first >= 64 and first <= 79 end

-- Whether ChannelData messages, one after the other, end where the segment does: nothing else proves them.
local function is_channel_data(data)
    local at = 1
    while at + 3 <= #data and is_channel(byte(data, at)) do
        at = at + CHANNEL_HEADER + floor((number16(data, at + 2) + 3) / 4) * 4
        if at == #data + 1 then return true end
    end
    return false
end

-- How the messages are framed of which one begins a segment; nil where none does.
function framing.of(data, turn)
    if #data < 8 then return nil end
    if sub(data, 5, 8) == COOKIE and byte(data) < 4 then return framing.TURN end
    if sub(data, 7, 10) == COOKIE and byte(data, 3) < 4 and number16(data, 1) >= STUN_HEADER then
        return framing.RFC4571
    end
    return turn and is_channel_data(data) and framing.TURN or nil
end

-- What shares a transport with ICE: STUN, DTLS, RTP and RTCP (RFC 7983).
local function is_multiplexed(first)
    return first < 4 or (first >= 20 and first <= 63) or (first >= 128 and first <= 191)
end

-- Returns where a message starts and ends, and where the next one starts; nothing while its end is missing; false where
-- none starts.
local function message(data, at, kind)
    local left = #data - at + 1
    local start, size, filled
    if kind == framing.RFC4571 then
        if left <= PREFIX then return nil end
        start, size = at + PREFIX, number16(data, at)
        if size > 0 and not is_multiplexed(byte(data, start)) then return false end
    else
        if left < CHANNEL_HEADER then return nil end
        start = at
        if byte(data, at) > 127 then return false end
        local length = number16(data, at + 2)
        if byte(data, at) >= 64 then
            size, filled = CHANNEL_HEADER + length, floor((length + 3) / 4) * 4 - length
        else
            local seen = max(0, min(#COOKIE, left - CHANNEL_HEADER))
            if length % 4 > 0 or sub(data, at + 4, at + 3 + seen) ~= sub(COOKIE, 1, seen) then return false end
            size = STUN_HEADER + length
        end
    end
    local after = start + size + (filled or 0)
    if after - 1 > #data then return nil end
    return start, start + size - 1, after
end

-- Distance of a segment from what is expected; below 0 if its first bytes came before.
local function ahead(way, segment)
    if not way.expected then return 0 end
    return (segment.sequence - way.expected + WRAP / 2) % WRAP - WRAP / 2
end

local function lose(way) way.buffer, way.kind = "", nil end

-- Takes the messages out of what has come together; each is of the segment with its last byte.
local function whole(way, segment, found)
    local at = 1
    while true do
        local start, stop, after = message(way.buffer, at, way.kind)
        if start == false then return lose(way) end
        if not start then break end
        insert(found, { segment = segment, kind = way.kind, data = sub(way.buffer, start, stop) })
        at = after
    end
    way.buffer = sub(way.buffer, at)
end

local function join(way, segment, again, found)
    if way.expected and again >= segment.size then return end
    way.expected = (segment.sequence + segment.size) % WRAP
    if not way.kind then
        way.buffer, way.kind = "", framing.of(segment.payload, way.turn)
        if not way.kind then return end
    end
    way.buffer = way.buffer .. sub(segment.payload, again + 1)
    whole(way, segment, found)
    if #segment.payload < segment.size then lose(way) end -- the capture shows no more of it
end

local function first_waiting(way)
    local first, place
    for at, segment in ipairs(way.waiting) do
        if not first or ahead(way, segment) < ahead(way, first) then first, place = segment, at end
    end
    return first, place
end

local function waited(way, found)
    while way.waiting[1] do
        local first, place = first_waiting(way)
        local distance = ahead(way, first)
        if distance > 0 then return end
        table.remove(way.waiting, place)
        join(way, first, -distance, found)
    end
end

function framing.new_way(turn) return { buffer = "", waiting = {}, turn = turn } end

-- Goes on behind what is missing.
local function skip(way, found)
    lose(way)
    way.expected = first_waiting(way).sequence
    waited(way, found)
end

-- Returns the messages that are whole with a segment {sequence, payload, size}: {segment, kind, data}.
function framing.take(way, segment)
    local found, distance = {}, ahead(way, segment)
    if segment.opens then
        while way.waiting[1] do skip(way, found) end
        lose(way)
        way.expected = nil
    elseif segment.size > 0 and distance > 0 then
        insert(way.waiting, segment)
        if #way.waiting > framing.MOST_WAITING then skip(way, found) end
    elseif segment.size > 0 then
        join(way, segment, -distance, found)
        waited(way, found)
    end
    return found
end

return framing

end)()

---------------------------------------------------------------------------------------------------
-- Segments in: STUN, DTLS and media in TCP, learnt like those in UDP

local segments = (function()

local byte, sub = string.byte, string.sub
local insert = table.insert
local unordered, number16 = text.unordered, text.number16

local segments = {}

-- Learns from what a message in TCP carries, told as in UDP; media has a record, too: few calls have it in TCP.
function segments.carried(at, ip_bytes, data, src, dst)
    local channel
    if data.kind == framing.TURN and byte(data.data) >= 64 then channel = number16(data.data, 1) end
    local payload = channel and sub(data.data, 5) or data.data
    local one, other, unknown = learn.ends(src, dst, channel)
    local first, record = byte(payload) or 255, nil
    if first >= 128 and first <= 191 then
        local flows = channel and capture.relayed or capture.flows
        local key = "tcp" .. src .. dst .. (channel or "")
        local flow = flows[key] or learn.new_flow(flows, key, one, other)
        local stream = learn.stream(payload, flow, 1, true)
        record = stream and learn.keep(at.number, { kind = "stream", stream = stream })
    else
        local way = { inside = channel ~= nil, unknown = unknown }
        record = learn.content(at, ip_bytes .. data.data, payload, one, other, way)
    end
    if record then record.wire_src, record.wire_dst, record.transport = src, dst, "tcp" end
    return record
end

-- Returns the direction of a connection that carries STUN; nil of others.
function segments.way_of(key, src, dst, segment)
    local between, is_turn = unordered(src, dst), address.port(src) == framing.TURN_PORT
        or address.port(dst) == framing.TURN_PORT
    if not capture.connections[between] then
        if not framing.of(segment.payload, is_turn) then return nil end
        capture.connections[between] = true
    end
    local way = capture.ways[key]
    if not way then
        way = framing.new_way(is_turn)
        capture.ways[key] = way
    end
    return way
end

-- Keeps what messages of one segment are as one record; a segment that waited is a frame before this one.
function segments.keep_part(number, record, before)
    record.stamp = record.stamp or capture.stamp
    if not before then return record end
    if before.kind ~= "several" then before = { kind = "several", parts = { before }, stamp = record.stamp } end
    insert(before.parts, record)
    capture.frames[number] = before
    return before
end

-- Learns the messages in TCP that are whole with a segment.
function segments.learn(pinfo, bytes, ip, header, version)
    local segment = packet.segment(bytes, ip, header, version)
    if not segment or (segment.size == 0 and not segment.opens) then return nil end
    local key = packet.flow_key(bytes, ip, header)
    local src, dst = packet.places_of(key)
    local way = segments.way_of(key, src, dst, segment)
    if not way then return nil end
    segment.number, segment.now, segment.stamp = pinfo.number, capture.now, capture.stamp
    segment.interface = learn.interface_of()
    local now, stamp, ip_bytes = capture.now, capture.stamp, sub(bytes, ip, header - 1)
    for _, data in ipairs(framing.take(way, segment)) do
        local at = data.segment
        capture.now, capture.stamp = at.now, at.stamp
        local before = capture.frames[at.number]
        local record = segments.carried(at, ip_bytes, data, src, dst)
        if record then segments.keep_part(at.number, record, before) end
    end
    capture.now, capture.stamp = now, stamp
    return capture.frames[pinfo.number]
end

return segments

end)()

---------------------------------------------------------------------------------------------------
-- Frames in: what a frame is, by its bytes, and what is known of it (learn)

local frames = (function()

local byte, sub, find = string.byte, string.sub, string.find
local min, abs = math.min, math.abs
local insert = table.insert

local frames = {}

local raw, size_of = Tvb.raw, Tvb.len
-- Bytes that tell whose a packet of media is: 14 of Ethernet, 4 to 8 of VLANs, 40 of IPv6, 8 of UDP, 12 of RTP.
local HEAD = 96
local UDP, TCP, ICMP, ICMPV6 = packet.UDP, packet.TCP, packet.ICMP, packet.ICMPV6

-- Remembers where the key stands in packets like this: addresses and ports without options between.
function frames.shape(bytes, ip, header)
    local from, size = packet.addresses_at(bytes, ip)
    if from + size ~= header or #capture.shapes >= packet.PLACES then return end
    for _, shape in ipairs(capture.shapes) do
        if shape.from == from and shape.udp == header then return end
    end
    insert(capture.shapes, { from = from, udp = header, proto = size == 8 and ip + 9 or ip + 6 })
end

-- Notes which flow has a pair of ports: if none else has, later passes need not read its packets.
function frames.note_ports(flow, src, dst)
    local ports = address.port(src) * 65536 + address.port(dst)
    capture.ports[ports] = capture.ports[ports] == nil and flow
end

-- Returns the stream of a packet whose flow is known already. This is what runs on nearly every frame
-- of a capture: it makes no table and calls no extractor.
function frames.known_media(bytes, counts)
    local shapes, flows = capture.shapes, capture.flows
    for number = 1, #shapes do
        local shape = shapes[number]
        local udp = shape.udp
        local flow = flows[sub(bytes, shape.from, udp + 3)]
        if flow and byte(bytes, shape.proto) == 17 then
            local first = byte(bytes, udp + 8)
            return first and first >= 128 and first <= 191 and learn.stream(bytes, flow, udp + 8, counts) or nil
        end
    end
    return nil
end

-- Returns the stream of a packet of media; in a channel of TURN it is between the ends beyond the relay.
function frames.media(bytes, ip, udp, at, channel, counts)
    local key, flows = packet.flow_key(bytes, ip, udp), channel and capture.relayed or capture.flows
    local named = channel and key .. channel or key
    local flow = flows[named]
    if not flow then
        local src, dst = packet.places_of(key)
        local one, other = learn.ends(src, dst, channel)
        flow = learn.new_flow(flows, named, one, other)
        flow.wire_src, flow.wire_dst = src, dst
        frames.note_ports(flow, src, dst)
        if not channel then frames.shape(bytes, ip, udp) end
    end
    return learn.stream(bytes, flow, at, counts)
end

-- Sets the time, in seconds since the file's first frame.
function frames.time(pinfo)
    local stamp = pinfo.abs_ts
    if not capture.base then capture.base = stamp - pinfo.rel_ts end
    capture.stamp, capture.now = stamp, stamp - capture.base
    if capture.now > capture.last_time then capture.last_time = capture.now end
end

-- Makes it more exact: near 0 a double has nanoseconds. A time reference set in Wireshark restarts
-- the relative time: then it is of no use.
function frames.exact_time(pinfo)
    local relative = pinfo.rel_ts
    if abs(capture.now - relative) < 1e-5 then capture.now = relative end
end

-- Learns from a UDP payload, told by its first byte (RFC 7983); ``from`` is where IP begins.
function frames.datagram(pinfo, bytes, from, header, at, channel)
    local first = byte(bytes, at) or 255
    if first > 3 and not packet.is_dtls(bytes, at) then return nil end
    local src, dst = packet.places_of(packet.flow_key(bytes, from, header))
    local one, other, unknown = learn.ends(src, dst, channel)
    local way = { inside = channel ~= nil, unknown = unknown }
    local record = learn.content(pinfo, sub(bytes, from), sub(bytes, at), one, other, way)
    if record then record.wire_src, record.wire_dst = src, dst end
    return record
end

-- Returns what is known of a UDP packet: its record, or a stream of media.
function frames.udp(pinfo, bytes, from, header, visited)
    local at, channel = header + 8, nil
    local first = byte(bytes, at)
    if first and first >= 64 and first <= 79 then
        local inner, number = packet.in_channel(bytes, at)
        if inner then at, channel, first = inner, number, byte(bytes, inner) end
    end
    if first and first >= 128 and first <= 191 then
        return nil, frames.media(bytes, from, header, at, channel, not visited)
    end
    if visited then return nil end
    frames.exact_time(pinfo)
    return frames.datagram(pinfo, bytes, from, header, at, channel)
end

-- Finds out whether the first pass has no tree, and so no fields: then SIP is learnt later on.
function frames.sense(tree)
    if capture.blind == nil then capture.blind = find(tostring(tree), "has item=false", 1, true) ~= nil end
end

-- Returns what is known of a frame without a record: a new record, or a stream of media; in a later pass the
-- key of a TCP segment's flow, too.
function frames.frame(pinfo, tvb, visited, tree)
    local size = size_of(tvb)
    local bytes = raw(tvb, 0, min(size, HEAD))
    local record, stream = nil, frames.known_media(bytes, not visited)
    if stream then return nil, stream end
    if size > HEAD then bytes = raw(tvb) end
    local sport, dport = pinfo.src_port, pinfo.dst_port
    local from, header, proto, version = packet.find(bytes, sport, dport)
    if proto == UDP then record, stream = frames.udp(pinfo, bytes, from, header, visited) end
    if record or stream then return record, stream end
    if visited and not capture.blind then
        return nil, nil, proto == TCP and packet.flow_key(bytes, from, header) or nil
    end
    frames.exact_time(pinfo)
    record = proto == TCP and not visited and segments.learn(pinfo, bytes, from, header, version)
    if record then return record end
    if proto == ICMP or proto == ICMPV6 then
        return not visited and learn.icmp(pinfo, sub(bytes, from), sub(bytes, header), version) or nil
    end
    record = learn.sip(pinfo, bytes, from)
    if not record then
        capture.ports[sport * 65536 + dport] = false
        frames.sense(tree)
    end
    return record
end

-- Returns the record of a frame seen before. A read filter gives one number to several frames.
function frames.known_frame(pinfo)
    local record = capture.frames[pinfo.number]
    return record and record.stamp == pinfo.abs_ts and record or nil
end

return frames

end)()

---------------------------------------------------------------------------------------------------
-- How far a call came, in counts: candidates, checks, DTLS and media each way, as `postproc run` prints them

local steps = (function()

local max, huge = math.max, math.huge
local insert, sort, format = table.insert, table.sort, string.format
local unordered = text.unordered

local steps = {
    -- States of a handshake, the one that came farthest first.
    STATES = { "complete", "alert", "incomplete", "client_hello_only", "none" },
}

-- A side's name in a sentence.
function steps.side(side) return side == "other" and "far end" or side end

-- The way of a packet by the sides of its ends: to the client, to the server, or other.
function steps.way(src_side, dst_side)
    if src_side == "server" and dst_side == "client" then return "client" end
    return src_side == "client" and dst_side == "server" and "server" or "other"
end

-- The distinct candidates of the ufrags in a side's latest description, leg by leg; by side.
function steps.candidates(call)
    local counts, seen = { client = 0, server = 0 }, {}
    for _, leg in ipairs(call.legs) do
        local latest, current = {}, {}
        local function each(see)
            for _, m in ipairs(leg.descriptions) do
                for _, section in ipairs(m.sdp.sections) do
                    for _, c in ipairs(section.candidates) do
                        if c.addr then see(leg.side[m.party], m.time, c) end
                    end
                end
            end
        end
        each(function(side, time) latest[side] = max(latest[side] or -huge, time) end)
        each(function(side, time, c)
            if time == latest[side] then current[side .. "\0" .. (c.ufrag or "")] = true end
        end)
        each(function(side, _, c)
            local key = table.concat({ side, c.addr, c.port, c.type }, "\0")
            if counts[side] and current[side .. "\0" .. (c.ufrag or "")] and not seen[key] then
                seen[key], counts[side] = true, counts[side] + 1
            end
        end)
    end
    return counts
end

-- When keys were first proved to be in use, by application data or by SRTP after the one side that showed them.
function steps.proved(segment)
    if segment.data then return true end
    local first = huge
    for _, time in pairs(segment.protected) do first = math.min(first, time) end
    for _, stream in ipairs(first < huge and capture.streams[unordered(segment.src, segment.dst)] or {}) do
        if stream.first >= first and not stream.relayed == not segment.relayed then return true end
    end
    return false
end

-- How far a handshake came.
function steps.handshake(segment)
    local shown, senders = 0, 0
    for _ in pairs(segment.protected) do shown = shown + 1 end
    for _ in pairs(segment.senders) do senders = senders + 1 end
    if segment.handshake and (shown > 1 or steps.proved(segment)) then return "complete" end
    if segment.alert or (segment.hidden_alert and senders > 1) then return "alert" end
    if not segment.handshake then return "none" end
    return not segment.more and senders == 1 and shown == 0 and "client_hello_only" or "incomplete"
end

local RANK = {}
for rank, state in ipairs(steps.STATES) do RANK[state] = rank end

-- Adds a stream's packets; of an SSRC seen twice at a time the fuller view counts.
local function add_view(step, view)
    local before = step.views[view.key] or { stop = view.first, packets = 0 }
    local overlaps = before.packets > 0 and view.first < before.stop
    local more = overlaps and max(0, view.packets - before.packets) or view.packets
    step.media[view.way] = (step.media[view.way] or 0) + more
    step.views[view.key] = { stop = max(before.stop, view.last),
        packets = overlaps and max(before.packets, view.packets) or view.packets }
end

local function views_of(index)
    local views = {}
    for _, flows in ipairs({ capture.flows, capture.relayed }) do
        for _, flow in pairs(flows) do
            for ssrc, stream in pairs(flow.streams) do
                local counts = not stream.is_rtcp and stream.packets >= constants.rtp.fewest_packets
                local owner = counts and traffic.of_stream(index, stream)
                if owner then
                    local way = steps.way(owner.src_side, owner.dst_side)
                    insert(views, { call = owner.call, leg = owner.leg, from = owner.src_side, way = way,
                        key = way .. ssrc, first = stream.first, last = stream.last, packets = stream.packets })
                end
            end
        end
    end
    sort(views, function(one, other)
        if one.first ~= other.first then return one.first < other.first end
        return one.packets > other.packets
    end)
    return views
end

-- Says of an answered leg from which side no RTP came, where the capture shows packets of its media at all.
function steps.silence(index, leg)
    local answered = leg.answered_by and steps.of(index)[leg.call]
    if not answered then return nil end
    local one, other = leg.side.uac, leg.side.uas
    local packets = answered.legs[leg] or {}
    local seen = answered.seen[leg] or next(packets)
    if one == other or packets.unknown or not seen or ((packets[one] or 0) > 0 and (packets[other] or 0) > 0) then
        return nil
    end
    return format("Answered; RTP packets: %d from the %s, %d from the %s",
        packets[one] or 0, steps.side(one), packets[other] or 0, steps.side(other))
end

-- Returns the counts of every call: candidates by side; checks {answered, asked} and packets of media by way;
-- the handshake that came farthest; packets of media by leg and sender's side; legs with checks or DTLS.
function steps.of(index)
    if index.steps then return index.steps end
    local found = {}
    for _, call in ipairs(index.calls) do
        found[call] = { candidates = steps.candidates(call), checks = {}, media = {}, views = {}, legs = {},
            seen = {} }
    end
    for _, tx in ipairs(index.transactions) do
        if tx.owner and tx.purpose == "check" and tx.outcome ~= "response_only" then
            if tx.owner.leg then found[tx.owner.call].seen[tx.owner.leg] = true end
            local counts = list.at(found[tx.owner.call].checks, steps.way(tx.src_side, tx.dst_side))
            counts.asked = (counts.asked or 0) + 1
            counts.answered = (counts.answered or 0) + (tx.outcome == "success" and 1 or 0)
        end
    end
    for _, segment in ipairs(capture.segments) do
        local step = segment.owner and found[segment.owner.call]
        local state = step and steps.handshake(segment)
        if state and segment.owner.leg then step.seen[segment.owner.leg] = true end
        if state and (not step.dtls or RANK[state] < RANK[step.dtls]) then step.dtls = state end
    end
    for _, view in ipairs(views_of(index)) do
        add_view(found[view.call], view)
        if view.leg then
            local sides, from = list.at(found[view.call].legs, view.leg), view.from or "unknown"
            sides[from] = (sides[from] or 0) + view.packets
        end
    end
    index.steps = found
    return found
end

return steps

end)()

---------------------------------------------------------------------------------------------------
-- A message in short, for one column: what was asked and what became of it, counted over the call

local summary = (function()

local format, find = string.format, string.find
local insert, concat = table.insert, table.concat
local printable = text.printable

local summary = {}

-- The way of a message by sides, where both are known and differ.
local function way(src_side, dst_side)
    return src_side and dst_side and src_side ~= dst_side and " " .. src_side .. "->" .. dst_side or ""
end

local NAMES = { check = "check", keepalive = "keepalive", discovery = "look-up" }
local BECAME = { success = "answered", unanswered = "unanswered", pending = "open", error = "error" }

-- How many of the call's transactions of that purpose and way came to the same, of all; by transaction.
local function counts_of(index)
    if index.alike then return index.alike end
    local found = {}
    for _, tx in ipairs(index.transactions) do
        if tx.owner and tx.outcome ~= "response_only" then
            local calls = list.at(found, tx.owner.call)
            local counts = list.at(calls, tx.purpose .. way(tx.src_side, tx.dst_side))
            counts.all, counts[tx.outcome] = (counts.all or 0) + 1, (counts[tx.outcome] or 0) + 1
        end
    end
    index.alike = found
    return found
end

function summary.stun(m, index, complete)
    local tx = m.tx
    local inside = m.inside and " in TURN" or ""
    local there = way(tx.src_side, tx.dst_side)
    local what = NAMES[tx.purpose] .. there .. inside
    if m.kind == "success" then
        return what .. " answered" .. (m.mapped and ", seen as " .. address.place_text(m.mapped) or "")
    end
    if m.kind == "error" then return format("%s: error %s", what, m.error_code or "without code") end
    if not complete then return tx.outcome == "success" and what .. " answered" or what end
    local became = BECAME[tx.outcome]
    if tx.refused and not tx.successes[1] then became = "refused by ICMP" end
    local counts = tx.owner and list.at(counts_of(index), tx.owner.call)[tx.purpose .. there]
    return counts and format("%s %s (%d of %d)", what, became, counts[tx.outcome] or 0, counts.all)
        or what .. " " .. became
end

local MOST = 6 -- candidates of one message

local function place(addr, port)
    return format(find(addr, ":", 1, true) and "[%s]:%d" or "%s:%d", printable(addr, 64), port)
end

-- What a message's description says of candidates, else where it wants its media; else what the message is.
function summary.sip(m, side)
    local who = side and steps.side(side)
    return m.sdp and summary.sdp(m, who and who .. " " or "")
        or (who and who .. ": " or "") .. (m.method and printable(m.method, 16) or format("%d %s", m.status,
            printable(m.reason or "", 40)))
end

function summary.sdp(m, who)
    local offered, more, media, seen = {}, 0, {}, {}
    for _, section in ipairs(m.sdp.sections) do
        local used = section.addr and section.port and section.port > 0
        if used then list.once(media, place(section.addr, section.port)) end
        for _, c in ipairs(section.candidates) do
            local word = c.addr and printable(c.type, 16) .. " " .. printable(c.addr, 64)
            if word and not seen[word] then
                seen[word] = true
                if #offered < MOST then insert(offered, word) else more = more + 1 end
            end
        end
    end
    if offered[1] then
        return who .. "offers " .. concat(offered, ", ") .. (more > 0 and format(" and %d more", more) or "")
    end
    return media[1] and who .. "wants media at " .. concat(media, ", ") or nil
end

local HANDSHAKES = { complete = "handshake complete", incomplete = "handshake begun", alert = "handshake failed" }

function summary.dtls(record, complete)
    local segment = record.dtls
    local state = steps.handshake(segment)
    if record.alert then return "alert: " .. record.alert end
    if not complete and state ~= "complete" then return record.hello and "ClientHello" or nil end
    if record.hello and state ~= "complete" then
        if segment.hellos[segment.src] and segment.hellos[segment.dst] then return "ClientHello from both sides" end
        if not segment.server_hello and not segment.more then
            return format("ClientHello, never answered (%d sent)", segment.hello_count)
        end
    end
    return (record.hello and "ClientHello, " or "") .. (HANDSHAKES[state] or "no handshake seen")
end

return summary

end)()

---------------------------------------------------------------------------------------------------
-- Showing: what is known of a frame, as fields

local show = (function()

local find, format = string.find, string.format
local floor, min = math.floor, math.min
local set = list.set
local printable = text.printable

local legs = Proto("legs", "Call legs")

local F = {
    call = ProtoField.uint32("legs.call", "Call"),
    leg = ProtoField.uint32("legs.leg", "Leg"),
    label = ProtoField.string("legs.label", "Label"),
    side = ProtoField.string("legs.side", "Sender's side"),
    summary = ProtoField.string("legs.summary", "In short"),
    purpose = ProtoField.string("legs.purpose", "Purpose"),
    outcome = ProtoField.string("legs.outcome", "Outcome"),
    response_in = ProtoField.framenum("legs.response_in", "Response in", base.NONE, frametype.RESPONSE),
    response_to = ProtoField.framenum("legs.response_to", "Response to", base.NONE, frametype.REQUEST),
    rtt_ms = ProtoField.double("legs.rtt_ms", "Round trip (ms)"),
    retransmission_of = ProtoField.framenum("legs.retransmission_of", "Retransmission of", base.NONE,
        frametype.RETRANS_PREV),
    pair = ProtoField.string("legs.pair", "Candidate pair"),
    use_candidate = ProtoField.bool("legs.use_candidate", "Nominates (USE-CANDIDATE)"),
    mapped = ProtoField.string("legs.mapped", "Seen by the other end as"),
    candidate = ProtoField.string("legs.candidate", "Candidate"),
    type = ProtoField.string("legs.candidate.type", "Type"),
    addr = ProtoField.string("legs.candidate.addr", "Address"),
    port = ProtoField.uint32("legs.candidate.port", "Port"),
    related = ProtoField.string("legs.candidate.related", "Related address"),
    addr_class = ProtoField.string("legs.candidate.addr_class", "Class of address"),
}
legs.fields = F

local E = {
    unanswered = ProtoExpert.new("legs.expert.unanswered", "Binding never answered",
        expert.group.SEQUENCE, expert.severity.WARN),
    error = ProtoExpert.new("legs.expert.error", "Binding error",
        expert.group.RESPONSE_CODE, expert.severity.WARN),
    no_public = ProtoExpert.new("legs.expert.no_public", "No public candidate offered",
        expert.group.PROTOCOL, expert.severity.WARN),
    rejected = ProtoExpert.new("legs.expert.rejected", "INVITE rejected",
        expert.group.RESPONSE_CODE, expert.severity.ERROR),
    dtls_alert = ProtoExpert.new("legs.expert.dtls_alert", "DTLS alert",
        expert.group.SECURITY, expert.severity.ERROR),
    unacknowledged = ProtoExpert.new("legs.expert.unacknowledged", "2xx repeated, never acknowledged",
        expert.group.SEQUENCE, expert.severity.ERROR),
    two_hellos = ProtoExpert.new("legs.expert.two_hellos", "ClientHello from both sides",
        expert.group.SEQUENCE, expert.severity.ERROR),
    hello_unanswered = ProtoExpert.new("legs.expert.hello_unanswered", "ClientHello never answered",
        expert.group.SEQUENCE, expert.severity.WARN),
    no_media = ProtoExpert.new("legs.expert.no_media", "Answered, no RTP in a direction",
        expert.group.SEQUENCE, expert.severity.WARN),
    nat_port = ProtoExpert.new("legs.expert.nat_port", "Port changed by NAT",
        expert.group.SEQUENCE, expert.severity.NOTE),
    in_turn = ProtoExpert.new("legs.expert.in_turn", "Checks inside TURN",
        expert.group.SEQUENCE, expert.severity.NOTE),
    role_conflict = ProtoExpert.new("legs.expert.role_conflict", "ICE role conflict (487)",
        expert.group.RESPONSE_CODE, expert.severity.NOTE),
    unreachable = ProtoExpert.new("legs.expert.unreachable", "ICMP error for a check",
        expert.group.RESPONSE_CODE, expert.severity.WARN),
}
legs.experts = E

legs.prefs.country = Pref.string("Country code", "49",
    "Calling code for numbers written the national way (030 ...): digits, or empty to compare last digits only")

legs.prefs.results = Pref.string("Results of postproc", "",
    "Folder with the results of `postproc run`, for Tools > Legs > Open report; empty: postproc-out in the folder "
        .. "where Wireshark was started")

-- Class functions as locals: a method call on userdata looks them up in two tables each time.
local add, referenced, set_generated, set_text = TreeItem.add, TreeItem.referenced, TreeItem.set_generated,
    TreeItem.set_text

local show = { legs = legs }

function show.label_of(call, leg)
    local text = "call " .. call.number .. (leg and " leg " .. leg.number or "")
    return call.doubtful and text .. " (unsure)" or text
end

function show.put(branch, field, value)
    if value ~= nil then set_generated(add(branch, field, value)) end
end

-- Adds the branch with call, leg, label and side.
function show.put_owner(tree, owner, side)
    local branch = add(tree, legs)
    branch:set_generated()
    if owner and owner.call then
        if capture.looking then capture.selected = owner end
        local label = show.label_of(owner.call, owner.leg)
        set_text(branch, "Call legs: " .. label)
        show.put(branch, F.call, owner.call.number)
        show.put(branch, F.leg, owner.leg and owner.leg.number)
        show.put(branch, F.label, label)
    end
    show.put(branch, F.side, side)
    return branch
end

function show.put_candidate(branch, c)
    local text = "cannot be parsed"
    if c.addr then
        local place = format(find(c.addr, ":", 1, true) and "[%s]:%d" or "%s:%d", printable(c.addr, 80), c.port)
        text = format("%s %s %s, %s", printable(c.type, 16), place, printable(c.transport, 8), c.addr_class)
    end
    local item = add(branch, F.candidate, text)
    item:set_generated()
    if c.addr then
        show.put(item, F.type, printable(c.type, 16))
        show.put(item, F.addr, printable(c.addr, 80))
        show.put(item, F.port, min(c.port, 65536))
        if c.related_addr then
            show.put(item, F.related, format("%s port %d", printable(c.related_addr, 80), c.related_port or 0))
        end
        if ice.is_reflexive(c) and c.base and c.place and address.port(c.base) ~= address.port(c.place) then
            show.nat_port(item, c.base, c.place)
        end
    end
    show.put(item, F.addr_class, c.addr_class)
end

-- Says that NAT gave an address another port.
function show.nat_port(item, inside, outside)
    item:add_proto_expert_info(E.nat_port, format("Port changed by NAT: %s is %s outside",
        address.place_text(inside), address.place_text(outside)))
end

local PUBLIC = set({ "public", "documentation" })

function show.put_candidates(branch, m)
    local offered, public = 0, false
    for _, section in ipairs(m.sdp.sections) do
        for _, c in ipairs(section.candidates) do
            show.put_candidate(branch, c)
            offered, public = offered + (c.addr and 1 or 0), public or PUBLIC[c.addr_class] ~= nil
        end
    end
    if offered > 0 and not public and not m.trickles then
        branch:add_proto_expert_info(E.no_public, "No public candidate among " .. offered .. " offered")
    end
end

-- Whether a 2xx to an INVITE was sent again and no ACK of its transaction followed (RFC 3261, section 13.3.1.4).
function show.is_unacknowledged(m)
    local sent = 0
    for _, other in ipairs(m.dialog.messages) do
        if other.cseq == m.cseq and other.method == "ACK" then return false end
        if sip.answers_invite(other) and other.status == m.status and other.cseq == m.cseq
            and other.to_tag == m.to_tag and other.src == m.src then
            sent = sent + 1
        end
    end
    return sent > 1
end

function show.sip(record, tree, index, complete)
    for _, m in ipairs(record.sip) do
        local leg = m.dialog and m.dialog.leg
        if leg then
            local side = leg.side and m.party and leg.side[m.party]
            local branch = show.put_owner(tree, { call = leg.call, leg = leg }, side)
            show.put(branch, F.summary, summary.sip(m, side))
            if m.sdp then show.put_candidates(branch, m) end
            if sip.answers_invite(m) and (m.status == 403 or m.status == 488) then
                local answer = m.status .. " " .. printable(m.reason or "")
                branch:add_proto_expert_info(E.rejected, "INVITE rejected: " .. answer)
            end
            if complete and sip.answers_invite(m) and sip.succeeds(m) and show.is_unacknowledged(m) then
                branch:add_proto_expert_info(E.unacknowledged)
            end
            local silence = complete and m == leg.answered_by and steps.silence(index, leg)
            if silence then branch:add_proto_expert_info(E.no_media, silence) end
        end
    end
end

function show.previous(items, m)
    for at, item in ipairs(items) do
        if item == m then return items[at - 1] end
    end
    return nil
end

function show.put_request(branch, tx, m, complete)
    local response = tx.successes[1] or tx.errors[1]
    show.put(branch, F.response_in, response and response.frame)
    show.put(branch, F.use_candidate, m.use_candidate)
    if complete and tx.outcome == "unanswered" then
        branch:add_proto_expert_info(E.unanswered, tx.refused and "Binding refused by ICMP" or "Binding never answered")
    end
end

function show.put_response(branch, tx, m)
    local asked
    for _, request in ipairs(tx.requests) do
        if not list.earlier(m, request) then asked = request end
    end
    show.put(branch, F.response_to, asked and asked.frame)
    show.put(branch, F.rtt_ms, asked and floor((m.time - asked.time) * 1e9 + 0.5) / 1e6)
    if m.kind == "success" and m.mapped then
        show.put(branch, F.mapped, address.place_text(m.mapped))
        -- Keepalives repeat it; the first answer of a transaction and of a way tells it.
        if m == tx.successes[1] and address.port(m.mapped) ~= address.port(tx.src) and tx.purpose ~= "keepalive" then
            show.nat_port(branch, tx.src, m.mapped)
        end
    end
    if m.error_code == 487 then branch:add_proto_expert_info(E.role_conflict) end
    if m.kind == "error" then
        branch:add_proto_expert_info(E.error, "Binding error " .. (m.error_code or "without code"))
    end
end

-- Says once a call how many checks inside TURN were answered.
function show.put_inside(branch, tx, index)
    local call, answered, asked = tx.owner and tx.owner.call, 0, 0
    for _, other in ipairs(call and index.transactions or {}) do
        if other.inside and other.owner and other.owner.call == call and other.purpose == "check"
            and other.requests[1] then
            if asked == 0 and other ~= tx then return end -- an earlier one has it
            asked, answered = asked + 1, answered + (other.outcome == "success" and 1 or 0)
        end
    end
    if asked > 0 then
        branch:add_proto_expert_info(E.in_turn, format("Checks inside TURN: %d of %d answered", answered, asked))
    end
end

function show.put_binding(tree, index, m, complete)
    local tx = m.tx
    local branch = show.put_owner(tree, tx.owner, (m.kind == "request" and tx.src_side or nil)
        or (m.kind ~= "request" and tx.dst_side or nil))
    show.put(branch, F.purpose, tx.purpose)
    -- What is not answered yet may be answered further on.
    local open = tx.outcome == "unanswered" or tx.outcome == "pending"
    if complete or not open then show.put(branch, F.outcome, tx.outcome) end
    if tx.purpose == "check" then show.put(branch, F.pair, ice.pair(tx, index)) end
    local alike = m.kind == "request" and tx.requests or m.kind == "success" and tx.successes or tx.errors
    local again = show.previous(alike, m)
    show.put(branch, F.retransmission_of, again and again.frame)
    show.put(branch, F.summary, summary.stun(m, index, complete))
    if complete and m.inside and tx.purpose == "check" and m == tx.first then show.put_inside(branch, tx, index) end
    if m.kind == "request" then show.put_request(branch, tx, m, complete) else show.put_response(branch, tx, m) end
end

function show.stun(record, tree, index, complete)
    local m = record.stun
    -- While a large file grows, the last transactions are not worked out yet (knowledge.is_due).
    if m.tx and m.tx.purpose then return show.put_binding(tree, index, m, complete) end
    local owner = traffic.owner(index, m.src, m.dst, m.time, m.time)
    if owner then show.put_owner(tree, owner, owner.src_side) end
end

-- What is wrong with a ClientHello, once the whole file is known (RFC 5763, section 5).
function show.put_hello(branch, segment, complete)
    if not complete or segment.server_hello then return end
    local talkers = 0
    for _ in pairs(segment.talkers) do talkers = talkers + 1 end
    if segment.hellos[segment.src] and segment.hellos[segment.dst] then
        branch:add_proto_expert_info(E.two_hellos)
    elseif talkers == 1 then
        branch:add_proto_expert_info(E.hello_unanswered,
            format("ClientHello never answered (%d sent)", segment.hello_count))
    end
end

function show.dtls(record, tree, _, complete)
    local segment, owner = record.dtls, record.dtls.owner
    local senders, shown = 0, 0
    for _ in pairs(segment.senders) do senders = senders + 1 end
    for _ in pairs(segment.protected) do shown = shown + 1 end
    local too_early = record.hidden_alert and shown < 2 and senders > 1
    local alert = record.alert or (too_early and "encrypted, before the handshake was complete")
    if not owner and not alert and not record.hello then return end
    local side = owner and (record.src == segment.src and owner.src_side
        or record.src ~= segment.src and owner.dst_side)
    local branch = show.put_owner(tree, owner, side or nil)
    show.put(branch, F.summary, summary.dtls(record, complete))
    if alert then branch:add_proto_expert_info(E.dtls_alert, "DTLS alert: " .. alert) end
    if record.hello then show.put_hello(branch, segment, complete) end
end

-- The only leg of which a message went out on the flow within two seconds before.
function show.by_sip(icmp)
    local found
    for _, dialog in ipairs(capture.dialogs.list) do
        local leg = dialog.leg
        local at = leg and list.after(dialog.messages, "time", icmp.time) - 1 or 0
        while at > 0 and icmp.time - dialog.messages[at].time <= 2 do
            local m = dialog.messages[at]
            if m.src == icmp.src and m.dst == icmp.dst then
                if found and found ~= leg then return nil end
                found = leg
            end
            at = at - 1
        end
    end
    return found and { call = found.call, leg = found }
end

function show.icmp(record, tree, index)
    local icmp = record.icmp
    local tx = icmp.tx
    local owner = (tx and tx.owner) or traffic.of_quoted(index, icmp.src, icmp.dst, icmp.time) or show.by_sip(icmp)
    if not owner and not tx then return end
    local branch = show.put_owner(tree, owner)
    show.put(branch, F.summary, "does not reach " .. address.place_text(icmp.dst))
    if tx and tx.purpose == "check" then
        branch:add_proto_expert_info(E.unreachable, "ICMP error for a check to " .. address.place_text(icmp.dst))
    end
end

-- A packet of media in an indication of TURN.
function show.stream(record, tree, index)
    local owner = traffic.of_stream(index, record.stream)
    if owner then show.media(owner, tree) end
end

-- Several messages in one TCP segment.
function show.several(record, tree, index, complete)
    for _, part in ipairs(record.parts) do show[part.kind](part, tree, index, complete) end
end

-- On nearly every frame: as few items as can be, and the label as the branch's text only.
function show.media(owner, tree)
    owner.text = owner.text or "Call legs: " .. show.label_of(owner.call, owner.leg)
    local branch, leg = add(tree, legs, owner.text), owner.leg
    add(branch, F.call, owner.call.number)
    if leg then add(branch, F.leg, leg.number) end
    if capture.looking then capture.selected = owner end
end

-- Whether somebody wants one of our fields: a filter, a column, a colour rule, the packet's details.
function show.asked(tree) return referenced(tree, show.dissector) end

return show

end)()

---------------------------------------------------------------------------------------------------
-- Display filters that show a call without this plug-in, by Call-IDs, addresses and ports as they are on the wire

local filters = (function()

local byte, find, format, match = string.byte, string.find, string.format, string.match
local max, min = math.max, math.min
local insert, concat, sort = table.insert, table.concat, table.sort
local unordered = text.unordered

local filters = {}

-- A string as it means itself wherever Wireshark reads a filter (postproc/model/filters.py).
function filters.quoted(value)
    return '"' .. match(value, "^[^%z]*"):gsub('[^ !#%%&-?A-Z%[%]^-~]', function(sign)
        return format("\\x%02x", byte(sign))
    end) .. '"'
end

local function one_of(field, literals)
    if #literals > 1 then return field .. " in {" .. concat(literals, ", ") .. "}" end
    return literals[1] and field .. " == " .. literals[1] or nil
end

-- One of the transport's ports, numbers from low to high.
function filters.ports(field, numbers)
    local once = {}
    for _, number in ipairs(numbers) do list.once(once, number) end
    sort(once)
    return one_of(field, once)
end

local function with_next(port, odd) return odd and port < 65535 and { port, port + 1 } or { port } end

-- Packets both ways between two places, ICMP errors that quote them, and with ``odd`` RTCP on the next ports.
function filters.between(one, other, odd, transport)
    local hosts, ports = { address.host(one), address.host(other) }, { address.port(one), address.port(other) }
    sort(ports)
    local layer, parts = #hosts[1] == 16 and "ipv6.addr == " or "ip.addr == ", {}
    for _, host in ipairs(hosts) do list.once(parts, layer .. address.text(host)) end
    for _, port in ipairs(ports) do
        list.once(parts, filters.ports((transport or "udp") .. ".port", with_next(port, odd)))
    end
    return concat(parts, " && ")
end

-- Whether all descriptions of a call say that RTCP shares the ports of RTP (RFC 5761).
local function is_muxed(call)
    local any = false
    for _, leg in ipairs(call.legs) do
        for _, m in ipairs(leg.descriptions) do
            for _, section in ipairs(m.trickles and {} or m.sdp.sections) do
                any = true
                if not section.rtcp_mux then return false end
            end
        end
    end
    return any
end

-- Whose a record of STUN or DTLS is.
function filters.owner(index, record)
    if record.dtls then return record.dtls.owner end
    local m = record.stun
    if not m then return record.stream and traffic.of_stream(index, record.stream) end
    if m.tx then return m.tx.owner end
    return traffic.owner(index, m.src, m.dst, m.time, m.time)
end

local function use(flows, owner, src, dst, first, last, more)
    local used, key = list.at(flows, owner.call), unordered(src, dst)
    local span = used[key]
    if not span then
        span = { src = src, dst = dst, first = first, last = last }
        used[key] = span
        insert(used, span)
    end
    span.first, span.last = min(span.first, first), max(span.last, last)
    span.odd, span.transport = span.odd or more.odd, span.transport or more.transport
end

-- Returns the flows that calls use, by call, and how many calls use each; of RTP those with ``odd`` have RTCP beside.
function filters.flows(index)
    local flows, users = {}, {}
    for _, kept in pairs(capture.frames) do
        for _, record in ipairs(kept.parts or { kept }) do
            local owner = record.wire_src and filters.owner(index, record)
            if owner then
                local time = record.stamp - capture.base
                use(flows, owner, record.wire_src, record.wire_dst, time, time, record)
            end
        end
    end
    for _, every in ipairs({ capture.flows, capture.relayed }) do
        for _, flow in pairs(every) do
            for _, stream in pairs(flow.streams) do
                local owner = flow.wire_src and traffic.of_stream(index, stream)
                if owner then
                    use(flows, owner, flow.wire_src, flow.wire_dst, stream.first, stream.last,
                        { odd = not stream.is_rtcp and every == capture.flows and not is_muxed(owner.call) })
                end
            end
        end
    end
    for _, used in pairs(flows) do
        sort(used, function(one, other) return one.first < other.first end)
        for _, span in ipairs(used) do
            local key = unordered(span.src, span.dst)
            users[key] = (users[key] or 0) + 1
        end
    end
    return flows, users
end

-- The display filter of all that is a call's; a flow that others use, too, within the call's time only.
function filters.of_call(index, call)
    local ids, parts = {}, {}
    for _, leg in ipairs(call.legs) do list.once(ids, filters.quoted(leg.id)) end
    insert(parts, one_of("sip.Call-ID", ids))
    local flows, users = filters.flows(index)
    for _, span in ipairs(flows[call] or {}) do
        local part = filters.between(span.src, span.dst, span.odd, span.transport)
        if users[unordered(span.src, span.dst)] > 1 then
            local slack, since = constants.whose.margin_s, capture.base
            part = format("%s && frame.time_epoch >= %.6f && frame.time_epoch <= %.6f", part,
                since + span.first - slack, since + span.last + slack)
        end
        insert(parts, part)
    end
    for at, part in ipairs(parts) do
        if #parts > 1 and find(part, " && ", 1, true) then parts[at] = "(" .. part .. ")" end
    end
    return concat(parts, " || ")
end

-- The address behind the NAT of a candidate's, as candidates and STUN tell.
local function bases_of(index, c)
    local bases = c.type == "srflx" and c.base and { c.base } or {}
    for base, outside in pairs(index.outside) do
        if c.place and outside[c.place] then list.once(bases, base) end
    end
    return bases
end

-- The UDP ports of the server in a call, as offered and as on the wire: of its candidates, else of its media.
function filters.server_ports(index, call)
    local ports, media = {}, {}
    for _, leg in ipairs(call.legs) do
        for _, m in ipairs(leg.descriptions) do
            for _, section in ipairs(leg.side[m.party] == "server" and m.sdp.sections or {}) do
                if section.port and section.port > 0 then list.once(media, section.port) end
                for _, c in ipairs(section.candidates) do
                    if c.port and c.port > 0 and c.port < 65536 and c.transport == "udp" then
                        list.once(ports, c.port)
                        for _, base in ipairs(bases_of(index, c)) do list.once(ports, address.port(base)) end
                    end
                end
            end
        end
    end
    return filters.ports("udp.port", ports[1] and ports or media)
end

return filters

end)()

---------------------------------------------------------------------------------------------------
-- Menus

local menus = (function()

local format = string.format
local floor, max, min = math.floor, math.max, math.min
local insert, concat = table.insert, table.concat
local printable = text.printable

local menus = {}

local NO_PACKET = "Select a packet of a call first, or pick a call in Tools > Legs > Calls in this file."

function menus.filter(text)
    set_filter(text)
    apply_filter()
end

function menus.clock(time) return os.date("%H:%M:%S", floor(time + capture.base)) end

-- How the window's width is used: its text wraps behind 80 characters, so long names are cut.
local NAMES = 20

local function cut(names) return #names > NAMES and names:sub(1, NAMES - 2) .. ".." or names end

function menus.users_of(leg)
    return printable(leg.from_user or "?", 32) .. " -> " .. printable(leg.to_user or "?", 32)
end

local function ratio(counts) return counts and counts.answered .. "/" .. counts.asked or "-" end

-- Checks each way; in brackets those of a call in which no side is known to be the client.
local function checks_of(checks)
    if checks.other and not checks.client and not checks.server then return "(" .. ratio(checks.other) .. ")", "-" end
    return ratio(checks.client), ratio(checks.server)
end

-- Packets of media each way; none at all is told where there should be some.
local function media_of(media, expected, candidates)
    local known = media.client or media.server
    if media.other and not known and not candidates then return "(" .. media.other .. ")", "-" end
    if not known and not expected then return "-", "-" end
    return tostring(media.client or 0), tostring(media.server or 0)
end

local DTLS = { complete = "ok", alert = "alert", incomplete = "begun", client_hello_only = "hello", none = "none" }

-- The cells of a call's line, those that `postproc run` prints.
function menus.cells(call, step)
    local first, offered = call.legs[1], step.candidates
    local candidates = offered.client + offered.server > 0
    local answered = first and first.final and first.final < 300
    local to_client, to_server = checks_of(step.checks)
    local one, other = media_of(step.media, answered and candidates, candidates)
    return {
        tostring(call.number), menus.clock(call.start), first and cut(menus.users_of(first)) or "checks without SIP",
        #call.legs .. (call.doubtful and "?" or ""), tostring(first and (first.final or first.ringing and 180) or "-"),
        candidates and offered.client .. "/" .. offered.server or "-", to_client, to_server, DTLS[step.dtls] or "-",
        one, other,
    }
end

local HEADINGS = {
    { "call", "time", "from -> to", "legs", "SIP", "cand", "checks", "", "DTLS", "media", "" },
    { "", "", "", "", "", "c/s", "s>c", "c>s", "", "s>c", "c>s" },
}
local WORDS = { [2] = true, [3] = true, [9] = true } -- set from the left; the others are figures
local LEGEND = "c: client, s: server; checks: answered/sent, repeats aside; media: RTP packets\n"
    .. "(n): no side is known to be the client"

-- Lines of cells of equal width.
function menus.drawn(rows)
    local widths, lines = {}, {}
    for _, row in ipairs(rows) do
        for column, cell in ipairs(row) do widths[column] = max(widths[column] or 0, #cell) end
    end
    for at, row in ipairs(rows) do
        local cells = {}
        for column, cell in ipairs(row) do
            local gap = (" "):rep(widths[column] - #cell)
            cells[column] = (WORDS[column] or row == HEADINGS[1]) and cell .. gap or gap .. cell
        end
        lines[at] = concat(cells, " "):gsub(" +$", "")
    end
    return concat(lines, "\n")
end

-- The table of calls, or of one, and of which legs a side sent no media.
function menus.table_of(calls, index)
    local counts, rows, lines = steps.of(index), { HEADINGS[1], HEADINGS[2] }, {}
    for _, call in ipairs(calls) do
        insert(rows, menus.cells(call, counts[call]))
        for _, leg in ipairs(call.legs) do
            local silence = steps.silence(index, leg)
            if silence then insert(lines, format("call %d leg %d: %s", call.number, leg.number, silence)) end
        end
    end
    insert(lines, 1, menus.drawn(rows))
    insert(lines, LEGEND)
    return concat(lines, "\n")
end

-- How a leg ended, and by whom; nothing of one that was refused or goes on.
function menus.ending_of(leg)
    if not leg.ended or leg.ended == "failure" then return "" end
    local by = leg.side and leg.side[leg.ended_by]
    return "  " .. leg.ended .. (by and " of the " .. steps.side(by) or "") .. " " .. menus.clock(leg.stop)
end

function menus.candidate_lines(lines, leg)
    local seen = {}
    for _, m in ipairs(leg.descriptions) do
        for _, section in ipairs(m.sdp.sections) do
            for _, c in ipairs(section.candidates) do
                local text = c.addr and format("    %-7s %-6s %s port %d, %s", leg.side[m.party], printable(c.type, 16),
                    printable(c.addr, 80), c.port, c.addr_class) or "    cannot be parsed"
                if not seen[text] then insert(lines, text) end
                seen[text] = true
            end
        end
    end
end

function menus.candidates_of(index, call)
    local lines = { menus.table_of({ call }, index), "" }
    for _, leg in ipairs(call.legs) do
        insert(lines, "leg " .. leg.number .. "  " .. menus.users_of(leg) .. menus.ending_of(leg))
        insert(lines, "    Call-ID " .. printable(leg.id, 100))
        menus.candidate_lines(lines, leg)
    end
    return concat(lines, "\n")
end

function menus.window(title, text)
    local window = TextWindow.new(title)
    window:set(text)
    return window
end

-- What a function makes of what is known and of a call.
function menus.of_call(number, make)
    local index = knowledge.now(true)
    local call = index.calls[number]
    return call and make(index, call) or "No such call in this file."
end

local BUTTONS = 8 -- of calls in the window; more do not fit into its width

-- The table of all calls, with a button that filters each.
function menus.show_calls()
    local index = knowledge.now(true)
    local calls = index.calls
    if not calls[1] then return menus.window("Calls", "No call in this file.") end
    local window = menus.window("Calls", menus.table_of(calls, index))
    for number = 1, min(#calls, BUTTONS) do
        window:add_button("Call " .. number, function() menus.filter_call(number) end)
    end
    if #calls > BUTTONS then
        window:add_button("Other call...", function()
            new_dialog("Filter a call", function(number) menus.filter_call(tonumber(number) or 0) end, "Number")
        end)
    end
end

-- Runs an action with call and leg of the packet whose details are shown.
function menus.of_selected(action)
    return function()
        local owner = capture.selected
        if not owner then return menus.window("Legs", NO_PACKET) end
        action(owner.call.number, owner.leg and owner.leg.number)
    end
end

-- The same for the packet that was clicked, which may be another one.
function menus.of_clicked(action)
    return function(...)
        local found = {}
        for _, field in ipairs({ ... }) do
            found[field.name] = found[field.name] or tonumber(tostring(field.value))
        end
        if found["legs.call"] then action(found["legs.call"], found["legs.leg"]) end
    end
end

local OPEN = "(legs.outcome == \"unanswered\" || legs.outcome == \"pending\")"

function menus.filter_call(call) menus.filter("legs.call == " .. call) end

function menus.filter_leg(call, leg)
    menus.filter("legs.call == " .. call .. (leg and " && legs.leg == " .. leg or ""))
end

function menus.filter_open(call) menus.filter("legs.call == " .. call .. " && " .. OPEN) end

function menus.show_candidates(call) menus.window("Candidates", menus.of_call(call, menus.candidates_of)) end

function menus.copy(title, text)
    copy_to_clipboard(text)
    menus.window(title .. " (copied)", text)
end

function menus.copy_filter(call) menus.copy("Filter", menus.of_call(call, filters.of_call)) end

function menus.copy_ports(call)
    menus.copy("Server's ports", menus.of_call(call, function(index, found)
        return filters.server_ports(index, found) or "No session description of the server was seen in this call."
    end))
end

-- The folder of results as the user has set it; none without Wireshark.
function menus.results() return "" end

local NO_REPORT = "No report at %s\n\nMake one with:  postproc run CAPTURE\n"
    .. "and name its folder under Edit > Preferences > Protocols > LEGS > Results of postproc."

-- The address of a file for a browser: whatever else the path holds, it is a path.
local function file_url(path)
    path = path:gsub("\\", "/"):gsub("[^%w/._~:-]", function(sign) return format("%%%02X", sign:byte()) end)
    return "file://" .. (path:sub(1, 1) == "/" and "" or "/") .. path
end

-- Opens the report in the browser. Not at the selected call: a run of several captures numbers them otherwise.
function menus.open_report()
    local folder = menus.results()
    if folder == "" then folder = (os.getenv("PWD") or ".") .. "/postproc-out" end
    local path = folder .. "/report.html"
    local file = io.open(path, "rb")
    if not file then return menus.window("Report", format(NO_REPORT, path)) end
    file:close()
    browser_open_url(file_url(path))
end

menus.ENTRIES = {
    { "Filter this call", menus.filter_call },
    { "Filter this leg", menus.filter_leg },
    { "Open bindings of this call", menus.filter_open },
    { "Candidates of this call", menus.show_candidates },
    { "Copy filter of this call", menus.copy_filter },
    { "Copy filter of the server's ports", menus.copy_ports },
}

-- The Tools menu in all versions; the packet's own menu since Wireshark 4.4.
function menus.register()
    for _, entry in ipairs(menus.ENTRIES) do
        local name, action = "Legs/" .. entry[1], entry[2]
        register_menu(name, menus.of_selected(action), MENU_TOOLS_UNSORTED)
        if register_packet_menu then register_packet_menu(name, menus.of_clicked(action), "legs.call") end
    end
    register_menu("Legs/Calls in this file", menus.show_calls, MENU_TOOLS_UNSORTED)
    register_menu("Legs/Open report", menus.open_report, MENU_TOOLS_UNSORTED)
end

return menus

end)()

---------------------------------------------------------------------------------------------------
-- The dissector

local legs = show.legs

-- Wireshark hands over three new objects with every frame: collected young they cost least memory. A pause of 1000
-- percent would save some time, and cost hundreds of bytes for each packet of media.
if _VERSION == "Lua 5.4" then collectgarbage("generational") end

legs.init = capture.forget

function knowledge.country_code() return legs.prefs.country or "" end

function menus.results() return legs.prefs.results or "" end

-- Shows a frame for the first time, or one without fields in the first pass: it has to be learnt.
function show.new(tvb, pinfo, tree, visited)
    frames.time(pinfo)
    local record, stream = frames.frame(pinfo, tvb, visited, tree)
    if record and (visited or show.asked(tree)) then
        show[record.kind](record, tree, knowledge.now(false), false)
    elseif stream and show.asked(tree) then
        local owner = traffic.of_stream(knowledge.now(false), stream)
        if owner then show.media(owner, tree) end
    end
end

-- Returns whose packet of media, or whose TCP segment, this is; its bytes are read only if the ports do not tell.
function show.owner_of_media(tvb, pinfo, index)
    local flow = capture.ports[pinfo.src_port * 65536 + pinfo.dst_port]
    if flow == nil then return nil end
    if flow then
        local owner, mixed = traffic.of_flow(index, flow)
        if not mixed then return owner end
    end
    local _, stream, segment = frames.frame(pinfo, tvb, true)
    if segment then return traffic.of_connection(index, segment) end
    return stream and traffic.of_stream(index, stream)
end

local GUI = gui_enabled()

-- Notes whether Wireshark shows the packet's details: then its call is the one that menus are about.
function show.look(tree)
    capture.looking = tree.visible
    if capture.looking then capture.selected = nil end
end

function legs.dissector(tvb, pinfo, tree)
    local visited = pinfo.visited
    local record = visited and frames.known_frame(pinfo)
    if record then
        if GUI then show.look(tree) end
        show[record.kind](record, tree, knowledge.now(not capture.blind), not capture.blind)
    elseif not visited or capture.blind then
        show.new(tvb, pinfo, tree, visited)
    elseif show.asked(tree) then
        if GUI then show.look(tree) end
        local owner = show.owner_of_media(tvb, pinfo, knowledge.now(true))
        if owner then show.media(owner, tree) end
    end
end

show.dissector = Dissector.get("legs")

if GUI then menus.register() end

register_postdissector(legs)
