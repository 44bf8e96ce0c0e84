"""Fuzzing every public entry: whatever comes in, what comes out is right or a typed error; `nox -s fuzz -- --inputs 100000`.

Each input is drawn from a seed: a valid document or text that is bent in a few places, or plain rubbish. One module
bends one kind of thing:

- `arguments`: what verbs, functions and nouns are called with, ids and names among it;
- `nouns`: specs, plans, reports and all other JSON that is read back; a bent plan or report that is still valid is
  carried out, and must cause nothing that its spec could not cause by itself;
- `files`: fleets, journals, scenarios, and what an orchestration is started with;
- `orchestration`: a fleet on many machines, which answer or do not, and what somebody sends as a decision;
- `command_line`: what is typed;
- `answers`: what Azure says, page by page.

Verbs run in both colours. The same seed gives the same inputs.
"""
