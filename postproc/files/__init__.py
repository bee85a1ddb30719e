"""Files and folders on this machine: who may read them, who is writing, and what a dead process left."""
