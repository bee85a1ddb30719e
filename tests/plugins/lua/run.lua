-- Runs the tests of one file without Wireshark: lua run.lua FILE. The modules are on LUA_PATH.
-- A test file returns its tests as a table of functions; prints "ok NAME" or "not ok NAME: why" of each.

local check = {}

local function shown(value, depth)
    if type(value) ~= "table" then return type(value) == "string" and string.format("%q", value) or tostring(value) end
    if (depth or 0) > 4 then return "{...}" end
    local items = {}
    for key, held in pairs(value) do items[#items + 1] = tostring(key) .. " = " .. shown(held, (depth or 0) + 1) end
    table.sort(items)
    return "{ " .. table.concat(items, ", ") .. " }"
end

local function same(one, other)
    if type(one) ~= "table" or type(other) ~= "table" then return one == other end
    for key, value in pairs(one) do
        if not same(value, other[key]) then return false end
    end
    for key in pairs(other) do
        if one[key] == nil then return false end
    end
    return true
end

-- Fails unless both are the same, tables by what they hold.
function check.same(found, expected)
    if not same(found, expected) then error(shown(found) .. " in place of " .. shown(expected), 2) end
end

-- Fails unless two numbers are nearly the same.
function check.near(found, expected)
    if type(found) ~= "number" or math.abs(found - expected) > 1e-9 then
        error(tostring(found) .. " in place of " .. tostring(expected), 2)
    end
end

function check.is(value, what)
    if not value then error(what or "not so", 2) end
end

package.loaded.check = check

local tests, names, failed = dofile(arg[1]), {}, false
for name in pairs(tests) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
    local done, why = pcall(tests[name])
    print(done and "ok " .. name or "not ok " .. name .. ": " .. tostring(why))
    failed = failed or not done
end
os.exit(failed and 1 or 0)
