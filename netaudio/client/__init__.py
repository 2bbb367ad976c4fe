"""The client program: connects inputs, player, sound output and server."""
