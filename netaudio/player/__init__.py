"""The client's engine: keys and packets in, the knitted sound out."""
