"""The guide's first chart, walked: by captures, configuration and probes where they tell, by a person where not."""
