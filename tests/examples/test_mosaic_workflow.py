from __future__ import annotations

import pytest

from hfecs import workflow
from hfecs.examples import mosaic_workflow
from hfecs.examples.sky import Sky
from hfecs.workflow import Workflow


@pytest.fixture
def loaded() -> Workflow:
    return workflow.from_document(mosaic_workflow.document(Sky(4, 300).tiles))


def test_each_tile_is_projected_and_corrected_and_each_overlapping_pair_is_fitted(loaded: Workflow) -> None:
    assert loaded.jobs_by_program() == {
        "mProject": 16,
        "mDiffFit": 42,
        "mConcatFit": 1,
        "mImgtbl": 2,
        "mBgModel": 1,
        "mBackground": 16,
        "mAdd": 1,
        "mViewer": 1,
    }


def test_the_longest_chain_goes_through_every_program(loaded: Workflow) -> None:
    assert loaded.longest_chain() == len(loaded.jobs_by_program())


def test_every_file_among_a_jobs_arguments_is_declared(loaded: Workflow) -> None:
    for process in loaded.processes:
        assert process.config.executor is not None
        files = {str(word) for word in process.config.executor.args if str(word).endswith((".fits", ".tbl", ".hdr"))}

        assert files - {"difference.fits"} <= set(loaded.files(process.ins + process.outs))


def test_the_tables_and_the_header_are_the_inputs_that_are_no_tiles(loaded: Workflow) -> None:
    tiles = Sky(4, 300).tiles

    others = set(loaded.inputs()) - {f"{tile.name}.fits" for tile in tiles}

    assert others == {mosaic_workflow.HEADER, *mosaic_workflow.tables(tiles)}


def test_the_table_of_pairs_has_a_row_for_each_fit() -> None:
    rows = mosaic_workflow.tables(Sky(2, 100).tiles)["fitted.tbl"].splitlines()

    assert [row.split() for row in rows[2:4]] == [["0", "1", "fit_00_00-00_01.txt"], ["0", "2", "fit_00_00-01_00.txt"]]
    assert len(rows) == 2 + 6
