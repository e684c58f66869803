"""Krige one set of observations with GSTools; run by bench_fill.py with a Python of its own.

``--mode global``: GSTools as it is, every target from all observations (it has no moving neighbourhood).
``--mode local``: one GSTools object for each target, from the neighbours that yaotan chose.
GSTools has no product-sum model: its kriging classes get the same covariance through a class of theirs in
which a distance is a complex number, space in its real part and time in its imaginary part.
"""

import argparse
import json
import resource
import time

import gstools as gs
import numpy as np
from scipy.spatial.distance import cdist


class ProductSumModel(gs.CovModel):
    """``A s + B t + D s t`` with exponential s and t; var is the sum of A, B and D."""

    parts = (1.0, 0.0, 0.0)
    ranges = (1.0, 1.0)

    def cor(self, h):
        near, soon = np.exp(-np.real(h) / self.ranges[0]), np.exp(-np.imag(h) / self.ranges[1])
        space, time_part, joint = self.parts
        return space * near + (time_part + joint * near) * soon

    def covariance(self, r):
        return self.cor(r)


class SpaceTimeOrdinary(gs.krige.Ordinary):
    """Ordinary kriging of GSTools in which distances have two parts."""

    def _get_dists(self, pos1, pos2=None, pos2_slice=(0, None)):
        other = pos1 if pos2 is None else pos2[:, slice(*pos2_slice)]
        return cdist(pos1[:3].T, other[:3].T) + 1j * cdist(pos1[3:].T, other[3:].T)


def make_model(parameters):
    space, time_part, joint, space_range, time_range = parameters
    model = ProductSumModel(dim=4, var=space + time_part + joint, len_scale=1.0, nugget=0.0)
    model.parts, model.ranges = (space, time_part, joint), (space_range, time_range)
    return model


def krige(model, place, value, error, target):
    made = SpaceTimeOrdinary(model, place, value, cond_err=error, pseudo_inv=False)
    begin = time.perf_counter(), time.process_time()
    field, variance = made(target, chunk_size=200)
    return field, variance, time.perf_counter() - begin[0], time.process_time() - begin[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--mode", choices=("global", "local"), required=True)
    options = parser.parse_args()
    data = np.load(options.input)
    model = make_model(data["parameters"])
    place, target = data["place"], data["target"]
    wall, cpu = time.perf_counter(), time.process_time()
    if options.mode == "global":
        field, variance, wall_targets, cpu_targets = krige(model, place, data["value"], data["error"], target)
    else:
        field, variance = np.empty(target.shape[1]), np.empty(target.shape[1])
        for m, rows in enumerate(data["rows"]):
            one = krige(model, place[:, rows], data["value"][rows], data["error"][rows], target[:, m : m + 1])
            field[m], variance[m] = one[0][0], one[1][0]
        wall_targets, cpu_targets = time.perf_counter() - wall, time.process_time() - cpu
    total = time.perf_counter() - wall, time.process_time() - cpu
    np.savez(options.output, field=field, variance=variance)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "version": gs.__version__,
                "wall": total[0],
                "cpu": total[1],
                "wall_targets": wall_targets,
                "cpu_targets": cpu_targets,
                "peak_mib": peak,
            }
        )
    )


if __name__ == "__main__":
    main()
