"""Audio in: a session's packets are counted, measured and put into the jitter buffer. Time is an argument."""

import math
from typing import NamedTuple

from netaudio.errors import ProtocolError
from netaudio.player.bandwidth import Bandwidth
from netaudio.player.parity_requests import ParityRequests
from netaudio.player.player import ClientPlayer
from netaudio.player.reception import ReceptionStatistics
from netaudio.player.rings import Packet
from netaudio.player.slacks import RecentSlacks
from netaudio.player.stream_figures import StreamFigures
from netaudio.timing.latency_budget import CAPACITY
from netaudio.units import unwrap32
from netaudio.wire.parity import KEPT, Parity, ParityDecoder
from netaudio.wire.payload import Payload
from netaudio.wire.rtp import Audio


class ReceptionReport(NamedTuple):
    """What a report says of the stream, and asks for: the fields of Report of these names."""

    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    slack: int | None
    parity: int
    window: int


class Receiver:
    """What came as audio and parity packets, while the player is linked. Nothing here sends."""

    def __init__(self, player: ClientPlayer, ssrc: int, payload: Payload, figures: StreamFigures) -> None:
        """`figures` are those of the run; `ssrc` and `payload` are the session's."""
        self.payload = payload
        self.heard = 0  # the server has all events up to this seq
        self.last_audio: float | None = None  # when it came
        self.bandwidth = Bandwidth(player.rate)
        self.slacks = RecentSlacks()
        self.parity_requests = ParityRequests()
        self._player, self._ssrc, self._figures = player, ssrc, figures
        self._reception = ReceptionStatistics(player.rate)
        self._decoder = ParityDecoder(ssrc, payload.type)
        self._recovered: set[int] = set()  # extended sequence numbers
        self._end = 0  # the highest position that came

    def receive(self, packet: Audio | Parity, now: float) -> None:
        """Raises ProtocolError for a packet that is another session's or makes no sense."""
        if isinstance(packet, Parity):
            self._play_recovered(self._decoder.receive_parity(packet))
        elif packet.ssrc != self._ssrc or packet.type != self.payload.type:
            raise ProtocolError("audio of another session")
        elif self._player.linked:
            self._receive_audio(packet, now)

    def report(self, now: float, aim: int) -> ReceptionReport:
        """What there is to say since the last report. `aim`: the slack that is asked for, in frames."""
        reception, slack = self._reception, self.slacks.lowest(now)
        chunk = self._player.chunk
        ahead = max(0, aim if slack is None else slack) // chunk
        # Over all packets that it can still serve.
        rate, window = self.parity_requests.wanted(now, ahead * -(-chunk // self.payload.packet_frames(chunk)))
        return ReceptionReport(
            fraction_lost=reception.fraction_lost(),
            lost=reception.lost,
            highest_sequence=reception.highest or 0,
            jitter=round(reception.jitter),
            slack=slack,
            parity=math.ceil(16 * rate),
            window=window,
        )

    def _receive_audio(self, audio: Audio, now: float) -> None:
        reception, count = self._reception, self._figures.packets
        packet, lost = self._decoded(audio), reception.lost
        sequence = reception.extended(audio.sequence)
        if not reception.receive(sequence):
            count.duplicate += 1
            return
        count.received += 1
        count.lost += reception.lost - lost
        if sequence in self._recovered:  # it was not lost
            self._recovered.remove(sequence)
            count.recovered -= 1
        self.last_audio = now
        slack = self._play(packet)
        count.late += slack < 0
        self.slacks.add(now, slack)
        self._figures.slacks.add(min(max(slack, -CAPACITY), CAPACITY))
        reception.measure(now, packet.position)
        self._end = max(self._end, packet.position)
        self.bandwidth.add(now, self._end, count.received, count.lost - count.recovered)
        self.parity_requests.receive(sequence, now)
        self._play_recovered(self._decoder.receive_audio(sequence, audio))

    def _play_recovered(self, packets: list[Audio]) -> None:
        """Packets that came back are played like any other, but say nothing of the network."""
        for audio in packets if self._player.linked else []:
            if self._play(self._decoded(audio)) >= 0:
                self._figures.packets.recovered += 1
                self._remember(self._reception.extended(audio.sequence))

    def _remember(self, sequence: int) -> None:
        """A packet was recovered in time."""
        self._recovered.add(sequence)
        if len(self._recovered) > KEPT:
            self._recovered = {s for s in self._recovered if s > sequence - KEPT}

    def _decoded(self, audio: Audio) -> Packet:
        position = unwrap32(audio.timestamp, self._player.position)
        return Packet(position, audio.before, audio.heard, self.payload.decode(audio.payload))

    def _play(self, packet: Packet) -> int:
        """Put a packet into the jitter buffer, if there is time; its slack."""
        slack = packet.position - self._player.position
        self.heard = max(self.heard, packet.heard)
        if -len(packet.frames) < slack < CAPACITY - self._player.chunk:
            self._player.rings.remote.put(packet)
        return slack
