-- Display filters that show a call without this plug-in, by Call-IDs, addresses and ports as they are on the wire

local constants = require("constants")
local capture = require("capture")
local list = require("list")
local text = require("text")
local address = require("address")
local traffic = require("traffic")

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
