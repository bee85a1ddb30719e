"""Files and folders of this machine: permissions, locks, atomic commits, and remains of dead processes."""
