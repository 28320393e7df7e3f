"""A cluster seen from outside: its status, time left, logs and monitoring."""
