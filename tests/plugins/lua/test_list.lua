local check = require("check")
local list = require("list")
local text = require("text")

local test = {}

local function frames_of(items)
    local frames = {}
    for at, item in ipairs(items) do frames[at] = item.frame end
    return frames
end

function test.what_comes_late_is_put_where_its_time_is()
    local items = {}
    for frame, time in ipairs({ 2, 5, 1, 2, 9 }) do list.insert(items, { time = time, frame = frame }) end
    check.same(frames_of(items), { 3, 1, 4, 2, 5 })
end

function test.places_in_a_list_are_found_before_within_and_behind_it()
    local items = { { at = 1 }, { at = 3 }, { at = 3 }, { at = 7 } }
    check.same({ list.from(items, "at", 0), list.from(items, "at", 3), list.from(items, "at", 8) }, { 1, 2, 5 })
    check.same({ list.after(items, "at", 0), list.after(items, "at", 3), list.after(items, "at", 7) }, { 1, 4, 5 })
    check.same(list.from({}, "at", 1), 1)
end

local function names_of(spans)
    local names = {}
    for at, span in ipairs(spans) do names[at] = span.name end
    return table.concat(names)
end

local function spans(...)
    local items = {}
    for _, span in ipairs({ ... }) do items[#items + 1] = { name = span[1], start = span[2], stop = span[3] } end
    return list.spans(items)
end

function test.spans_that_share_time_come_latest_start_first()
    local items = spans({ "a", 0, 10 }, { "c", 8, 9 }, { "b", 2, 3 }, { "d", 20, 30 })
    check.same(names_of(list.overlapping(items, 2, 8, 9)), "cba")
    check.same(names_of(list.overlapping(items, 3, 3, 9)), "ba")
    check.same(names_of(list.overlapping(items, 11, 19, 9)), "")
    check.same(names_of(list.overlapping(nil, 1, 2, 9)), "")
end

function test.a_span_that_began_long_ago_is_found_behind_short_ones()
    local items = spans({ "long", 0, 100 }, { "a", 1, 2 }, { "b", 3, 4 }, { "c", 5, 6 })
    check.same(names_of(list.overlapping(items, 50, 60, 9)), "long")
end

function test.no_more_spans_are_returned_than_asked_for()
    local items = spans({ "a", 0, 9 }, { "b", 1, 9 }, { "c", 2, 9 })
    check.same(names_of(list.overlapping(items, 5, 5, 2)), "cb")
end

function test.a_search_among_thousands_of_spans_that_are_over_comes_to_an_end()
    local items, looked_at = { { start = 0, stop = 1e9 } }, 0
    for at = 1, 3 * list.STEPS do items[#items + 1] = { start = at, stop = at } end
    list.spans(items)
    for at, span in ipairs(items) do
        items[at] = setmetatable({}, { __index = function(_, key)
            if key == "reach" then looked_at = looked_at + 1 end
            return span[key]
        end })
    end
    list.overlapping(items, 1e6, 1e6, 9)
    check.is(looked_at <= list.STEPS + 1, looked_at .. " spans looked at")
end

function test.strangers_text_is_one_line_of_printable_signs()
    check.same(text.printable("a\27[31m\nb\255"), "a?[31m?b?")
    check.same(#text.printable(("x"):rep(500)), 120)
    check.same(text.printable("abcdef", 3), "abc")
end

function test.two_words_have_one_key_in_either_order()
    check.same(text.unordered("b", "a"), text.unordered("a", "b"))
    check.is(text.unordered("a", "bc") ~= text.unordered("ab", "c"))
end

function test.numbers_of_two_bytes_end_where_the_bytes_end()
    check.same(text.number16("\1\2\3", 2), 515)
    check.same(text.number16("\1\2\3", 3), nil)
end

return test
