"""One session's link to the server: what came goes to whom it concerns. Time is an argument."""

from netaudio.errors import ProtocolError
from netaudio.player.player import ClientPlayer
from netaudio.player.receiver import Receiver
from netaudio.player.stream_figures import StreamFigures
from netaudio.player.uplink import Uplink
from netaudio.wire.datagram import parse
from netaudio.wire.payload import Payload
from netaudio.wire.rtcp import Reply


class Link:
    """Feed it datagrams; send the `messages` of its uplink and then the `report` that is due."""

    def __init__(
        self, player: ClientPlayer, ssrc: int, secret: bytes, payload: Payload, aim: int, figures: StreamFigures
    ) -> None:
        """`figures` are those of the run; the rest but for `aim`, frames of slack to ask for, is the session's."""
        self.figures = figures
        self.uplink = Uplink(player, ssrc, secret, aim, figures.round_trips)
        self.receiver = Receiver(player, ssrc, payload, figures)

    def receive(self, data: bytes, now: float) -> None:
        """Take what came from the server's address; what makes no sense is counted and dropped."""
        try:
            packet = parse(data)
            if isinstance(packet, Reply):
                self.uplink.receive(packet, now)
            else:
                self.receiver.receive(packet, now)
        except ProtocolError:
            self.figures.packets.strange += 1
        self.uplink.acknowledge(self.receiver.heard)

    def report(self, now: float) -> bytes | None:
        """The report that is due, if one is."""
        if not self.uplink.is_due(now):
            return None
        return self.uplink.report(now, self.receiver.report(now, self.uplink.aim))
