"""Two cores and a network between them, on a virtual clock: a whole performance as a pure function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from netaudio.modes import Mode
from netaudio.player.fader import Fader
from netaudio.player.knit import Knit
from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.player.rings import Packet, TripleRing
from netaudio.player.stream_figures import StreamFigures
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.region import BEYOND, Region, covers, needed
from netaudio.sampler.voices import Event, Score
from netaudio.session.session import ServerSession
from netaudio.units import Frames
from netaudio.wire import control
from netaudio.wire.payload import PAYLOADS
from netaudio.wire.rtcp import Report
from tests.support.coverage import covered
from tests.support.packets import packets
from tests.support.reference import Recording, Reference
from tests.support.sinc import ONE

RATE = 4800  # so that a second is quick: a ramp has 24 frames, a release 480
SECRET = b"a secret"
Sound = NDArray[np.float64]
UNHEARD = 2880  # frames that may pass until the server has heard a release
T = TypeVar("T")


def instrument(name: str, recordings: Sequence[Recording], bank: Bank, held: int | None) -> Instrument:
    """Regions for keys 0 .. len(recordings), of which the bank keeps enough to play `held` frames (None: all)."""
    parts, counts = [], []
    for r in recordings:
        count = r.whole if held is None else min(r.whole, needed(held, r.ratio, RATE))
        turn = np.resize(r.frames[slice(*r.loop)], (BEYOND, 2)) if r.loop and count == r.whole else r.frames[:0]
        parts.append(np.concatenate((r.frames[:count], turn)))
        counts.append(count)
    regions = [
        Region(address, r.length, count, r.loop, r.ratio, r.left, r.right, r.attack,
               r.length if count == r.whole else covers(count, r.ratio, RATE))
        for r, address, count in zip(recordings, bank.extend(parts), counts, strict=True)
    ]  # fmt: skip
    return Instrument(name, RATE, (), tuple(regions))


@dataclass(frozen=True)
class Network:
    """What happens to a datagram: it arrives `delay` to `delay + jitter` seconds later, or not at all, or twice.

    Losses come in bursts of `burst` datagrams on end."""

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    twice: float = 0.0
    burst: int = 1


@dataclass
class Path(Generic[T]):
    """One direction of a network."""

    rng: np.random.Generator
    network: Network
    ordered: bool = False  # like TCP: what is lost comes 200 ms later, and what is behind it waits
    drop: Callable[[T], bool] = lambda _: False
    severed: bool = False  # nothing gets through: if ordered it comes when this is over
    _way: list[tuple[float, int, T]] = field(default_factory=list)
    _last: float = 0.0
    _count: int = 0
    _burst: int = 0  # datagrams that are still to be lost

    def send(self, now: float, item: T) -> None:
        network = self.network
        share = network.loss / (network.burst - (network.burst - 1) * network.loss)
        if not self._burst and self.rng.random() < share:
            self._burst = network.burst
        lost = self.drop(item) or self.severed or self._burst > 0
        self._burst = max(0, self._burst - 1)
        if lost and not self.ordered:
            return
        for _ in range(1 + (not self.ordered and self.rng.random() < network.twice)):
            at = now + network.delay + network.jitter * self.rng.random() + 0.2 * lost
            if self.ordered:
                at = self._last = max(at, self._last)
            self._count += 1
            self._way.append((at, self._count, item))

    def receive(self, now: float) -> list[T]:
        if self.severed or not self._way:
            return []
        due = sorted(entry for entry in self._way if entry[0] <= now)
        self._way = [entry for entry in self._way if entry[0] > now]
        return [item for _, _, item in due]


class LoggedKnit(Knit):
    """Keeps what each segment's packet had heard."""

    def __init__(self, score: Score, rings: TripleRing) -> None:
        super().__init__(score, rings)
        self.played: list[tuple[int, int, bool]] = []  # frames, heard before (-1: no packet), whether r was 1

    def _segment(self, bank: Frames, packet: Packet | None, at: int, count: int) -> None:
        full = packet is not None and self._risen == self.score.ramp
        self.played.append((count, packet.before if packet else -1, full))
        super()._segment(bank, packet, at, count)


