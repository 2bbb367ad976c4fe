"""Sound outputs: PortAudio, a software clock where there is no card, and the recorder."""
