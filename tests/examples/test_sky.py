from __future__ import annotations

import pytest

from hfecs.examples.sky import CENTRE, DEGREES_PER_PIXEL, GALACTIC_POLE, Sky, equatorial, galactic


def test_the_same_sky_is_drawn_each_time() -> None:
    assert Sky(3, 200).tiles == Sky(3, 200).tiles
    assert list(Sky(3, 200).sources(Sky(3, 200).tiles[4])) == list(Sky(3, 200).sources(Sky(3, 200).tiles[4]))


def test_each_tile_has_a_background_of_its_own_whose_corners_lie_in_a_plane() -> None:
    tiles = Sky(4, 300).tiles

    assert len({tile.background for tile in tiles}) == 16
    for tile in tiles:
        assert tile.background[0] + tile.background[2] == pytest.approx(tile.background[1] + tile.background[3])


@pytest.mark.parametrize("grid", [2, 3, 4, 9])
def test_the_slopes_of_the_tiles_have_nothing_in_common_that_would_be_left_in_the_mosaic(grid: int) -> None:
    tiles = Sky(grid, 300).tiles
    border = (0, grid - 1)

    right = [(0.3 if tile.column in border else 1) * (tile.background[1] - tile.background[0]) for tile in tiles]
    up = [(0.3 if tile.row in border else 1) * (tile.background[3] - tile.background[0]) for tile in tiles]

    assert [sum(right), sum(up)] == pytest.approx([0, 0], abs=1e-9)
    assert max(map(abs, right)) > 1


def test_a_source_in_the_overlap_shines_into_both_tiles() -> None:
    sky = Sky(2, 100)
    left, right = sky.tiles[:2]

    shared = set(sky.sources(left)) & set(sky.sources(right))

    assert [star for star in shared if star.peak > 100]


def test_the_middle_of_the_mosaic_lies_at_its_centre_and_longitude_grows_to_the_left() -> None:
    longitude, latitude = galactic(0, 100)

    assert galactic(0, 0) == pytest.approx(CENTRE)
    assert (longitude, latitude) == pytest.approx((CENTRE[0], CENTRE[1] + 100 * DEGREES_PER_PIXEL))
    assert galactic(-1, 0)[0] > CENTRE[0] > galactic(1, 0)[0]


def test_the_galactic_pole_and_the_galactic_centre_lie_where_the_almanac_says() -> None:
    assert equatorial(0, 90)[1] == pytest.approx(GALACTIC_POLE[1])
    assert equatorial(0, 0)[:2] == pytest.approx((266.405, -28.936), abs=0.001)


def test_the_angle_of_galactic_north_is_that_of_a_small_step_to_it() -> None:
    right_ascension, declination, angle = equatorial(0, 0)
    further_right, further_up, _ = equatorial(0, 0.001)

    assert angle == pytest.approx(-58.6, abs=0.05)
    assert further_up - declination == pytest.approx(0.001 * 0.521, abs=1e-6)
    assert further_right < right_ascension
