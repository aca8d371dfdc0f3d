from licensegate.proxy.parent.health import ParentHealth


def test_a_parent_is_used_until_it_fails() -> None:
    health = ParentHealth()

    assert not health.is_left_out(0.0)
    assert health.failed(100.0) == 10
    assert health.is_left_out(109.9)
    assert not health.is_left_out(110.0)


def test_each_failure_doubles_the_pause_up_to_five_minutes() -> None:
    health = ParentHealth()
    now, pauses = 0.0, []

    for _ in range(8):
        pauses.append(health.failed(now))
        now = health.left_out_until
    assert pauses == [10, 20, 40, 80, 160, 300, 300, 300]


def test_failures_during_a_pause_count_once() -> None:
    health = ParentHealth()

    assert [health.failed(0.0), health.failed(1.0), health.failed(9.0)] == [10, 0, 0]
    assert health.left_out_until == 10


def test_an_answer_clears_all_failures_and_is_reported_once() -> None:
    health = ParentHealth()
    health.failed(0.0)
    health.failed(20.0)

    assert health.answered()
    assert not health.answered()
    assert not health.is_left_out(20.0)
    assert health.failed(30.0) == 10
