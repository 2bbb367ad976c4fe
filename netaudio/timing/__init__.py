"""Time: clocks, when a chunk is due, and what the network asks of OFFSET and BUFFER_SIZE."""
