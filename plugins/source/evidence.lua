-- Evidence: how much speaks for two legs being the two sides of one B2BUA
--
-- A score is log-odds: how much more often this is seen between a leg and the one that follows from
-- it than between legs of different calls. Scores add up.

local constants = require("constants")
local list = require("list")

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
