"""Run ddeq on the fixed scenes; bench_plume.py runs it with the Python of ddeq's environment, without yaotan.

One line of JSON for each scene is added to the output as it is ready; scenes that it holds are not run again.
"""

import argparse
import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

parser = argparse.ArgumentParser()
parser.add_argument("--peers", required=True)
parser.add_argument("--scenes", required=True, help="JSON list of [seed, direction of the wind]")
parser.add_argument("--output", required=True)
options = parser.parse_args()

sys.path.insert(0, options.peers)
warnings.simplefilter("ignore")

import ddeq  # noqa: E402
import ddeq_scene  # noqa: E402

# seconds of the processor, as ours: the machine may be busy
ddeq_scene.time = SimpleNamespace(perf_counter=time.process_time)

output = Path(options.output)
lines = output.read_text().splitlines() if output.exists() else []
ready = {json.loads(line)["seed"] for line in lines}
for seed, direction in json.loads(options.scenes):
    if seed in ready:
        continue
    scene = ddeq_scene.make_scene(seed, wind_dir=direction)
    found = {
        "NO2": ddeq_scene.run_scene(ddeq, scene, ["csf", "csf_no2", "ime", "gp", "lcsf"], "NO2", 1.0),
        "CO2": ddeq_scene.run_scene(ddeq, scene, ["csf", "ime"], "CO2", 1.0),
    }
    line = {"seed": seed, "direction": direction, "version": version("ddeq"), "clock": "cpu", **found}
    with output.open("a") as file:
        file.write(json.dumps(line) + "\n")
