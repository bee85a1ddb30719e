-- Dialogs: what the messages of one Call-ID say (RFC 3261, sections 12 and 13)
--
-- The INVITE that counts is the last one without a To tag: a challenge (401, 407) or redirection
-- before it was answered by it. Who is who is told by tags, not by addresses.

local list = require("list")
local address = require("address")
local sip = require("sip")

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
