"""AWS underneath everything: clients, errors as sentences, lookups in the account, prices."""
