"""Walk the guide's first chart, answered by captures, configuration and probes, or else by a person."""
