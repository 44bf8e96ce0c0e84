"""How fast the library is, each figure against a baseline of the same run: `nox -s bench`.

docs/performance.md says what each figure means. One module measures one kind of thing:

- `cold` with `create_all`, `command` and `worker`: new processes, against plain scripts on the SDKs (`sequential.py` and
  `sequential.mjs`) and against importing the SDKs alone;
- `warm`: a client at work, against the round trips that cannot be saved;
- `waiting`: how long after the slowest endpoint a call ends;
- `asked`: the number of requests of each verb;
- `fleets`: many factories, against what Azure's limits allow;
- `imports`: what a process loads;
- `throughput`: the emulator itself.

Nothing here asserts how long something takes; that the whole runs is what its smoke test promises.
"""