class LoggedPlayer(ClientPlayer):
    """Keeps every event that it stamps, the E of mix(E), and what else shapes the sound."""

    knit: LoggedKnit

    def __init__(self, bank: Bank, chunk: int, polyphony: int, mode: Mode, offset: int) -> None:
        super().__init__(RATE, chunk, polyphony, bank, {}, set(), mode, offset)
        self.events: list[Event] = []
        self.volumes: list[tuple[int, float]] = []
        self.told: dict[int, int] = {}  # seq of a late remote note: when the client learned of its delay
        self.knit = LoggedKnit(self.score, self.rings)

    def set_volume(self, gain: float) -> None:
        super().set_volume(gain)
        self.volumes.append((self.position, gain))

    def moved(self, seq: int, delay: int) -> None:
        super().moved(seq, delay)
        if any(voice.seq == seq for voice in self.score.voices):
            self.told[seq] = self.position

    def _log(self, event: Event) -> None:
        super()._log(event)
        self.events.append(event)


@dataclass
class Outcome:
    """What a performance sounded like, frame by frame from position 0 on, and what it should have."""

    out: Sound
    ideal: Sound  # mix(E), times the volume
    covered: NDArray[np.bool_]  # where the client says that the promise holds
    promised: NDArray[np.bool_]  # where the reference says so
    loudness: NDArray[np.float64]  # the sum of what all notes add, all of it positive
    steps: Sound  # the sum over the voices that may sound of the largest of their own steps
    peaks: Sound  # and of their amplitudes

    @property
    def error(self) -> float:
        """The worst of it, relative to how loud it is there, but for what both sides call uncovered."""
        apart = np.abs(self.out - self.ideal).max(axis=1) / np.maximum(1.0, self.loudness)
        return float(apart[self.covered | self.promised].max(initial=0.0))

    @property
    def peak(self) -> float:
        return float(np.abs(self.ideal).max(initial=0.0))


