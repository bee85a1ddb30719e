"""One error picture a module: what shows it, what is said, what to do."""
