"""NetAudio: a remote sampler that plays over the network as if it were local."""

__version__ = "0.1.0"
