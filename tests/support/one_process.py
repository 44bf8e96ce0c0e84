"""A fleet in one process, for comparison: reads settings and specs from stdin, and prints the seconds that it took."""

from __future__ import annotations

import json
import sys
import time

BEGAN = time.monotonic()  # before the library is imported, because workers of executors import it as well


def main() -> None:
    """Create the endpoints of all factories with `create_many`."""
    from purview_mpe import Spec
    from tests.support.dask_connecting import connect

    given = json.load(sys.stdin)
    client = connect(share=1.0, **given["settings"])
    report = client.create_many([Spec.model_validate(spec) for spec in given["specs"]])
    assert report.complete
    sys.stdout.write(json.dumps({"seconds": time.monotonic() - BEGAN, "counts": report.counts}))


if __name__ == "__main__":
    main()
