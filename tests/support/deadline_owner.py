"""An owner of deadlines that does nothing."""

from licensegate.proxy.net.deadline import Deadline


class FakeOwner:
    """An owner that must not be called."""

    def ready(self, descriptor: int, events: int) -> None:
        raise AssertionError("a deadline reads nothing")

    def crashed(self, error: Exception) -> None:
        raise AssertionError("a sweep calls no owner") from error

    def deadline_passed(self, deadline: Deadline) -> None:
        raise AssertionError("a sweep only returns the overdue owners")