class Stage:
    """A client and a server with instruments, joined by paths that a test can impair."""

    def __init__(
        self, programs: Sequence[Sequence[Recording]], *, seed: int = 0, mode: Mode = "hybrid",
        held: int | None = None, offset: int = 480, buffer_size: int = 192, chunk: int = 32, block: int = 32,
        polyphony: int = 8, payload: str = "F32", skew: float = 0.0, step: int = 4,
        delay: float = 0.01, jitter: float = 0.0, loss: float = 0.0, twice: float = 0.0, burst: int = 1,
    ) -> None:  # fmt: skip
        """Sizes in frames; the client's card is `skew` ppm fast; time goes on by `step` frames."""
        self.rng = np.random.default_rng(seed)
        self.recordings, self.chunk, self.block, self.polyphony = programs, chunk, block, polyphony
        self.payload, self.buffer_size = PAYLOADS[payload], buffer_size
        self.network = Network(delay, jitter, loss, twice, burst)
        self.server_bank, client_bank = Bank(), Bank()
        self.player = LoggedPlayer(client_bank, chunk, polyphony, mode, offset)
        self.served = {}
        self.held: dict[Recording, int | None] = {}
        for p, recordings in enumerate(programs):
            self.served[p] = instrument(f"program {p}", recordings, self.server_bank, None)
            self.player.instruments[p] = instrument(f"program {p}", recordings, client_bank, held)
            for recording, region in zip(recordings, self.player.instruments[p].regions, strict=True):
                self.held[recording] = None if region.whole else region.held
        self.time, self.ssrc = 0.0, 1
        self.delays: dict[int, int] = {}
        self.blocks: list[NDArray[np.float32]] = []
        self.chunks: list[int] = []  # of the sessions so far
        self.connected = False
        self.server_stopped = self.client_stopped = False  # like a process after SIGSTOP
        self._pace, self._step = RATE * (1 + skew * 1e-6), step / RATE
        self._stopped_for = 0.0  # seconds that the client's card has lost

    def connect(self) -> None:
        self.ssrc += 2
        self.chunks.append(self.chunk)
        self.session = ServerSession(RATE, self.chunk, self.payload, self.polyphony, self.ssrc)
        self.session.instruments.update(self.served)
        self.link = Link(self.player, self.ssrc, SECRET, self.payload, self.buffer_size, StreamFigures())
        tcp = replace(self.network, loss=self.network.loss / 2)
        self.control: Path[control.Message] = Path(self.rng, tcp, ordered=True)
        self.back: Path[tuple[int, int]] = Path(self.rng, tcp, ordered=True)
        self.up: Path[bytes] = Path(self.rng, self.network)
        self.down: Path[bytes] = Path(self.rng, self.network)
        self.connected, self.joined = True, False

    def impair(self, jitter: float = 0.0, loss: float = 0.0, twice: float = 0.0, burst: int = 1) -> None:
        """Make the network so from now on; audio, reports and control alike."""
        self.network = Network(self.network.delay, jitter, loss, twice, burst)
        if self.connected:
            tcp = replace(self.network, loss=loss / 2)
            self.control.network = self.back.network = tcp
            self.up.network = self.down.network = self.network

    def disconnect(self) -> None:
        self.connected = False
        self.player.post(self.player.leave)

    def sever(self, severed: bool = True) -> None:
        """Let nothing through, or all again."""
        self.control.severed = self.back.severed = self.up.severed = self.down.severed = severed

    def run(self, seconds: float) -> None:
        """Let both sides play on."""
        end = self.time + seconds
        while self.time < end:
            if self.connected and not self.server_stopped:
                self._serve(self.time)
            if self.client_stopped:
                self._stopped_for += self._step
            else:
                self._play(self.time)
            self.time += self._step

    def _play(self, now: float) -> None:
        if self.connected:
            for data in self.down.receive(now):
                self.link.receive(data, now)
            if self.link.uplink.probed and not self.joined:
                self.joined = True
                self.player.post(self.player.join, self.chunk, self.polyphony, self.link.uplink.outbox)
            for late in self.back.receive(now):
                self.player.post(self.player.moved, *late)
        if self.player.position <= (now - self._stopped_for) * self._pace + 1e-6:
            out = np.zeros((self.block, 2), np.float32)
            self.player.render(out, now)
            self.blocks.append(self.player.rings.merged.read(self.player.position - self.block, self.block))
        if self.connected:
            for message in self.link.uplink.messages(now):
                self.control.send(now, message)
            if report := self.link.report(now):
                self.up.send(now, report)

    def _serve(self, now: float) -> None:
        session = self.session
        for message in self.control.receive(now):
            if isinstance(message, control.Resume):
                session.resume(session.restored(message.state))
            elif isinstance(message, control.Event):
                session.hear(Event(*(getattr(message, name) for name in Event._fields)))
        for data in self.up.receive(now):
            report = Report.parse(data, SECRET)
            if report.counter > session._counter:
                self.down.send(now, session.take(report, now, now).pack())
        for _ in range(2):
            if (due := session.due(now)) and due.overdue >= 0:
                for data in packets(session, due, self.server_bank.frames):
                    self.down.send(now, data)
        for late in session.late:
            self.delays[late[0]] = late[1]
            self.back.send(now, late)
        session.late.clear()

    def outcome(self) -> Outcome:
        out = np.concatenate(self.blocks).astype(np.float64)
        n = np.arange(len(out))
        reference = Reference(dict(enumerate(self.recordings)), RATE, self.polyphony)
        reference.feed(self.player.events, self.delays)
        fader = Fader(1.0, reference.ramp)
        for at, gain in self.player.volumes:
            fader.move(at, gain)
        counts, before, flowing = (np.array(part) for part in zip(*self.player.knit.played, strict=True))
        promised = covered(reference, np.repeat(before, counts), np.repeat(flowing, counts), self.held)
        told = np.ones(len(out), np.bool_)
        for first, end in self.player.knit.tally.spans:
            told[first:end] = False
        for note in reference.notes:
            if note.delay:  # until the client knows, it cannot say what is missing of the note
                late = slice(
                    note.on + note.shift, self.player.told.get(note.seq, min(reference.life(note)[1], len(out)))
                )
                told[late] = promised[late] = False
        steps, peaks = np.zeros(len(out)), np.zeros(len(out))
        for note in reference.notes:
            first, end = reference.life(note)
            frames, level = note.recording.frames, note.level * max(note.recording.left, note.recording.right)
            fastest = max(step for _, _, step in reference.stretches(note)) / ONE
            whole = slice(first, int(min(end + UNHEARD, len(out))))
            steps[whole] += level * np.abs(np.diff(frames, axis=0, prepend=0.0)).max() * max(1.0, fastest)
            peaks[whole] += level * np.abs(frames).max()
        volume, loudest = fader.values(n), max([1.0, *(gain for _, gain in self.player.volumes)])
        ideal, loudness = reference.mix(len(out)) * volume[:, None], reference.loudness(len(out)) * loudest
        return Outcome(out, ideal, told, promised, loudness, steps * loudest, peaks * loudest)


def memory(score: Score, position: int) -> list[tuple[int, ...]]:
    """The voices that may sound from a position on, with all that was decided about them."""
    return [
        (v.seq, v.off_seq, v.off_at, v.stolen_seq, v.stolen_at, v.delay)
        for v in score.voices
        if score.alive(v, position)
    ]
