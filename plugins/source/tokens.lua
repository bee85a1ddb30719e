-- Tokens: values two legs have in common only if one call made both
--
-- How much a value tells depends on its rarity. The fingerprint of a certificate is never used: a
-- server has one for all its calls.

local constants = require("constants")
local list = require("list")
local text = require("text")
local address = require("address")

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
