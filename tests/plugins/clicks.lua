-- Loads the plug-in as if Wireshark's windows were there, and prints what every menu entry does for every call:
-- lines "CLICK", entry, call, what was done (window, clipboard, filter, button), text; escaped, between tabs.

local plugin = ...
local menus, entry, number = {}, "", ""

local function said(what, text)
    local escaped = tostring(text):gsub("[%c\\]", function(sign) return ("\\x%02x"):format(sign:byte()) end)
    print(table.concat({ "CLICK", entry, number, what, escaped }, "\t"))
end

local window = {}
window.__index = window
local all_calls
function window.set(_, text)
    all_calls = all_calls or text
    said("window", text)
end
function window.add_button(_, label, action) said("button", label) action() end

local made = {
    gui_enabled = function() return true end,
    register_menu = function(name, action) menus[#menus + 1] = { name, action } end,
    register_packet_menu = function(name, action) menus[#menus + 1] = { name, action, true } end,
    TextWindow = { new = function(title) said("title", title) return setmetatable({}, window) end },
    copy_to_clipboard = function(text) said("clipboard", text) end,
    set_filter = function(text) said("filter", text) end,
    apply_filter = function() end,
    new_dialog = function(title, action, label) said("dialog", title .. ": " .. label) action("1") end,
    browser_open_url = function(url) said("url", url) end,
}
for name, value in pairs(made) do rawset(_G, name, value) end
dofile(plugin)

-- At the end of the file: first the window of all calls, then each entry for each of them.
local tap = Listener.new("frame")
function tap.draw()
    local numbers = {}
    for _, menu in ipairs(menus) do
        if not menu[3] and (menu[1]:find("in this file", 1, true) or menu[1]:find("report", 1, true)) then
            entry = menu[1]
            menu[2]()
            for each in (menu[1]:find("file", 1, true) and all_calls or ""):gmatch("\n *(%d+) %d%d:") do numbers[#numbers + 1] = tonumber(each) end
        end
    end
    for _, menu in ipairs(menus) do
        entry = menu[1]
        for _, each in ipairs(menu[3] and numbers or {}) do
            number = each
            menu[2]({ name = "legs.call", value = each }, { name = "legs.leg", value = 1 })
        end
    end
end
