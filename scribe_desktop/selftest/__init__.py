"""`scribe selftest`: a recorder and a server of their own, real faults, and proof that all arrived.

Everything lies in a temporary folder; the person's recordings, keyring and running Scribe are not
touched.
"""
