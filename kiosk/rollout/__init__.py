"""An update at the terminal: fetched, verified, switched to on trial, kept only when it proved itself."""
