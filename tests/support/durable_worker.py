"""A worker of the durabletask engine in its own process; it works until its standard input closes or it is killed.

`python -m tests.support.durable_worker ENGINE EMULATOR CA_FILE NAME`, where NAME begins with the kind of work:
`activities` or `orchestrators`.
"""

from __future__ import annotations

import logging
import os
import sys

from durabletask.worker import ConcurrencyOptions, TaskHubGrpcWorker

from purview_mpe import Client, durable, quick_start
from purview_mpe.emulator import Emulator

if __name__ == "__main__":
    engine, url, ca_file, name = sys.argv[1:]
    logging.disable(logging.WARNING)
    quick_start()

    def connect() -> Client:
        credential = Emulator(empty=True).credential
        return Client(credential, endpoint=url, connection_verify=ca_file, user_agent=name)

    limits = ConcurrencyOptions(
        maximum_concurrent_activity_work_items=4,
        maximum_concurrent_orchestration_work_items=1,
        maximum_thread_pool_workers=4,
    )
    worker = TaskHubGrpcWorker(host_address=engine, metadata=[("worker-name", name)], concurrency_options=limits)
    durable.register_worker(worker, connect, only="activities" if name.startswith("activities") else "orchestrators")
    # The engine must not give a worker any work that it cannot run.
    worker.use_work_item_filters()
    connect().close()  # import everything now
    worker.start()
    print("ready", flush=True)  # noqa: T201 - the parent process waits for this line
    sys.stdin.read()
    os._exit(0)
