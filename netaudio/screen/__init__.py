"""What a player is shown: live, in plain lines, as a report and as a picture."""
