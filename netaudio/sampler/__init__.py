"""The sampler: instruments, the voices that events start, and the one kernel that makes them sound."""
