"""The synthetic sky of the Montage example: where its tiles are, and which stars and galaxies each of them shows.

Everything is drawn from seeded random numbers, so the same arguments always give the same sky.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

CENTRE = (121.2, -21.6)
"""Galactic longitude and latitude of the middle of the mosaic, degrees: where the sky has its great spiral galaxy."""

GALACTIC_POLE = (192.85948, 27.12825)
"""Right ascension and declination of the north galactic pole, degrees, J2000."""

LONGITUDE_OF_NORTH = 122.93192
"""Galactic longitude of the north celestial pole, degrees, J2000."""

DEGREES_PER_PIXEL = 1 / 3600

OVERLAP = 0.16
"""The part of a tile's side that it shares with each neighbour."""

PIXELS_PER_STAR = 1300
"""The area of sky, in square pixels, in which one star is found on average."""

GALAXY_SIZE = 1000
"""The side, in pixels, of a mosaic that the central galaxy fills well; it does not grow with larger ones."""

STEEPEST = 10
"""The most by which the background of a tile, with its margins, rises or falls from the middle to the border."""

BORDER_WEIGHT = 0.3
"""What a tile without a neighbour on one side, along its slope, counts in what all share; measured for 4 x 4 tiles."""


@dataclass(frozen=True)
class Source:
    """A round source of light: its place (pixels from the mosaic's centre, in its plane), peak and width (pixels)."""

    x: float
    y: float
    peak: float
    width: float

    @property
    def magnitude(self) -> float:
        """The magnitude for which mMakeImg draws this peak, with reference magnitude 20."""
        return 20 - 2.5 * math.log10(self.peak)


@dataclass(frozen=True)
class Tile:
    """One image of the sky: its place in the grid, its centre (pixels from that of the mosaic), its turn (degrees).

    `background` is the brightness of the empty sky in its four corners, `noise` the standard deviation added to it.
    """

    row: int
    column: int
    x: float
    y: float
    rotation: float
    background: tuple[float, float, float, float]
    noise: float

    @property
    def name(self) -> str:
        """The name of the tile's file, without its ending."""
        return f"tile_{self.place}"

    @property
    def place(self) -> str:
        """The tile's row and column."""
        return f"{self.row:02}_{self.column:02}"


