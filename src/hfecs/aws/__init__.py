"""AWS below everything else: clients, errors as sentences, account lookups, prices."""
