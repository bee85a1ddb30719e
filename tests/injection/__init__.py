"""Every output of the program, made of captures, logs and lists that are hostile throughout."""
