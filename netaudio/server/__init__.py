"""The server program: control connections, render workers, worker processes and figures."""
