"""The wire: what client and server say to each other, as bytes and as values."""
