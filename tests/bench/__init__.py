"""How fast the library is, with each figure beside a baseline from the same run: `nox -s bench`.

docs/performance.md explains each figure. One module measures one kind of thing:

- `cold` with `create_all`, `command` and `worker`: new processes, against plain scripts on the SDKs (`sequential.py`
  and `sequential.mjs`) and against importing the SDKs alone;
- `warm`: a running client, against the round trips that cannot be avoided;
- `waiting`: how long after the slowest endpoint a call ends;
- `asked`: the number of requests of each verb;
- `fleets`: many factories, against the time that Azure's limits allow;
- `imports`: the modules that a process loads;
- `throughput`: the emulator itself.

Nothing here asserts a time; the smoke test only asserts that everything runs.
"""
