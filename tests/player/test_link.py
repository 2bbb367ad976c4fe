"""What came goes to whom it concerns, and nothing that comes breaks anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.wire.parity import ParityEncoder
from netaudio.wire.rtcp import Report
from tests.support.linked import BLOCK, SECRET, SSRC, Linked, audio, reply


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", bytes(100), audio(1, ssrc=8), audio(1, kind=96), audio(1)[:-1], audio(1)[:28], reply(ssrc=8),
        reply()[:-4], Report(SSRC, 1, 0, 0, 0, 0, 0, 0).pack(SECRET),
    ],
)  # fmt: skip
def test_strange_datagrams_are_counted_and_change_nothing(data: bytes) -> None:
    linked = Linked()
    linked.receive(data)
    count = linked.figures.packets
    assert (count.strange, count.received, linked.link.receiver.heard) == (1, 0, 0)


def test_parity_of_another_session_changes_nothing() -> None:
    linked, encoder = Linked(), ParityEncoder(SSRC + 8)
    encoder.ask(1.0, 4)
    linked.receive(audio(0, 100), 0.1)
    linked.receive(encoder.follow(audio(1, 110))[0], 0.1)
    count = linked.figures.packets
    assert (count.strange, count.recovered) == (1, 0)
    assert linked.player.rings.remote.at(115) is None


@given(
    st.lists(st.one_of(st.binary(max_size=80), st.builds(lambda tail: audio(1)[:20] + tail, st.binary(max_size=90))))
)
def test_any_datagrams_leave_a_player_that_renders(datagrams: list[bytes]) -> None:
    linked = Linked()
    for k, data in enumerate(datagrams):
        linked.receive(data, k / 100)
    linked.press()
    for now in (0.2, 0.4):
        assert linked.report(now)
        linked.player.render(BLOCK, now)


def test_what_a_reply_or_a_packet_has_heard_is_repeated_no_more() -> None:
    linked = Linked()
    linked.press(3)
    linked.messages(2.0)
    assert [event.seq for event in linked.reported(2.0).events] == [1, 2, 3]
    linked.receive(reply(heard=1), 2.001)
    assert [event.seq for event in linked.reported(2.006).events] == [2, 3]
    linked.receive(audio(1, 100, heard=2), 2.007)
    assert [event.seq for event in linked.reported(2.016).events] == [3]
    linked.receive(audio(2, 110, heard=3), 2.017)
    assert linked.report(2.04) is None
    assert linked.reported(2.07).events == ()


def test_the_report_asks_for_parity_over_what_is_still_to_be_played() -> None:
    linked = Linked()
    for k in range(60):
        if k != 30:
            linked.receive(audio(k, 100 + 10 * k), k / 100)
    report = linked.reported(0.6)
    assert report.parity > 0
    assert report.window == report.slack // 10 == 9
    linked.link.receiver.parity_requests.maximum = 0.0
    assert linked.reported(1.0).parity == 0
