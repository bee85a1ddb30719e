"""The work that the plug-in avoids on the most frequent frames."""

from pathlib import Path

from tests.plugins.dissected import PLUGIN, ROOT, frames, tshark

CAPTURE = ROOT / "pcaps" / "good.pcapng"
# Loaded before the plug-in: prints the number of each frame on which a field is extracted.
COUNTER = f"""
local counter, new, frame = Proto("counter", "Counter"), Field.new, 0
function counter.dissector(_, pinfo) frame = pinfo.number end
register_postdissector(counter)
local watched = setmetatable({{}}, {{ __index = Field }})
function watched.new(name)
    local extract = new(name)
    return function() print("extracted on " .. frame) return extract() end
end
rawset(_G, "Field", watched)
dofile("{PLUGIN}")
"""


def test_no_field_is_extracted_on_rtp(tmp_path: Path) -> None:
    script = tmp_path / "counter.lua"
    script.write_text(COUNTER)
    done = tshark(CAPTURE, "-2", "-Y", "legs.call", "-T", "fields", "-e", "frame.number", plugin=script)
    lines = done.stdout.splitlines()
    extracted = {int(line.split()[-1]) for line in lines if line.startswith("extracted on ")}
    media = {
        frame.number
        for frame in frames(CAPTURE, [], show="legs.call && udp && !(sip || stun || dtls || icmp)")
    }
    assert len(media) > 1000
    assert media <= {int(line) for line in lines if line.isdigit()}
    assert extracted & media == set()
    assert {frame.number for frame in frames(CAPTURE, [], show="sip")} <= extracted
