"""The server's side of one client: events and reports in, what is due out."""
