"""Writers of foreign layouts, typed from the products' own documents and from original files.

They know nothing of `catalogs/products`, which the readers use: a wrong name there must fail a test here.
"""

from yaotan.simulate.layout.acos_lite import acos_lite_name, write_acos_lite
from yaotan.simulate.layout.gmi import gmi_name, write_gmi
from yaotan.simulate.layout.nies_gosat import nies_gosat_name, write_nies_gosat
from yaotan.simulate.layout.oco2_lite import oco2_lite_name, write_oco2_lite
from yaotan.simulate.layout.retrieval import Retrieval

__all__ = [
    "Retrieval",
    "acos_lite_name",
    "gmi_name",
    "nies_gosat_name",
    "oco2_lite_name",
    "write_acos_lite",
    "write_gmi",
    "write_nies_gosat",
    "write_oco2_lite",
]
