"""Times a piece of work in a fresh process: the answer on one line, then its cost as JSON, as the bench binary prints."""
import json
import resource
import time


def run(work):
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    cost = {
        "wall_s": round(time.perf_counter() - wall, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(" ".join(str(figure) for figure in answer))
    print(json.dumps(cost))
