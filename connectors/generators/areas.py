"""Areas in which generated business is done: cities with their position, country and time zone."""

import numpy as np
import polars as pl

from connectors.generators.arrays import Ints

_TABLE = """
DE-BE Europe/Berlin       1  52.520   13.405
DE-HH Europe/Berlin       1  53.551    9.994
DE-BY Europe/Berlin       1  48.137   11.575
DE-HE Europe/Berlin       1  50.110    8.682
DE-NW Europe/Berlin       1  50.938    6.960
DE-SN Europe/Berlin       1  51.340   12.375
FR-IDF Europe/Paris       1  48.857    2.352
FR-ARA Europe/Paris       1  45.764    4.836
FR-PAC Europe/Paris       1  43.297    5.381
NL-NH Europe/Amsterdam    1  52.368    4.904
NL-LI Europe/Amsterdam    1  50.851    5.691
NL-GR Europe/Amsterdam    1  53.219    6.567
AT-9 Europe/Vienna        1  48.208   16.373
AT-5 Europe/Vienna        1  47.810   13.055
AT-6 Europe/Vienna        1  47.071   15.439
IT-RM Europe/Rome         1  41.903   12.496
IT-MI Europe/Rome         1  45.464    9.190
IT-NA Europe/Rome         1  40.852   14.268
ES-M Europe/Madrid        1  40.417   -3.704
ES-B Europe/Madrid        1  41.387    2.170
ES-SE Europe/Madrid       1  37.389   -5.984
GB-LND Europe/London      0  51.507   -0.128
GB-MAN Europe/London      0  53.481   -2.242
GB-EDH Europe/London      0  55.953   -3.188
CH-ZH Europe/Zurich       1  47.377    8.542
CH-GE Europe/Zurich       1  46.204    6.143
CH-TI Europe/Zurich       1  46.004    8.951
PL-14 Europe/Warsaw       1  52.230   21.012
PL-12 Europe/Warsaw       1  50.065   19.945
PL-22 Europe/Warsaw       1  54.352   18.647
US-NY America/New_York   -5  40.713  -74.006
US-FL America/New_York   -5  25.762  -80.192
US-GA America/New_York   -5  33.749  -84.388
US-IL America/Chicago    -6  41.878  -87.630
US-TX America/Chicago    -6  29.760  -95.370
US-AZ America/Phoenix    -7  33.448 -112.074
US-CA America/Los_Angeles -8 34.052 -118.244
US-WA America/Los_Angeles -8 47.606 -122.332
JP-13 Asia/Tokyo          9  35.677  139.650
JP-27 Asia/Tokyo          9  34.694  135.502
JP-01 Asia/Tokyo          9  43.062  141.354
"""
"""Code (ISO 3166-2, or the country and a city), zone, hours ahead of UTC in winter, position."""
_ROWS = [line.split() for line in _TABLE.split("\n") if line]

CODE = pl.Series([row[0] for row in _ROWS])
COUNTRY = pl.Series([row[0][:2] for row in _ROWS])
ZONE = pl.Series([row[1] for row in _ROWS])
OFFSET_HOURS: Ints = np.array([int(row[2]) for row in _ROWS], dtype=np.int64)
LATITUDE: Ints = np.array([round(float(row[3]) * 1e6) for row in _ROWS], dtype=np.int64)
LONGITUDE: Ints = np.array([round(float(row[4]) * 1e6) for row in _ROWS], dtype=np.int64)

_COUNTRIES = dict.fromkeys(COUNTRY.to_list())
FIRST = {c: COUNTRY.to_list().index(c) for c in _COUNTRIES}
"""Index of the first area of each country; those of one country stand side by side."""
COUNT = {c: COUNTRY.to_list().count(c) for c in _COUNTRIES}
"""How many areas a country has, at least three."""
_REACH = 150_000
"""Terminals of an area lie within 0.15 degrees of its centre, so at most 50 km apart."""


def position(area: Ints, terminal: Ints) -> tuple[Ints, Ints]:
    """Latitude and longitude of terminals of areas, by their numbers, units of 10^-6 degree."""
    north = terminal * 7_919 % (2 * _REACH + 1) - _REACH
    east = terminal * 104_729 % (2 * _REACH + 1) - _REACH
    return LATITUDE[area] + north, LONGITUDE[area] + east
