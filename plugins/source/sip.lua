-- SIP messages (RFC 3261), session descriptions (RFC 8866) and candidates (RFC 8839)

local constants = require("constants")
local list = require("list")
local text = require("text")
local address = require("address")

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
