"""The thin shells: sockets, sound cards, keyboards, files and screens around the pure core."""