@dataclass(frozen=True)
class Sky:
    """A sky that `grid` times `grid` tiles cover, each `pixels` wide and high."""

    grid: int
    pixels: int

    @property
    def step(self) -> float:
        """The distance of neighbouring tiles, in pixels."""
        return self.pixels * (1 - OVERLAP)

    @property
    def side(self) -> int:
        """The side of the mosaic, in pixels: a little less than the tiles cover, so that its border is whole."""
        return round(self.step * (self.grid - 1) + self.pixels * (1 - 0.75 * OVERLAP))

    @cached_property
    def tiles(self) -> list[Tile]:
        """All the tiles, row by row; each is turned and shifted a little, and has a background of its own."""
        places = [divmod(number, self.grid) for number in range(self.grid**2)]
        slopes = self._balanced("slope", [column for _, column in places])
        tilts = self._balanced("tilt", [row for row, _ in places])
        return [self._tile(*place, slope, tilt) for place, slope, tilt in zip(places, slopes, tilts, strict=True)]

    def _balanced(self, what: str, along: list[int]) -> list[float]:
        """A number for each tile, whose weighted sum is 0: mBgModel leaves in the mosaic what all the tiles share."""
        chance = random.Random(what)
        drawn = [chance.uniform(-STEEPEST, STEEPEST) for _ in along]
        weights = [BORDER_WEIGHT if place in (0, self.grid - 1) else 1 for place in along]
        shared = math.fsum(weight * number for weight, number in zip(weights, drawn, strict=True)) / sum(weights)
        return [number - shared for number in drawn]

    def _tile(self, row: int, column: int, slope: float, tilt: float) -> Tile:
        chance = random.Random(f"tile {row} {column}")
        middle, shift = (self.grid - 1) / 2, 0.01 * self.pixels
        level = chance.uniform(80, 200)
        # Montage matches planes: the four corners must be in one.
        corners = (level - slope - tilt, level + slope - tilt, level + slope + tilt, level - slope + tilt)
        return Tile(
            row,
            column,
            x=(column - middle) * self.step + chance.uniform(-shift, shift),
            y=(row - middle) * self.step + chance.uniform(-shift, shift),
            rotation=chance.uniform(-1.5, 1.5),
            background=corners,
            noise=chance.uniform(1.0, 1.8),
        )

    @property
    def margin(self) -> int:
        """How far outside of a tile, in pixels, a source can be and still be seen in it."""
        return math.ceil(1.6 * max(source.width for source in self.galaxy)) + 8

    def sources(self, tile: Tile) -> Iterator[Source]:
        """The sources that shine into a tile."""
        reach = self.pixels / 2 + self.margin
        cells = range(-1, 2)
        nearby = [star for dy in cells for dx in cells for star in self._stars(tile.row + dy, tile.column + dx)]
        for source in nearby + self.galaxy:
            if max(abs(source.x - tile.x), abs(source.y - tile.y)) < 1.1 * reach:
                yield source

    def _stars(self, row: int, column: int) -> Iterator[Source]:
        """The stars, and the few that are far galaxies, in one cell of the grid; many faint ones, few bright ones."""
        chance = random.Random(f"stars {row} {column}")
        middle = (self.grid - 1) / 2
        for _ in range(round(self.step**2 / PIXELS_PER_STAR)):
            x = (column - middle + chance.uniform(-0.5, 0.5)) * self.step
            y = (row - middle + chance.uniform(-0.5, 0.5)) * self.step
            peak = min(6 * chance.random() ** -1.4, 8000)
            far_galaxy = chance.random() < 0.06
            yield Source(x, y, min(peak, 60), chance.choice((5, 10))) if far_galaxy else Source(x, y, peak, 2.4)
            if peak > 600 and not far_galaxy:
                yield Source(x, y, peak / 90, 10)

    @cached_property
    def galaxy(self) -> list[Source]:
        """A spiral galaxy in the middle of the mosaic: a core in a disc, and puffs of light along two arms."""
        chance = random.Random("galaxy")
        scale = min(self.side / GALAXY_SIZE, 1)
        core = ((300, 10), (120, 20), (55, 40), (22, 100))
        puffs = [Source(0, 0, peak, width * scale) for peak, width in core]
        for number in range(480):
            along = (number // 2 + chance.random()) / 240
            radius = scale * (30 + 330 * along)
            angle = 0.6 + 5.4 * along**0.75 + math.pi * (number % 2) + chance.gauss(0, 0.13)
            x, y = radius * math.cos(angle), 0.72 * radius * math.sin(angle)
            knot = chance.random() < 0.3
            width = scale * (5 if knot else chance.choice((20, 30, 40)))
            peak = chance.uniform(5, 22) if knot else 5.5 - 2.4 * along
            puffs.append(Source(0.87 * x - 0.5 * y, 0.5 * x + 0.87 * y, peak, width))
        return puffs


def galactic(x: float, y: float) -> tuple[float, float]:
    """Galactic longitude and latitude, degrees, of a place in the mosaic (pixels from its centre)."""
    east, north = -math.radians(x * DEGREES_PER_PIXEL), math.radians(y * DEGREES_PER_PIXEL)
    latitude = math.radians(CENTRE[1])
    depth = math.cos(latitude) - north * math.sin(latitude)
    height = math.sin(latitude) + north * math.cos(latitude)
    longitude = math.degrees(math.atan2(east, depth)) + CENTRE[0]
    return longitude, math.degrees(math.atan2(height, math.hypot(east, depth)))


def equatorial(longitude: float, latitude: float) -> tuple[float, float, float]:
    """Right ascension and declination of a galactic place, and the angle from north to galactic north; degrees."""
    b, turn = math.radians(latitude), math.radians(LONGITUDE_OF_NORTH - longitude)
    pole = math.radians(GALACTIC_POLE[1])
    declination = math.asin(math.sin(pole) * math.sin(b) + math.cos(pole) * math.cos(b) * math.cos(turn))
    east = math.cos(b) * math.sin(turn)
    depth = math.cos(pole) * math.sin(b) - math.sin(pole) * math.cos(b) * math.cos(turn)
    hour = math.atan2(east, depth)
    angle = math.atan2(
        -math.cos(pole) * math.sin(hour),
        math.sin(pole) * math.cos(declination) - math.cos(pole) * math.sin(declination) * math.cos(hour),
    )
    return (math.degrees(hour) + GALACTIC_POLE[0]) % 360, math.degrees(declination), math.degrees(angle)
