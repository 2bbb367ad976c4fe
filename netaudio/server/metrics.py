"""The server's figures for Prometheus, for which prometheus_client is needed."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import accumulate

from netaudio.config.kinds import Address
from netaudio.errors import NetAudioError, SettingError
from netaudio.server.stats import DATAGRAMS, Figures
from netaudio.statistics import Histogram

BUCKETS, WIDTH = 200, 10  # for Prometheus, and how many steps of the histogram are one


def need_prometheus() -> None:
    """Raises SettingError where prometheus_client is missing."""
    if find_spec("prometheus_client") is None:
        raise SettingError("--metrics needs prometheus_client: pip install prometheus-client")


def serve_metrics(address: Address, figures: Callable[[], Figures]) -> None:
    """Answer Prometheus at http://ADDRESS/metrics for as long as this process lives.

    `figures` is called on a thread of its own. Raises NetAudioError if the address cannot be had.
    """
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
    from prometheus_client.registry import Collector

    class Figuring(Collector):
        def collect(self) -> Iterator[Metric]:
            now = figures()
            yield GaugeMetricFamily("netaudio_sessions", "players", value=now.sessions)
            yield GaugeMetricFamily("netaudio_voices", "voices that the last chunks summed", value=now.voices)
            yield CounterMetricFamily("netaudio_cpu_seconds", "CPU time of the process", value=now.cpu)
            yield CounterMetricFamily("netaudio_chunks", "chunks rendered", value=now.chunks)
            yield CounterMetricFamily("netaudio_late_chunks", "chunks late by more than a chunk", value=now.late)
            yield CounterMetricFamily(
                "netaudio_major_faults", "waits for the disk in render workers", value=now.faults
            )
            for name, what in DATAGRAMS.items():
                yield CounterMetricFamily(f"netaudio_{name}", what, value=now.traffic[name])
            ticks = CounterMetricFamily("netaudio_tick_seconds", "time in the parts of ticks", labels=["stage"])
            for name, microseconds in now.stages.items():
                ticks.add_metric([name], microseconds / 1e6)
            yield ticks
            lateness = HistogramMetricFamily("netaudio_lateness_seconds", "how long after it was due a chunk went")
            lateness.add_metric([], buckets(now.lateness), None)
            yield lateness

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figuring())
    try:
        start_http_server(address.port, address.host, registry)
    except OSError as error:
        why = error.strerror or error
        raise NetAudioError(f"cannot serve metrics at {address}: {why}; choose another --metrics") from None


def buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """As Prometheus has them: (edge, how many values are not above it). None are below 0."""
    reached = list(accumulate(float(histogram.counts[index]) for index in range(BUCKETS * WIDTH)))
    edges = [(f"{index * histogram.step:g}", reached[index]) for index in range(0, BUCKETS * WIDTH, WIDTH)]
    return [*edges, ("+Inf", float(histogram.counts.total()))]
