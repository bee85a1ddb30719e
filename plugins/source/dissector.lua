-- Shows which call and which leg a frame belongs to, and what became of every STUN binding.
--
-- A post-dissector for calls through a back-to-back user agent (B2BUA): the legs of a call, the
-- candidates each side offers, the checks between them, DTLS, RTP and ICMP errors. Its fields
-- (legs.call, legs.outcome, ...) can be filtered, coloured and shown as columns.
--
-- How it works: all that is seen is learnt while frames arrive; what it means is worked out when
-- somebody asks. So nothing is complete before the whole file was read once: Wireshark shows complete
-- results by itself, on the command line they need two passes and a filter:
--     tshark -2 -Y frame -X lua_script:plugins/legs.lua -r call.pcapng -T fields -e legs.label
-- In one pass each frame says what is known by then.
--
-- SIP is read from what Wireshark delimited (reassembly, TLS); UDP and ICMP from the frame's bytes,
-- since fields cost most on the frames there are most of: nothing is extracted on RTP.
--
-- The rules are those of postproc/correlate, for one capture and without logs; names are the same.
-- Lua 5.2 to 5.4 (Wireshark 4.0 and later).

local capture = require("capture")
local traffic = require("traffic")
local knowledge = require("knowledge")
local frames = require("frames")
local show = require("show")
local menus = require("menus")

local legs = show.legs

-- Wireshark hands over three new objects with every frame: collected young they cost least memory. A pause of 1000
-- percent would save some time, and cost hundreds of bytes for each packet of media.
if _VERSION == "Lua 5.4" then collectgarbage("generational") end

legs.init = capture.forget

function knowledge.country_code() return legs.prefs.country or "" end

function menus.results() return legs.prefs.results or "" end

-- Shows a frame for the first time, or one without fields in the first pass: it has to be learnt.
function show.new(tvb, pinfo, tree, visited)
    frames.time(pinfo)
    local record, stream = frames.frame(pinfo, tvb, visited, tree)
    if record and (visited or show.asked(tree)) then
        show[record.kind](record, tree, knowledge.now(false), false)
    elseif stream and show.asked(tree) then
        local owner = traffic.of_stream(knowledge.now(false), stream)
        if owner then show.media(owner, tree) end
    end
end

-- Returns whose packet of media, or whose TCP segment, this is; its bytes are read only if the ports do not tell.
function show.owner_of_media(tvb, pinfo, index)
    local flow = capture.ports[pinfo.src_port * 65536 + pinfo.dst_port]
    if flow == nil then return nil end
    if flow then
        local owner, mixed = traffic.of_flow(index, flow)
        if not mixed then return owner end
    end
    local _, stream, segment = frames.frame(pinfo, tvb, true)
    if segment then return traffic.of_connection(index, segment) end
    return stream and traffic.of_stream(index, stream)
end

local GUI = gui_enabled()

-- Notes whether Wireshark shows the packet's details: then its call is the one that menus are about.
function show.look(tree)
    capture.looking = tree.visible
    if capture.looking then capture.selected = nil end
end

function legs.dissector(tvb, pinfo, tree)
    local visited = pinfo.visited
    local record = visited and frames.known_frame(pinfo)
    if record then
        if GUI then show.look(tree) end
        show[record.kind](record, tree, knowledge.now(not capture.blind), not capture.blind)
    elseif not visited or capture.blind then
        show.new(tvb, pinfo, tree, visited)
    elseif show.asked(tree) then
        if GUI then show.look(tree) end
        local owner = show.owner_of_media(tvb, pinfo, knowledge.now(true))
        if owner then show.media(owner, tree) end
    end
end

show.dissector = Dissector.get("legs")

if GUI then menus.register() end

register_postdissector(legs)
