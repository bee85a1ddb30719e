-- Menus

local capture = require("capture")
local list = require("list")
local text = require("text")
local knowledge = require("knowledge")

local format = string.format
local floor = math.floor
local insert, concat, sort = table.insert, table.concat, table.sort
local printable = text.printable

local menus = {}

function menus.filter(text)
    set_filter(text)
    apply_filter()
end

function menus.clock(time, digits)
    time = time + capture.base
    return os.date("%H:%M:%S", floor(time)) .. (digits and format("%.3f", time % 1):sub(2) or "")
end

function menus.users_of(leg)
    return printable(leg.from_user or "?", 32) .. " -> " .. printable(leg.to_user or "?", 32)
end

function menus.state_of(leg)
    local ended = leg.ended and leg.ended ~= "failure" and format(", %s %s", leg.ended, menus.clock(leg.stop)) or ""
    return (leg.final or leg.ringing and "ringing" or "no final response") .. ended
end

-- One line per call, which fits the window.
function menus.summary(call)
    local start = format("call %d  %s  ", call.number, menus.clock(call.start, true))
    local first = call.legs[1]
    if not first then return start .. "checks without SIP" end
    return format("%s%s  %d %s, %s%s", start, menus.users_of(first), #call.legs, call.legs[2] and "legs" or "leg",
        menus.state_of(first), call.doubtful and "  (unsure)" or "")
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

function menus.candidates_of(call)
    local lines = { menus.summary(call) }
    for _, leg in ipairs(call.legs) do
        insert(lines, "  leg " .. leg.number .. "  " .. menus.users_of(leg) .. "  Call-ID " .. printable(leg.id, 100))
        menus.candidate_lines(lines, leg)
    end
    return concat(lines, "\n")
end

-- The UDP ports of the server's candidates, else of its media: what a firewall must let through.
function menus.server_ports(call)
    local ports, media = {}, {}
    for _, leg in ipairs(call.legs) do
        for _, m in ipairs(leg.descriptions) do
            for _, section in ipairs(leg.side[m.party] == "server" and m.sdp.sections or {}) do
                if section.port and section.port > 0 then list.once(media, section.port) end
                for _, c in ipairs(section.candidates) do
                    if c.port and c.transport == "udp" then list.once(ports, c.port) end
                end
            end
        end
    end
    if not ports[1] then ports = media end
    sort(ports)
    return ports
end

-- The display filter that shows STUN, DTLS and RTP of a call at a glance.
function menus.firewall_filter(call)
    local ports = menus.server_ports(call)
    if not ports[1] then return "No session description of the server was seen in this call." end
    return #ports == 1 and "udp.port == " .. ports[1] or "udp.port in {" .. concat(ports, ", ") .. "}"
end

function menus.window(title, text)
    TextWindow.new(title):set(text)
end

function menus.each_call(number, text_of_call)
    local texts = {}
    for _, call in ipairs(knowledge.now(true).calls or {}) do
        if not number or call.number == number then insert(texts, text_of_call(call)) end
    end
    return texts[1] and concat(texts, "\n") or "No such call in this file."
end

function menus.show_calls() menus.window("Calls", menus.each_call(nil, menus.summary)) end

-- Runs an action with call and leg of the packet whose details are shown.
function menus.of_selected(action)
    return function()
        local owner = capture.selected
        if not owner then return menus.window("Legs", "Select a packet of a call first.") end
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

function menus.show_candidates(call) menus.window("Candidates", menus.each_call(call, menus.candidates_of)) end

function menus.copy_firewall_filter(call)
    local text = menus.each_call(call, menus.firewall_filter)
    copy_to_clipboard(text)
    menus.window("Firewall filter (copied)", text)
end

menus.ENTRIES = {
    { "Filter this call", menus.filter_call },
    { "Filter this leg", menus.filter_leg },
    { "Open bindings of this call", menus.filter_open },
    { "Candidates of this call", menus.show_candidates },
    { "Copy firewall filter", menus.copy_firewall_filter },
}

-- The Tools menu in all versions; the packet's own menu since Wireshark 4.4.
function menus.register()
    for _, entry in ipairs(menus.ENTRIES) do
        local name, action = "Legs/" .. entry[1], entry[2]
        register_menu(name, menus.of_selected(action), MENU_TOOLS_UNSORTED)
        if register_packet_menu then register_packet_menu(name, menus.of_clicked(action), "legs.call") end
    end
    register_menu("Legs/Calls in this file", menus.show_calls, MENU_TOOLS_UNSORTED)
end

return menus
