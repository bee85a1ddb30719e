-- Lists in order of time, sets, spans of time

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
