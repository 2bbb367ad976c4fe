"""What a server does, in figures: who plays, how late chunks are, where the time goes."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from netaudio.server.lateness import STAGES, STEP
from netaudio.server.render_worker import RenderWorker, Seat
from netaudio.statistics import SPREAD, Histogram

DATAGRAMS = {
    "packets": "packets sent",
    "octets": "octets of audio sent",
    "unsent": "datagrams not sent",
    "strange": "strange datagrams",
    "skipped": "chunks skipped",
    "withheld": "chunks withheld",
}

log = logging.getLogger("netaudio")


@dataclass(frozen=True)
class Figures:
    """`sessions` and `voices` as of now, all else counted since the server began."""

    seconds: float
    cpu: float  # seconds, of the whole process
    sessions: int
    voices: int
    chunks: int
    late: int  # by more than a chunk
    faults: int  # in which render workers waited for the disk
    lateness: Histogram  # seconds
    stages: "Counter[str]"  # microseconds that render workers spent in each part of their ticks
    traffic: "Counter[str]"  # of DATAGRAMS

    def since(self, earlier: "Figures") -> "Figures":
        stages, traffic = self.stages.copy(), self.traffic.copy()
        stages.subtract(earlier.stages)
        traffic.subtract(earlier.traffic)
        return replace(
            self,
            seconds=self.seconds - earlier.seconds,
            cpu=self.cpu - earlier.cpu,
            chunks=self.chunks - earlier.chunks,
            late=self.late - earlier.late,
            faults=self.faults - earlier.faults,
            lateness=self.lateness.less(earlier.lateness),
            stages=stages,
            traffic=traffic,
        )

    def lines(self) -> list[str]:
        """For people: two lines."""
        share = 100 / max(self.seconds, 1e-6)
        stages = ", ".join(f"{name} {self.stages[name] / 1e6 * share:.1f}" for name in STAGES)
        spread = ", ".join(f"{name} {1000 * self.lateness.quantile(share):.1f}" for name, share in SPREAD.items())
        counts = ", ".join(f"{self.traffic[name]} {what}" for name, what in DATAGRAMS.items() if name != "octets")
        return [
            f"stats of {self.seconds:.1f} s: {self.sessions} sessions, {self.voices} voices, "
            f"CPU {self.cpu * share:.1f} %; ticks {sum(self.stages.values()) / 1e6 * share:.1f} %: {stages}",
            f"lateness in ms: {spread}; {self.chunks} chunks, {self.late} of them late; {counts}, "
            f"{self.faults} major faults",
        ]


def look(
    begun: float, workers: list[RenderWorker], seats: list[Seat], leaving: list[Seat], gone: "Counter[str]"
) -> Figures:
    """The figures now; `gone` is the traffic of those who have left, `leaving` are about to."""
    lateness = Histogram(STEP)
    for worker in workers:
        lateness = lateness.plus(worker.lateness.histogram)
    stages: Counter[str] = Counter()
    for worker in workers:
        stages.update({name: round(1e6 * seconds) for name, seconds in worker.stages.seconds.items()})
    return Figures(
        seconds=time.monotonic() - begun,
        cpu=time.process_time(),
        sessions=len(seats),
        voices=sum(seat.voices for seat in seats),
        chunks=sum(worker.lateness.chunks for worker in workers),
        late=sum(worker.lateness.late for worker in workers),
        faults=sum(worker.stages.faults for worker in workers),
        lateness=lateness,
        stages=stages,
        traffic=sum((traffic(seat) for seat in (*seats, *leaving)), gone.copy()),
    )


def traffic(seat: Seat) -> "Counter[str]":
    session = seat.session
    return Counter(
        packets=session.packets_sent,
        octets=session.octets_sent,
        unsent=seat.unsent,
        strange=seat.strange,
        skipped=session.skipped,
        withheld=seat.withheld,
    )


class Stats:
    """Logs what was done since the last time."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures, self._last = figures, figures()

    def tell(self) -> None:
        now = self._figures()
        for line in now.since(self._last).lines():
            log.info(line)
        self._last = now

    async def tell_every(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self.tell()
