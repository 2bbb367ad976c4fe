"""What a musician plays on: the computer's keyboard and MIDI keyboards."""
