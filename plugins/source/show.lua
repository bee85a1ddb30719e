-- Showing: what is known of a frame, as fields

local capture = require("capture")
local list = require("list")
local text = require("text")
local address = require("address")
local sip = require("sip")
local ice = require("ice")
local traffic = require("traffic")
local steps = require("steps")
local summary = require("summary")

local find, format = string.find, string.format
local floor, min = math.floor, math.min
local set = list.set
local printable = text.printable

local legs = Proto("legs", "Call legs")

local F = {
    call = ProtoField.uint32("legs.call", "Call"),
    leg = ProtoField.uint32("legs.leg", "Leg"),
    label = ProtoField.string("legs.label", "Label"),
    side = ProtoField.string("legs.side", "Sender's side"),
    summary = ProtoField.string("legs.summary", "In short"),
    purpose = ProtoField.string("legs.purpose", "Purpose"),
    outcome = ProtoField.string("legs.outcome", "Outcome"),
    response_in = ProtoField.framenum("legs.response_in", "Response in", base.NONE, frametype.RESPONSE),
    response_to = ProtoField.framenum("legs.response_to", "Response to", base.NONE, frametype.REQUEST),
    rtt_ms = ProtoField.double("legs.rtt_ms", "Round trip (ms)"),
    retransmission_of = ProtoField.framenum("legs.retransmission_of", "Retransmission of", base.NONE,
        frametype.RETRANS_PREV),
    pair = ProtoField.string("legs.pair", "Candidate pair"),
    use_candidate = ProtoField.bool("legs.use_candidate", "Nominates (USE-CANDIDATE)"),
    mapped = ProtoField.string("legs.mapped", "Seen by the other end as"),
    candidate = ProtoField.string("legs.candidate", "Candidate"),
    type = ProtoField.string("legs.candidate.type", "Type"),
    addr = ProtoField.string("legs.candidate.addr", "Address"),
    port = ProtoField.uint32("legs.candidate.port", "Port"),
    related = ProtoField.string("legs.candidate.related", "Related address"),
    addr_class = ProtoField.string("legs.candidate.addr_class", "Class of address"),
}
legs.fields = F

local E = {
    unanswered = ProtoExpert.new("legs.expert.unanswered", "Binding never answered",
        expert.group.SEQUENCE, expert.severity.WARN),
    error = ProtoExpert.new("legs.expert.error", "Binding error",
        expert.group.RESPONSE_CODE, expert.severity.WARN),
    no_public = ProtoExpert.new("legs.expert.no_public", "No public candidate offered",
        expert.group.PROTOCOL, expert.severity.WARN),
    rejected = ProtoExpert.new("legs.expert.rejected", "INVITE rejected",
        expert.group.RESPONSE_CODE, expert.severity.ERROR),
    dtls_alert = ProtoExpert.new("legs.expert.dtls_alert", "DTLS alert",
        expert.group.SECURITY, expert.severity.ERROR),
    unacknowledged = ProtoExpert.new("legs.expert.unacknowledged", "2xx repeated, never acknowledged",
        expert.group.SEQUENCE, expert.severity.ERROR),
    two_hellos = ProtoExpert.new("legs.expert.two_hellos", "ClientHello from both sides",
        expert.group.SEQUENCE, expert.severity.ERROR),
    hello_unanswered = ProtoExpert.new("legs.expert.hello_unanswered", "ClientHello never answered",
        expert.group.SEQUENCE, expert.severity.WARN),
    no_media = ProtoExpert.new("legs.expert.no_media", "Answered, no RTP in a direction",
        expert.group.SEQUENCE, expert.severity.WARN),
    nat_port = ProtoExpert.new("legs.expert.nat_port", "Port changed by NAT",
        expert.group.SEQUENCE, expert.severity.NOTE),
    in_turn = ProtoExpert.new("legs.expert.in_turn", "Checks inside TURN",
        expert.group.SEQUENCE, expert.severity.NOTE),
    role_conflict = ProtoExpert.new("legs.expert.role_conflict", "ICE role conflict (487)",
        expert.group.RESPONSE_CODE, expert.severity.NOTE),
    unreachable = ProtoExpert.new("legs.expert.unreachable", "ICMP error for a check",
        expert.group.RESPONSE_CODE, expert.severity.WARN),
}
legs.experts = E

