"""A process that trains runs of a spec whenever it is asked to, and tells how long it took (against.py).

It also runs with the code of older revisions, so it uses only the few functions that have long been public.
"""

import hashlib
import sys
import time

import saddlescape as ss


def main() -> None:
    """Answer each line ``RUNS TIMES`` by ``SECONDS STEPS DIGEST``: processor time, network-steps and bits."""
    path, *overrides = sys.argv[1:]
    sweep = ss.load(path, overrides)
    point, ready, prepared = sweep.at(tuple(n - 1 for n in sweep.shape)), None, 0
    for line in sys.stdin:
        runs, times = map(int, line.split())
        if ready is None or runs != prepared:
            ready, prepared = ss.prepare(point, runs), runs
        began = time.process_time()
        for _ in range(times):
            trained = ready.train()
        seconds = time.process_time() - began
        bits = hashlib.sha256(trained.theta.tobytes() + trained.stop_step.tobytes()).hexdigest()
        print(seconds, times * int(trained.stop_step.sum()), bits, flush=True)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}".splitlines()[0])
