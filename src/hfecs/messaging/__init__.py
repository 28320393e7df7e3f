"""What both ends of the broker share: message formats, connections, and calls with timeouts."""
