"""RFC 3550's statistics at 1000 Hz; the counts in any order are tested with the receiver's."""

from netaudio.player.reception import MAX_SEEN, ReceptionStatistics


def test_jitter_grows_with_uneven_arrivals() -> None:
    even, uneven = ReceptionStatistics(1000), ReceptionStatistics(1000)
    for k in range(50):
        even.measure(k / 100, 10 * k)
        uneven.measure(k / 100 + 0.008 * (k % 2), 10 * k)
    assert round(even.jitter) == 0
    assert round(uneven.jitter) == 8


def test_numbers_are_extended_where_they_wrap() -> None:
    reception = ReceptionStatistics(1000)
    for low in (0xFFFE, 0xFFFF, 0, 1):
        assert reception.receive(reception.extended(low))
    assert (reception.highest, reception.lost) == (0x10001, 0)


def test_the_fraction_counts_from_one_report_to_the_next() -> None:
    reception = ReceptionStatistics(1000)
    assert reception.fraction_lost() == 0
    for sequence in (0, 1, 3):
        reception.receive(sequence)
    assert reception.fraction_lost() == 64
    for sequence in (4, 5, 2):
        reception.receive(sequence)
    assert (reception.fraction_lost(), reception.lost) == (0, 0), "more came than were new"


def test_what_is_remembered_is_bounded() -> None:
    reception = ReceptionStatistics(1000)
    for sequence in range(3 * MAX_SEEN):
        assert reception.receive(sequence)
        assert not reception.receive(sequence)
    assert len(reception._seen) <= MAX_SEEN
