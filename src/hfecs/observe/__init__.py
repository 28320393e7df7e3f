"""What a person sees of a cluster from outside: its status, time left, logs and monitoring."""
