"""How much of one capture is taken in, so that a file made for it cannot fill the memory.

Each is far above what a call needs. What is cut is counted, and the capture's warnings say so.
"""

INTERFACES = 4096  # of a file; merged ones have one for each of their parts
INTERFACE_NAME = 255  # characters of its name
ROWS = 2000  # of all tables, from one frame: headers, descriptions and candidates of its SIP messages
