"""Pictures of a call: layouts are pure (tables in, a Picture out); canvas.py alone draws."""
