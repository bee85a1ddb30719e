import numpy as np
import pytest

from postproc.correlate.joining.evidence import priors
from tests.correlate.scenes import facts_of

PHONE = {"uac_addr": "10.0.0.1", "uac_port": 5060}
SERVER = {"uac_addr": "10.0.0.2", "uac_port": 5060}


def test_one_call_alone_has_hardly_any_prior():
    assert np.abs(priors(facts_of(PHONE, SERVER | {"time": 0.1}), [1])).max() < 0.5


def test_a_machine_that_passes_calls_on_is_expected_to_do_so_again():
    rows = [end | {"time": 20.0 * n} for n in range(20) for end in (PHONE, SERVER)]
    found = priors(facts_of(*rows), list(range(1, 38, 2)))
    assert found[39] > 1.5
    assert found[38] < -1.5


def test_ports_of_one_machine_speak_for_themselves_if_legs_are_many():
    other = {"uac_addr": "10.0.0.2", "uac_port": 4901}
    rows = [end | {"time": 20.0 * n} for n in range(20) for end in (other, SERVER)]
    found = priors(facts_of(*rows), list(range(1, 40, 2)))
    assert found[38] < 0 < found[39]


def test_with_a_new_port_for_each_leg_the_machine_speaks():
    rows = [SERVER | {"uac_port": n, "time": 20.0 * n} for n in range(20)]
    assert priors(facts_of(*rows), list(range(20)))[0] > 1.5


def test_the_more_legs_start_at_once_the_less_is_expected_of_any_two():
    crowd = priors(facts_of(*(PHONE | {"uac_port": n, "time": n / 10} for n in range(100))), [])
    few = priors(facts_of(*(PHONE | {"uac_port": n, "time": n * 20.0} for n in range(100))), [])
    assert few[99] - crowd[99] == pytest.approx(0.5 * np.log(99), abs=0.2)


def test_nobody_follows_and_nothing_is_there():
    assert len(priors(facts_of(), [])) == 0
