"""python -m pcaps.make [NAME ...]"""

import sys

from pcaps.make import registry

if __name__ == "__main__":
    registry.write(sys.argv[1:])