legs.prefs.country = Pref.string("Country code", "49",
    "Calling code for numbers written the national way (030 ...): digits, or empty to compare last digits only")

legs.prefs.results = Pref.string("Results of postproc", "",
    "Folder with the results of `postproc run`, for Tools > Legs > Open report; empty: postproc-out in the folder "
        .. "where Wireshark was started")

-- Class functions as locals: a method call on userdata looks them up in two tables each time.
local add, referenced, set_generated, set_text = TreeItem.add, TreeItem.referenced, TreeItem.set_generated,
    TreeItem.set_text

local show = { legs = legs }

function show.label_of(call, leg)
    local text = "call " .. call.number .. (leg and " leg " .. leg.number or "")
    return call.doubtful and text .. " (unsure)" or text
end

function show.put(branch, field, value)
    if value ~= nil then set_generated(add(branch, field, value)) end
end

-- Adds the branch with call, leg, label and side.
function show.put_owner(tree, owner, side)
    local branch = add(tree, legs)
    branch:set_generated()
    if owner and owner.call then
        if capture.looking then capture.selected = owner end
        local label = show.label_of(owner.call, owner.leg)
        set_text(branch, "Call legs: " .. label)
        show.put(branch, F.call, owner.call.number)
        show.put(branch, F.leg, owner.leg and owner.leg.number)
        show.put(branch, F.label, label)
    end
    show.put(branch, F.side, side)
    return branch
end

function show.put_candidate(branch, c)
    local text = "cannot be parsed"
    if c.addr then
        local place = format(find(c.addr, ":", 1, true) and "[%s]:%d" or "%s:%d", printable(c.addr, 80), c.port)
        text = format("%s %s %s, %s", printable(c.type, 16), place, printable(c.transport, 8), c.addr_class)
    end
    local item = add(branch, F.candidate, text)
    item:set_generated()
    if c.addr then
        show.put(item, F.type, printable(c.type, 16))
        show.put(item, F.addr, printable(c.addr, 80))
        show.put(item, F.port, min(c.port, 65536))
        if c.related_addr then
            show.put(item, F.related, format("%s port %d", printable(c.related_addr, 80), c.related_port or 0))
        end
        if ice.is_reflexive(c) and c.base and c.place and address.port(c.base) ~= address.port(c.place) then
            show.nat_port(item, c.base, c.place)
        end
    end
    show.put(item, F.addr_class, c.addr_class)
end

-- Says that NAT gave an address another port.
function show.nat_port(item, inside, outside)
    item:add_proto_expert_info(E.nat_port, format("Port changed by NAT: %s is %s outside",
        address.place_text(inside), address.place_text(outside)))
end

local PUBLIC = set({ "public", "documentation" })

function show.put_candidates(branch, m)
    local offered, public = 0, false
    for _, section in ipairs(m.sdp.sections) do
        for _, c in ipairs(section.candidates) do
            show.put_candidate(branch, c)
            offered, public = offered + (c.addr and 1 or 0), public or PUBLIC[c.addr_class] ~= nil
        end
    end
    if offered > 0 and not public and not m.trickles then
        branch:add_proto_expert_info(E.no_public, "No public candidate among " .. offered .. " offered")
    end
end

-- Whether a 2xx to an INVITE was sent again and no ACK of its transaction followed (RFC 3261, section 13.3.1.4).
function show.is_unacknowledged(m)
    local sent = 0
    for _, other in ipairs(m.dialog.messages) do
        if other.cseq == m.cseq and other.method == "ACK" then return false end
        if sip.answers_invite(other) and other.status == m.status and other.cseq == m.cseq
            and other.to_tag == m.to_tag and other.src == m.src then
            sent = sent + 1
        end
    end
    return sent > 1
end

