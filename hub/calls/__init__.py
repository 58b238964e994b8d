"""The signalling of calls between terminals and tellers' pages, and the way round firewalls. No media passes here."""
