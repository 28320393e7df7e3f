"""Signals whose names mean something to JavaScript: the real broker, engine and executor."""

from __future__ import annotations

import pytest

from end_to_end.sites import Site, process

pytestmark = pytest.mark.end_to_end

NAMES = ["1", "0", "2", "map", "length", "forEach", "__proto__", "constructor", "push", "toString", "a:b", "-1"]


def test_files_of_any_name_are_written_read_and_stored(site: Site) -> None:
    names = ["begin", *NAMES, *[f"copy of {name}" for name in NAMES], "all"]
    count = len(NAMES)
    written = range(1, count + 1)
    writes = "; ".join(f"echo {name} > ./{name}" for name in NAMES)
    processes = [process("write", writes, [0], [*written])]
    processes += [process("copy", f"cp ./{name} 'copy of {name}'", [n], [n + count]) for n, name in enumerate(NAMES, 1)]
    processes.append(
        process("all", f"cat {' '.join(f'./{name}' for name in NAMES)} > all", [*written], [2 * count + 1])
    )
    processes.append({"name": "js", "function": "see", "ins": [*written], "outs": []})
    signals = [{"name": name} for name in names]
    site.upload({"name": "w", "processes": processes, "signals": signals, "ins": [0], "outs": []}, begin="x")
    see = "console.log('SAW ' + ins.map((one) => one.name)); done(null, outs)"
    see = f"exports.see = (ins, outs, context, done) => {{ {see} }};"
    site.s3.put_object(Bucket=site.bucket, Key="workdir/functions.js", Body=see)

    with site.executor():
        code = site.run("names", RETRIES="0")

    assert code == 0, site.log("engine")
    assert site.read("input/all").split() == NAMES
    assert [site.read(f"input/copy of {name}").strip() for name in NAMES] == NAMES
    assert f"SAW {','.join(NAMES)}" in site.log("engine")
