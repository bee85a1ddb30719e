-- Words, and numbers in bytes

local byte, sub, match = string.byte, string.sub, string.match

local text = {}

function text.trim(word) return match(word, "^%s*(.-)%s*$") end

-- What strangers wrote, as one line of printable ASCII: for fields and windows.
function text.printable(word, most)
    return (sub(word, 1, most or 120):gsub("[^\32-\126]", "?"))
end

-- The key of two words in either order.
function text.unordered(one, other)
    return one < other and one .. "\0" .. other or other .. "\0" .. one
end

function text.number16(bytes, at)
    local high, low = byte(bytes, at, at + 1)
    return low and high * 256 + low
end

return text
