"""Print the CPU seconds of correlation alone, repeated on the events in a run's results.

python -m bench.correlating OUT
"""

import sys
from time import process_time

import postproc
from postproc.correlate import correlate
from postproc.read import deployment


def main() -> None:
    events = postproc.load(sys.argv[1]).tables
    deployment_used = deployment.read(deployment.DEFAULT)
    begin = process_time()
    correlate(events, deployment_used)
    print(process_time() - begin)


if __name__ == "__main__":
    main()
