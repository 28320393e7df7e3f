from __future__ import annotations

from itertools import chain, repeat

import pytest
from botocore.exceptions import ClientError

from hfecs.errors import TimedOut
from hfecs.provisioning.wait import Wait
from support import FakeClock


def refusal(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateThing")


class Flaky:
    """A call that fails with each of the errors in turn and then answers."""

    def __init__(self, *errors: Exception, answer: object = "done") -> None:
        self._errors = list(errors)
        self._answer = answer
        self.calls = 0

    def __call__(self) -> object:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return self._answer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_the_first_true_answer_is_returned(clock: FakeClock) -> None:
    answers = iter([None, "", "ready", "later"])

    answer = Wait(clock).until(lambda: next(answers), what="a thing", timeout=60, every=3)

    assert answer == "ready"
    assert len(clock.slept) == 2


def test_pauses_are_short_at_first_and_never_longer_than_asked_for(clock: FakeClock) -> None:
    with pytest.raises(TimedOut):
        Wait(clock).until(lambda: None, what="a thing", timeout=60, every=3)

    assert clock.slept[:6] == [0.2, 0.4, 0.8, 1.6, 3, 3]
    assert set(clock.slept[6:]) == {3}


def test_a_wait_inside_another_is_no_longer_than_the_time_that_is_left(clock: FakeClock) -> None:
    wait = Wait(clock).within(10)
    clock.time += 4

    with pytest.raises(TimedOut, match="after waiting 6 seconds for a thing"):
        wait.until(lambda: None, what="a thing", timeout=60)


@pytest.mark.parametrize(("outer", "inner"), [(10, 60), (60, 10)])
def test_of_two_times_within_each_other_the_shorter_one_holds(clock: FakeClock, outer: float, inner: float) -> None:
    wait = Wait(clock).within(outer).within(inner)

    with pytest.raises(TimedOut, match="after waiting 10 seconds for a thing"):
        wait.until(lambda: None, what="a thing", timeout=100)


def test_a_wait_that_is_shorter_than_the_time_around_it_stays_so(clock: FakeClock) -> None:
    with pytest.raises(TimedOut, match="after waiting 5 seconds for a thing"):
        Wait(clock).within(60).until(lambda: None, what="a thing", timeout=5)


def test_a_probe_is_asked_once_when_the_time_around_it_is_over(clock: FakeClock) -> None:
    wait = Wait(clock).within(10)
    clock.time += 11

    with pytest.raises(TimedOut, match="after waiting 0 seconds"):
        wait.until(lambda: None, what="a thing", timeout=60)

    assert clock.slept == []


def test_what_is_true_already_is_not_waited_for(clock: FakeClock) -> None:
    Wait(clock).until(lambda: True, what="a thing", timeout=60)

    assert clock.slept == []


def test_a_wait_in_vain_says_on_what_and_how_long(clock: FakeClock) -> None:
    with pytest.raises(TimedOut, match="after waiting 60 seconds for the machine to boot"):
        Wait(clock).until(lambda: None, what="the machine to boot", timeout=60)

    assert 60 <= clock.time - 1000 < 62


def test_a_probe_without_time_is_asked_once(clock: FakeClock) -> None:
    with pytest.raises(TimedOut):
        Wait(clock).until(lambda: None, what="a thing", timeout=0)

    assert clock.slept == []


def test_a_wait_is_told_every_five_seconds(clock: FakeClock) -> None:
    told: list[tuple[str, int]] = []
    answers = chain(repeat(None, 13), ["ready"])

    Wait(clock, lambda what, seconds: told.append((what, round(seconds)))).until(
        lambda: next(answers), what="a thing", timeout=60, every=1
    )

    assert told == [("a thing", 5), ("a thing", 10)]


def test_a_short_wait_is_not_told(clock: FakeClock) -> None:
    told: list[str] = []
    answers = chain(repeat(None, 4), ["ready"])

    Wait(clock, lambda what, _: told.append(what)).until(lambda: next(answers), what="a thing", timeout=60, every=1)

    assert told == []


def test_a_call_is_repeated_while_it_is_answered_with_an_expected_code(clock: FakeClock) -> None:
    call = Flaky(refusal("Busy"), refusal("Busy"))

    answer = Wait(clock).out(("Busy",), call, what="it to be free")

    assert (answer, call.calls) == ("done", 3)


def test_any_other_code_is_raised_at_once(clock: FakeClock) -> None:
    call = Flaky(refusal("Broken"))

    with pytest.raises(ClientError, match="Broken"):
        Wait(clock).out(("Busy",), call, what="it to be free")

    assert clock.slept == []


def test_a_code_that_causes_share_is_told_apart_by_its_message(clock: FakeClock) -> None:
    call = Flaky(
        refusal("Invalid", "Value (x) for parameter: invalid IAM instance profile name"), refusal("Invalid", "bad type")
    )

    with pytest.raises(ClientError, match="bad type"):
        Wait(clock).out(("Invalid: IAM Instance Profile",), call, what="the profile")

    assert call.calls == 2


def test_the_last_answer_is_raised_as_it_is_when_time_is_up(clock: FakeClock) -> None:
    call = Flaky(*[refusal("Busy", f"attempt {number}") for number in range(1000)])

    with pytest.raises(ClientError, match="Busy"):
        Wait(clock).out(("Busy",), call, what="it to be free", timeout=60, every=2)

    assert 60 <= clock.time - 1000 < 62


def test_a_call_that_answers_nothing_is_made_once(clock: FakeClock) -> None:
    call = Flaky(answer=None)

    assert Wait(clock).out(("Busy",), call, what="it to be free") is None
    assert call.calls == 1


def test_a_pause_passes_time(clock: FakeClock) -> None:
    Wait(clock).pause(2)

    assert clock.slept == [2]