function show.sip(record, tree, index, complete)
    for _, m in ipairs(record.sip) do
        local leg = m.dialog and m.dialog.leg
        if leg then
            local side = leg.side and m.party and leg.side[m.party]
            local branch = show.put_owner(tree, { call = leg.call, leg = leg }, side)
            show.put(branch, F.summary, summary.sip(m, side))
            if m.sdp then show.put_candidates(branch, m) end
            if sip.answers_invite(m) and (m.status == 403 or m.status == 488) then
                local answer = m.status .. " " .. printable(m.reason or "")
                branch:add_proto_expert_info(E.rejected, "INVITE rejected: " .. answer)
            end
            if complete and sip.answers_invite(m) and sip.succeeds(m) and show.is_unacknowledged(m) then
                branch:add_proto_expert_info(E.unacknowledged)
            end
            local silence = complete and m == leg.answered_by and steps.silence(index, leg)
            if silence then branch:add_proto_expert_info(E.no_media, silence) end
        end
    end
end

function show.previous(items, m)
    for at, item in ipairs(items) do
        if item == m then return items[at - 1] end
    end
    return nil
end

function show.put_request(branch, tx, m, complete)
    local response = tx.successes[1] or tx.errors[1]
    show.put(branch, F.response_in, response and response.frame)
    show.put(branch, F.use_candidate, m.use_candidate)
    if complete and tx.outcome == "unanswered" then
        branch:add_proto_expert_info(E.unanswered, tx.refused and "Binding refused by ICMP" or "Binding never answered")
    end
end

function show.put_response(branch, tx, m)
    local asked
    for _, request in ipairs(tx.requests) do
        if not list.earlier(m, request) then asked = request end
    end
    show.put(branch, F.response_to, asked and asked.frame)
    show.put(branch, F.rtt_ms, asked and floor((m.time - asked.time) * 1e9 + 0.5) / 1e6)
    if m.kind == "success" and m.mapped then
        show.put(branch, F.mapped, address.place_text(m.mapped))
        -- Keepalives repeat it; the first answer of a transaction and of a way tells it.
        if m == tx.successes[1] and address.port(m.mapped) ~= address.port(tx.src) and tx.purpose ~= "keepalive" then
            show.nat_port(branch, tx.src, m.mapped)
        end
    end
    if m.error_code == 487 then branch:add_proto_expert_info(E.role_conflict) end
    if m.kind == "error" then
        branch:add_proto_expert_info(E.error, "Binding error " .. (m.error_code or "without code"))
    end
end

-- Says once a call how many checks inside TURN were answered.
function show.put_inside(branch, tx, index)
    local call, answered, asked = tx.owner and tx.owner.call, 0, 0
    for _, other in ipairs(call and index.transactions or {}) do
        if other.inside and other.owner and other.owner.call == call and other.purpose == "check"
            and other.requests[1] then
            if asked == 0 and other ~= tx then return end -- an earlier one has it
            asked, answered = asked + 1, answered + (other.outcome == "success" and 1 or 0)
        end
    end
    if asked > 0 then
        branch:add_proto_expert_info(E.in_turn, format("Checks inside TURN: %d of %d answered", answered, asked))
    end
end

function show.put_binding(tree, index, m, complete)
    local tx = m.tx
    local branch = show.put_owner(tree, tx.owner, (m.kind == "request" and tx.src_side or nil)
        or (m.kind ~= "request" and tx.dst_side or nil))
    show.put(branch, F.purpose, tx.purpose)
    -- What is not answered yet may be answered further on.
    local open = tx.outcome == "unanswered" or tx.outcome == "pending"
    if complete or not open then show.put(branch, F.outcome, tx.outcome) end
    if tx.purpose == "check" then show.put(branch, F.pair, ice.pair(tx, index)) end
    local alike = m.kind == "request" and tx.requests or m.kind == "success" and tx.successes or tx.errors
    local again = show.previous(alike, m)
    show.put(branch, F.retransmission_of, again and again.frame)
    show.put(branch, F.summary, summary.stun(m, index, complete))
    if complete and m.inside and tx.purpose == "check" and m == tx.first then show.put_inside(branch, tx, index) end
    if m.kind == "request" then show.put_request(branch, tx, m, complete) else show.put_response(branch, tx, m) end
