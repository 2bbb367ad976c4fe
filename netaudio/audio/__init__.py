"""Sound outputs, one file a backend: PortAudio, and a software clock without sound. And the recorder."""
