-- A message in short, for one column: what was asked and what became of it, counted over the call

local list = require("list")
local text = require("text")
local address = require("address")
local steps = require("steps")

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
