local check = require("check")
local address = require("address")

local test = {}

local function there_and_back(written)
    local raw = address.parse(written)
    return raw and address.text(raw)
end

function test.addresses_are_written_as_rfc_5952_wants_them()
    for written, expected in pairs({
        ["10.0.0.1"] = "10.0.0.1", ["2001:db8:0:0:1:0:0:1"] = "2001:db8::1:0:0:1", ["::"] = "::", ["::1"] = "::1",
        ["fe80::1%eth0"] = "fe80::1", ["::ffff:192.0.2.1"] = "::ffff:c000:201", ["2001:DB8::A:0:0:B"] = "2001:db8::a:0:0:b",
        ["1:2:3:4:5:6:7:8"] = "1:2:3:4:5:6:7:8", ["0:0:0:1::"] = "0:0:0:1::",
    }) do check.same(there_and_back(written), expected) end
end

function test.what_is_no_address_is_none()
    for _, written in ipairs({ "", "1.2.3", "1.2.3.256", "1.2.3.4.5", "host.example", "1:2:3", ":::", "1::2::3", "12345::", "::1.2.3", "1.2.3.04", "01.2.3.4", "[::1]", "1.2.3.4]" }) do
        check.same(address.parse(written), nil)
    end
end

function test.a_place_is_address_and_port()
    local place = address.place(address.parse("2001:db8::7"), 65535)
    check.same({ #place, address.port(place), address.place_text(place) }, { 18, 65535, "[2001:db8::7]:65535" })
    check.same(address.place_text(address.place(address.parse("192.0.2.7"), 5060)), "192.0.2.7:5060")
end

function test.a_flow_has_its_addresses_and_ports_as_on_the_wire()
    local src, dst = address.place("\1\2\3\4", 258), address.place("\5\6\7\8", 772)
    check.same(address.flow(src, dst), "\1\2\3\4\5\6\7\8\1\2\3\4")
end

function test.classes_are_told_by_the_narrowest_network()
    for written, class in pairs({
        ["192.0.2.1"] = "documentation", ["0.0.0.0"] = "unspecified", ["0.0.0.1"] = "invalid", ["100.64.0.0"] = "cgnat",
        ["100.128.0.0"] = "public", ["172.31.255.255"] = "private", ["172.32.0.0"] = "public", ["fe80::1"] = "link_local",
        ["fdff::1"] = "ula", ["3fff:fff::"] = "documentation", ["2001:db9::"] = "public", ["::ffff:10.1.2.3"] = "private",
        ["a.LOCAL"] = "mdns", ["host"] = "invalid", ["127.255.0.1"] = "loopback", ["239.1.1.1"] = "multicast",
    }) do check.same({ written, address.class(written) }, { written, class }) end
end

function test.a_description_without_address_or_port_yet_names_no_place()
    check.same(address.media_place("0.0.0.0", 4000), nil)
    check.same(address.media_place("::", 4000), nil)
    check.same(address.media_place("192.0.2.1", 9), nil)
    check.same(address.media_place("192.0.2.1", 0), nil)
    check.same(address.media_place("192.0.2.1", 65536), nil)
    check.same(address.media_place("phone.local", 4000), nil)
    check.same(address.media_place("192.0.2.1", 4000), "\192\0\2\1\15\160")
end

return test
