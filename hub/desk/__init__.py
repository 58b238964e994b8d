"""The pages of those who work with the queue: counter, branch, region, knowledge."""
