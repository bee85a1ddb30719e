"""Configuration files of the way in, looked at and never changed: what is wrong, why, and what to put."""
