-- Joining: all couples are scored, the clear ones chosen; what fits as well as something else stays
-- apart and is doubtful

local constants = require("constants")
local list = require("list")
local parties = require("parties")
local evidence = require("evidence")
local couples = require("couples")

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
