"""A report draws hundreds of calls: each picture may take but a few milliseconds."""

from time import process_time

from postproc.present import pictures
from tests.present.figures import scenes


def test_the_pictures_of_a_call_take_less_than_a_tenth_of_a_second():
    run = scenes.run_of("two_calls.pcapng")
    begin = process_time()
    drawn = [pictures.svgs(tables) for _ in range(5) for tables in pictures.each_call(run)]
    assert (process_time() - begin) / len(drawn) < 0.1


def test_a_call_of_500_messages_takes_less_than_a_second():
    begin = process_time()
    pictures.svgs(pictures.of_call(scenes.long_call(), 1))
    assert process_time() - begin < 1
