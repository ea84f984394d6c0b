"""diskcache, on the same orders as the contenders in Rust (see ../workload)."""

import sys
import time

import diskcache

STRIDE = 61_803


def main(directory):
    cache = diskcache.Cache(directory, eviction_policy="none")
    materials = None
    turn = 0
    for line in sys.stdin:
        work, size, keys, count = line.split()
        size, keys, count = int(size), int(keys), int(count)
        if materials != (size, keys):
            materials = (size, keys)
            names = [f"key-{n:06}" for n in range(keys)]
            value = bytes(n % 251 for n in range(size))
        started = time.perf_counter_ns()
        for _ in range(count):
            turn = (turn + STRIDE) % keys
            if work == "set":
                cache[names[turn]] = value
            elif work == "get":
                assert len(cache[names[turn]]) == size
        print(time.perf_counter_ns() - started, flush=True)


main(*sys.argv[1:])
