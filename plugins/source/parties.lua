-- Who is at either end of a leg: telephone numbers, machines, sides

local constants = require("constants")
local list = require("list")
local text = require("text")
local address = require("address")
local sip = require("sip")

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
