"""Jänschwalde and Schwarze Pumpe in a simulated CO2M image (SMARTCARB, 23 April 2015), beside the truth.

Data: set YAOTAN_TEST_DATA to a folder with `plume/` (default ../shared/data beside the repository).
"""

import csv
import os
import sys
from pathlib import Path

import yaotan
from yaotan.plume.estimate import meanings

default = Path(__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("YAOTAN_TEST_DATA") or default).resolve() / "plume"
if not data.is_dir():
    sys.exit(print(f"no real data at {data}; set YAOTAN_TEST_DATA"))

scene = yaotan.io.open_image(data / "smartcarb_janschwalde_20150423.nc")
plants = yaotan.plume.open_sources(data / "smartcarb_janschwalde_truth.csv")
with (data / "smartcarb_janschwalde_truth.csv").open() as file:
    rows = {row["source"]: row for row in csv.DictReader(file)}
# the model's wind at the height of the plumes; a reanalysis would be opened by open_wind and given as it is
winds = {
    name: yaotan.EffectiveWind.from_direction(
        float(row["wind_speed"]),
        float(row["wind_from_deg"]),
        uncertainty={"wind_speed": 1.0, "wind_variability": 0.15 * float(row["wind_speed"])},
        direction_uncertainty=10.0,
    )
    for name, row in rows.items()
}
made = yaotan.plume.quantify(scene, plants, winds, variable="xco2", mask_variable="no2")
print(made.plumes[["sources", "pixels", "greatest_z"]].to_string(index=False))

words, cautions = meanings(made.estimate)
for place, name in enumerate(made.estimate.source.values):
    one = made.estimate.isel(source=place)
    true = float(rows[str(name)]["co2_kg_s_at_11utc"])
    print(
        f"{name}: {words[place]}, {float(one.emission):.0f} +- {float(one.emission_uncertainty):.0f} kg/s, ",
        end="",
    )
    print(
        f"true {true:.0f}; chance of such disagreement {float(one.chi_square_probability):.2f}",
        cautions[place],
    )
    for member in one.member.values:
        part = one.sel(member=member)
        value, sigma = float(part.member_emission), float(part.member_emission_uncertainty)
        print(f"  {member:32s} {value:5.0f} +- {sigma:4.0f}  weight {float(part.member_weight):.2f}", end="")
        print(f"  {part.member_reason.item()}")
