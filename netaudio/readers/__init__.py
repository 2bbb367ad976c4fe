"""Readers of files: sound files and folders of them, MIDI files."""
