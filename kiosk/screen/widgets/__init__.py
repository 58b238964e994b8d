"""The widgets: each makes one block of a column from the snapshot, in any width and at any size of letters."""
