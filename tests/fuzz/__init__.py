"""Fuzzing of every public entry: any input gives a right result or a typed error; `nox -s fuzz -- --inputs 100000`.

Each input is drawn from a seed: a valid document or text with a few changes, or plain rubbish. One module changes one
kind of input:

- `arguments`: arguments of verbs, functions and nouns, including ids and names;
- `nouns`: specs, plans, reports and all other JSON that is read back; a changed plan or report that is still valid is
  applied, and must cause nothing that its spec could not cause by itself;
- `files`: fleets, journals, scenarios, and the input of an orchestration;
- `orchestration`: a fleet on many machines, some of which do not answer, with any data as the decision;
- `command_line`: arguments of the command;
- `answers`: Azure's answers, page by page.

Verbs run in both colours. The same seed gives the same inputs.
"""
