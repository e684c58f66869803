"""Grid one file with HARP's bin_spatial; run by bench_grid.py with the system's Python (no yaotan there)."""

import argparse
import json
import resource
import time

import harp
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--input", required=True)
parser.add_argument("--cell", type=float, required=True)
parser.add_argument("--repeat", type=int, default=1)
parser.add_argument("--output")
options = parser.parse_args()

rows, columns = round(180 / options.cell) + 1, round(360 / options.cell) + 1
operation = f"bin_spatial({rows},-90,{options.cell!r},{columns},-180,{options.cell!r})"
runs = []
for _ in range(options.repeat):
    product = harp.import_product(options.input)
    wall, cpu = time.perf_counter(), time.process_time()
    grid = harp.execute_operations(product, operations=operation)
    runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    del product
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
if options.output:
    np.savez(
        options.output,
        mean=np.squeeze(grid["CO2_column_volume_mixing_ratio"].data),
        weight=np.squeeze(grid["weight"].data),
    )
print(json.dumps({"runs": runs, "peak_mib": peak}))
