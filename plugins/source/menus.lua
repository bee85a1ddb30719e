-- Menus

local capture = require("capture")
local text = require("text")
local knowledge = require("knowledge")
local steps = require("steps")
local filters = require("filters")

local format = string.format
local floor, max, min = math.floor, math.max, math.min
local insert, concat = table.insert, table.concat
local printable = text.printable

local menus = {}

local NO_PACKET = "Select a packet of a call first, or pick a call in Tools > Legs > Calls in this file."

function menus.filter(text)
    set_filter(text)
    apply_filter()
end

function menus.clock(time) return os.date("%H:%M:%S", floor(time + capture.base)) end

-- How the window's width is used: its text wraps behind 80 characters, so long names are cut.
local NAMES = 20

local function cut(names) return #names > NAMES and names:sub(1, NAMES - 2) .. ".." or names end

function menus.users_of(leg)
    return printable(leg.from_user or "?", 32) .. " -> " .. printable(leg.to_user or "?", 32)
end

local function ratio(counts) return counts and counts.answered .. "/" .. counts.asked or "-" end

-- Checks each way; in brackets those of a call in which no side is known to be the client.
local function checks_of(checks)
    if checks.other and not checks.client and not checks.server then return "(" .. ratio(checks.other) .. ")", "-" end
    return ratio(checks.client), ratio(checks.server)
end

-- Packets of media each way; none at all is told where there should be some.
local function media_of(media, expected, candidates)
    local known = media.client or media.server
    if media.other and not known and not candidates then return "(" .. media.other .. ")", "-" end
    if not known and not expected then return "-", "-" end
    return tostring(media.client or 0), tostring(media.server or 0)
end

local DTLS = { complete = "ok", alert = "alert", incomplete = "begun", client_hello_only = "hello", none = "none" }

-- The cells of a call's line, those that `postproc run` prints.
function menus.cells(call, step)
    local first, offered = call.legs[1], step.candidates
    local candidates = offered.client + offered.server > 0
    local answered = first and first.final and first.final < 300
    local to_client, to_server = checks_of(step.checks)
    local one, other = media_of(step.media, answered and candidates, candidates)
    return {
        tostring(call.number), menus.clock(call.start), first and cut(menus.users_of(first)) or "checks without SIP",
        #call.legs .. (call.doubtful and "?" or ""), tostring(first and (first.final or first.ringing and 180) or "-"),
        candidates and offered.client .. "/" .. offered.server or "-", to_client, to_server, DTLS[step.dtls] or "-",
        one, other,
    }
end

local HEADINGS = {
    { "call", "time", "from -> to", "legs", "SIP", "cand", "checks", "", "DTLS", "media", "" },
    { "", "", "", "", "", "c/s", "s>c", "c>s", "", "s>c", "c>s" },
}
local WORDS = { [2] = true, [3] = true, [9] = true } -- set from the left; the others are figures
local LEGEND = "c: client, s: server; checks: answered/sent, repeats aside; media: RTP packets\n"
    .. "(n): no side is known to be the client"

