"""An owner of deadlines, for tests that pass the time as a number."""

from licensegate.proxy.net.deadline import Deadline


class FakeOwner:
    """An owner that only waits."""

    def ready(self, descriptor: int, events: int) -> None:
        raise AssertionError("a deadline reads nothing")

    def crashed(self, error: Exception) -> None:
        raise AssertionError("a deadline ends nobody by itself") from error

    def deadline_passed(self, deadline: Deadline) -> None:
        raise AssertionError("a deadline only names those who are late")
