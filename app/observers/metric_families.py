"""Makes families of metrics for Prometheus, long ones in parts of a few samples."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_SAMPLES: Final = 50
"""In one piece. They take about half a millisecond."""


class OneFamily(Collector):
    """A collector of this family alone."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        """Yield it."""
        yield self._family


def gauge(name: str, help_text: str, value: float) -> Metric:
    """A gauge without labels."""
    return GaugeMetricFamily(name, help_text, value=value)


def info(name: str, help_text: str, labels: Mapping[str, str]) -> Metric:
    """A gauge that is always 1, whose labels are what it says."""
    family = GaugeMetricFamily(name, help_text, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), 1)
    return family


def counter(
    name: str, help_text: str, labels: tuple[str, ...], counts: Iterable[tuple[tuple[str, ...], int]]
) -> Iterator[Metric]:
    """Yield a counter, in parts: a count for each tuple of values of the labels."""
    return in_parts(partial(CounterMetricFamily, name, help_text, labels=labels), counts)


def in_parts(
    make: Callable[[], CounterMetricFamily | GaugeMetricFamily], samples: Iterable[tuple[tuple[str, ...], float]]
) -> Iterator[Metric]:
    """Yield one family in parts of a few samples each; a single empty one without samples."""
    family = make()
    for values, value in samples:
        if len(family.samples) == _SAMPLES:
            yield family
            family = make()
        family.add_metric(values, value)
    yield family
