"""The branch's and the bank's side: ingest, store, pages. Uses contracts and config only."""