end

function show.stun(record, tree, index, complete)
    local m = record.stun
    -- While a large file grows, the last transactions are not worked out yet (knowledge.is_due).
    if m.tx and m.tx.purpose then return show.put_binding(tree, index, m, complete) end
    local owner = traffic.owner(index, m.src, m.dst, m.time, m.time)
    if owner then show.put_owner(tree, owner, owner.src_side) end
end

-- What is wrong with a ClientHello, once the whole file is known (RFC 5763, section 5).
function show.put_hello(branch, segment, complete)
    if not complete or segment.server_hello then return end
    local talkers = 0
    for _ in pairs(segment.talkers) do talkers = talkers + 1 end
    if segment.hellos[segment.src] and segment.hellos[segment.dst] then
        branch:add_proto_expert_info(E.two_hellos)
    elseif talkers == 1 then
        branch:add_proto_expert_info(E.hello_unanswered,
            format("ClientHello never answered (%d sent)", segment.hello_count))
    end
end

function show.dtls(record, tree, _, complete)
    local segment, owner = record.dtls, record.dtls.owner
    local senders, shown = 0, 0
    for _ in pairs(segment.senders) do senders = senders + 1 end
    for _ in pairs(segment.protected) do shown = shown + 1 end
    local too_early = record.hidden_alert and shown < 2 and senders > 1
    local alert = record.alert or (too_early and "encrypted, before the handshake was complete")
    if not owner and not alert and not record.hello then return end
    local side = owner and (record.src == segment.src and owner.src_side
        or record.src ~= segment.src and owner.dst_side)
    local branch = show.put_owner(tree, owner, side or nil)
    show.put(branch, F.summary, summary.dtls(record, complete))
    if alert then branch:add_proto_expert_info(E.dtls_alert, "DTLS alert: " .. alert) end
    if record.hello then show.put_hello(branch, segment, complete) end
end

-- The only leg of which a message went out on the flow within two seconds before.
function show.by_sip(icmp)
    local found
    for _, dialog in ipairs(capture.dialogs.list) do
        local leg = dialog.leg
        local at = leg and list.after(dialog.messages, "time", icmp.time) - 1 or 0
        while at > 0 and icmp.time - dialog.messages[at].time <= 2 do
            local m = dialog.messages[at]
            if m.src == icmp.src and m.dst == icmp.dst then
                if found and found ~= leg then return nil end
                found = leg
            end
            at = at - 1
        end
    end
    return found and { call = found.call, leg = found }
end

function show.icmp(record, tree, index)
    local icmp = record.icmp
    local tx = icmp.tx
    local owner = (tx and tx.owner) or traffic.of_quoted(index, icmp.src, icmp.dst, icmp.time) or show.by_sip(icmp)
    if not owner and not tx then return end
    local branch = show.put_owner(tree, owner)
    show.put(branch, F.summary, "does not reach " .. address.place_text(icmp.dst))
    if tx and tx.purpose == "check" then
        branch:add_proto_expert_info(E.unreachable, "ICMP error for a check to " .. address.place_text(icmp.dst))
    end
end

-- A packet of media in an indication of TURN.
function show.stream(record, tree, index)
    local owner = traffic.of_stream(index, record.stream)
    if owner then show.media(owner, tree) end
end

-- Several messages in one TCP segment.
function show.several(record, tree, index, complete)
    for _, part in ipairs(record.parts) do show[part.kind](part, tree, index, complete) end
end

-- On nearly every frame: as few items as can be, and the label as the branch's text only.
function show.media(owner, tree)
    owner.text = owner.text or "Call legs: " .. show.label_of(owner.call, owner.leg)
    local branch, leg = add(tree, legs, owner.text), owner.leg
    add(branch, F.call, owner.call.number)
    if leg then add(branch, F.leg, leg.number) end
    if capture.looking then capture.selected = owner end
end

-- Whether somebody wants one of our fields: a filter, a column, a colour rule, the packet's details.
function show.asked(tree) return referenced(tree, show.dissector) end

return show
