"""Where the data folders are: beside the code in a checkout, packed into the wheel otherwise."""

import os
from importlib.resources import files
from pathlib import Path
from typing import Literal

DataDir = Literal["probes", "dashboards"]


def data_dir(name: DataDir) -> Path:
    """The folder `name`: ASSETS_<NAME>_DIR if set, else the wheel's copy, else the checkout's.

    Raises FileNotFoundError with the places that were tried.
    """
    if override := os.environ.get(f"ASSETS_{name.upper()}_DIR"):
        chosen = Path(override)
        if not chosen.is_dir():
            raise FileNotFoundError(f"ASSETS_{name.upper()}_DIR names {chosen}, which is not a folder")
        return chosen
    package = Path(str(files("assets")))
    places = (package / "_bundled" / name, package.parents[1] / name)
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"there is no folder {name!r}; looked at " + ", ".join(map(str, places)))