-- Lines of cells of equal width.
function menus.drawn(rows)
    local widths, lines = {}, {}
    for _, row in ipairs(rows) do
        for column, cell in ipairs(row) do widths[column] = max(widths[column] or 0, #cell) end
    end
    for at, row in ipairs(rows) do
        local cells = {}
        for column, cell in ipairs(row) do
            local gap = (" "):rep(widths[column] - #cell)
            cells[column] = (WORDS[column] or row == HEADINGS[1]) and cell .. gap or gap .. cell
        end
        lines[at] = concat(cells, " "):gsub(" +$", "")
    end
    return concat(lines, "\n")
end

-- The table of calls, or of one, and of which legs a side sent no media.
function menus.table_of(calls, index)
    local counts, rows, lines = steps.of(index), { HEADINGS[1], HEADINGS[2] }, {}
    for _, call in ipairs(calls) do
        insert(rows, menus.cells(call, counts[call]))
        for _, leg in ipairs(call.legs) do
            local silence = steps.silence(index, leg)
            if silence then insert(lines, format("call %d leg %d: %s", call.number, leg.number, silence)) end
        end
    end
    insert(lines, 1, menus.drawn(rows))
    insert(lines, LEGEND)
    return concat(lines, "\n")
end

-- How a leg ended, and by whom; nothing of one that was refused or goes on.
function menus.ending_of(leg)
    if not leg.ended or leg.ended == "failure" then return "" end
    local by = leg.side and leg.side[leg.ended_by]
    return "  " .. leg.ended .. (by and " of the " .. steps.side(by) or "") .. " " .. menus.clock(leg.stop)
end

function menus.candidate_lines(lines, leg)
    local seen = {}
    for _, m in ipairs(leg.descriptions) do
        for _, section in ipairs(m.sdp.sections) do
            for _, c in ipairs(section.candidates) do
                local text = c.addr and format("    %-7s %-6s %s port %d, %s", leg.side[m.party], printable(c.type, 16),
                    printable(c.addr, 80), c.port, c.addr_class) or "    cannot be parsed"
                if not seen[text] then insert(lines, text) end
                seen[text] = true
            end
        end
    end
end

function menus.candidates_of(index, call)
    local lines = { menus.table_of({ call }, index), "" }
    for _, leg in ipairs(call.legs) do
        insert(lines, "leg " .. leg.number .. "  " .. menus.users_of(leg) .. menus.ending_of(leg))
        insert(lines, "    Call-ID " .. printable(leg.id, 100))
        menus.candidate_lines(lines, leg)
    end
    return concat(lines, "\n")
end

function menus.window(title, text)
    local window = TextWindow.new(title)
    window:set(text)
    return window
end

-- What a function makes of what is known and of a call.
function menus.of_call(number, make)
    local index = knowledge.now(true)
    local call = index.calls[number]
    return call and make(index, call) or "No such call in this file."
end

local BUTTONS = 8 -- of calls in the window; more do not fit into its width

-- The table of all calls, with a button that filters each.
function menus.show_calls()
    local index = knowledge.now(true)
    local calls = index.calls
    if not calls[1] then return menus.window("Calls", "No call in this file.") end
    local window = menus.window("Calls", menus.table_of(calls, index))
    for number = 1, min(#calls, BUTTONS) do
        window:add_button("Call " .. number, function() menus.filter_call(number) end)
    end
    if #calls > BUTTONS then
        window:add_button("Other call...", function()
            new_dialog("Filter a call", function(number) menus.filter_call(tonumber(number) or 0) end, "Number")
        end)
    end
end

-- Runs an action with call and leg of the packet whose details are shown.
function menus.of_selected(action)
    return function()
        local owner = capture.selected
        if not owner then return menus.window("Legs", NO_PACKET) end
        action(owner.call.number, owner.leg and owner.leg.number)
    end
end

-- The same for the packet that was clicked, which may be another one.
function menus.of_clicked(action)
    return function(...)
        local found = {}
        for _, field in ipairs({ ... }) do
            found[field.name] = found[field.name] or tonumber(tostring(field.value))
        end
        if found["legs.call"] then action(found["legs.call"], found["legs.leg"]) end
    end
end

local OPEN = "(legs.outcome == \"unanswered\" || legs.outcome == \"pending\")"

function menus.filter_call(call) menus.filter("legs.call == " .. call) end

function menus.filter_leg(call, leg)
    menus.filter("legs.call == " .. call .. (leg and " && legs.leg == " .. leg or ""))
end

function menus.filter_open(call) menus.filter("legs.call == " .. call .. " && " .. OPEN) end

function menus.show_candidates(call) menus.window("Candidates", menus.of_call(call, menus.candidates_of)) end

function menus.copy(title, text)
    copy_to_clipboard(text)
    menus.window(title .. " (copied)", text)
end

function menus.copy_filter(call) menus.copy("Filter", menus.of_call(call, filters.of_call)) end

function menus.copy_ports(call)
    menus.copy("Server's ports", menus.of_call(call, function(index, found)
        return filters.server_ports(index, found) or "No session description of the server was seen in this call."
    end))
end

-- The folder of results as the user has set it; none without Wireshark.
function menus.results() return "" end

local NO_REPORT = "No report at %s\n\nMake one with:  postproc run CAPTURE\n"
    .. "and name its folder under Edit > Preferences > Protocols > LEGS > Results of postproc."

-- The address of a file for a browser: whatever else the path holds, it is a path.
local function file_url(path)
    path = path:gsub("\\", "/"):gsub("[^%w/._~:-]", function(sign) return format("%%%02X", sign:byte()) end)
    return "file://" .. (path:sub(1, 1) == "/" and "" or "/") .. path
end

-- Opens the report in the browser. Not at the selected call: a run of several captures numbers them otherwise.
function menus.open_report()
    local folder = menus.results()
    if folder == "" then folder = (os.getenv("PWD") or ".") .. "/postproc-out" end
    local path = folder .. "/report.html"
    local file = io.open(path, "rb")
    if not file then return menus.window("Report", format(NO_REPORT, path)) end
    file:close()
    browser_open_url(file_url(path))
end

menus.ENTRIES = {
    { "Filter this call", menus.filter_call },
    { "Filter this leg", menus.filter_leg },
    { "Open bindings of this call", menus.filter_open },
    { "Candidates of this call", menus.show_candidates },
    { "Copy filter of this call", menus.copy_filter },
    { "Copy filter of the server's ports", menus.copy_ports },
}

-- The Tools menu in all versions; the packet's own menu since Wireshark 4.4.
function menus.register()
    for _, entry in ipairs(menus.ENTRIES) do
        local name, action = "Legs/" .. entry[1], entry[2]
        register_menu(name, menus.of_selected(action), MENU_TOOLS_UNSORTED)
        if register_packet_menu then register_packet_menu(name, menus.of_clicked(action), "legs.call") end
    end
    register_menu("Legs/Calls in this file", menus.show_calls, MENU_TOOLS_UNSORTED)
    register_menu("Legs/Open report", menus.open_report, MENU_TOOLS_UNSORTED)
end

return menus
