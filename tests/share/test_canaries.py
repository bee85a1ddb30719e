"""Nothing of three thousand canaries gets out, in any form; and the maker puts each where it can be found."""

import pytest

from postproc.read import deployment as deployments
from postproc.share.redact import Source, Work, products, redact
from tests.canaries import logs, packets
from tests.canaries.seeds import Canaries, found

KEY = "two"  # with a key of chance, one run in twenty makes six digits of a canary of six other digits
KNOWN = products(deployments.read(deployments.DEFAULT))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_canary_of_any_field_gets_out(tmp_path, seed):
    canaries = Canaries(seed)
    capture, log = tmp_path / "a.pcapng", tmp_path / "a.log"
    capture.write_bytes(packets.capture(canaries))
    log.write_text(logs.log(canaries), errors="surrogateescape")
    told = {
        each.split(": ")[1].split(" ")[0] for each in found(capture.read_bytes() + log.read_bytes(), canaries)
    }
    assert len(canaries) > 3000
    assert {*canaries.words, *canaries.addresses} <= told
    redact(Work([Source(capture, tmp_path / "b.pcapng")], {log: tmp_path / "b.log"}, KNOWN), KEY)
    for name in ("b.pcapng", "b.log"):
        assert found((tmp_path / name).read_bytes(), canaries) == []
