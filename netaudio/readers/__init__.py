"""Readers of files: sound files and folders of them, SoundFonts, MIDI files."""
