"""Made-up names of persons and firms."""

import polars as pl

from connectors.generators.arrays import Ints

_FIRST = """
Ada Agnes Albert Alma Amir Ana Anton Astrid Bela Boris Bruno Carla Carlos Celia Chiara Clara Conrad
Daniel Daria David Dora Edgar Elena Elias Emil Emma Erik Eva Farid Felix Fiona Frank Greta Hana
Hans Harold Helen Hugo Ida Ines Irene Ivan Jakob Jan Joana Jonas Julia Kaori Karl Kenji Lara Laura
Leo Lena Lina Lucas Luis Maja Marco Maria Marta Martin Max Mei Milan Mina Nadia Nils Nora Olga
Oscar Otto Paula Pedro Petra Quinn Rafael Rita Robert Rosa Sam Sara Sofia Stefan Tara Theo Thomas
Tomas Uma Vera Victor Walter Wanda Yara Yuki Zoe
"""
_LAST = """
Abel Adler Almeida Archer Baker Barros Bauer Becker Bell Berger Bianchi Blanc Bosch Brandt Braun
Brown Castro Cole Conti Costa Cruz Dahl Dubois Ebert Engel Falk Ferrari Fischer Fontana Fox Frey
Fuchs Garcia Gomez Graf Gray Haas Hansen Hart Hayashi Hermann Hill Hoffmann Huber Ito Jansen Keller
King Klein Koch Kovacs Kowalski Kraus Lang Lefevre Lehmann Lopez Maier Marin Martin Mayer Meyer
Mohr Moreau Moreno Mori Nagy Neumann Nowak Oliveira Olsen Parker Peeters Petit Pohl Ricci Richter
Rossi Roth Roux Russo Sanchez Santos Sato Schmidt Schulz Silva Simon Stein Suzuki Tanaka Thomas
Torres Vega Vogel Wagner Walker Weber White Winter Wolf Wood Young Zimmer
"""
_FIRMS = """
Alder Amber Anchor Arbor Aspen Atlas Beacon Birch Boreal Bridge Cedar Cobalt Copper Coral Crest
Delta Ember Falcon Fjord Garnet Granite Harbor Heron Indigo Juniper Kestrel Lagoon Lark Linden
Lotus Maple Marble Meadow Meridian Nimbus North Oak Onyx Opal Orchard Osprey Pearl Pine Quartz
Raven Ridge River Saffron Sierra Silver Slate Spruce Summit Swift Terra Tern Umber Vale Willow
Zephyr
"""
_TRADES = {
    "merchant": "Stores",
    "cash-shop": "Diner",
    "employer": "Works",
    "landlord": "Homes",
    "marketplace": "Market",
    "treasury": "Holding",
    "charity": "Relief",
    "trader": "Trading",
    "abroad": "Export",
}


def persons(first: Ints, last: Ints) -> pl.Series:
    """Full names of persons, by two numbers each."""
    given, family = pl.Series(_FIRST.split()), pl.Series(_LAST.split())
    return given.gather(first % len(given)) + " " + family.gather(last % len(family))


def firms(role: str, number: Ints) -> pl.Series:
    """Names of firms of one line of business, by a number each."""
    words = pl.Series(_FIRMS.split())
    count = pl.Series(number // len(words) + 1).cast(pl.String)
    return words.gather(number % len(words)) + f" {_TRADES[role]} " + count
