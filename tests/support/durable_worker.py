"""A worker of the durabletask engine in a process of its own; it works until its standard input ends, or it is killed.

It carries out activities: `python tests/durable_worker.py ENGINE EMULATOR CA_FILE NAME`
"""

from __future__ import annotations

import logging
import os
import sys

from durabletask.worker import ConcurrencyOptions, TaskHubGrpcWorker

from purview_mpe import Client, durable
from purview_mpe.emulator import Emulator

if __name__ == "__main__":
    engine, url, ca_file, name = sys.argv[1:]
    logging.disable(logging.WARNING)

    def connect() -> Client:
        credential = Emulator(empty=True).credential
        return Client(credential, endpoint=url, connection_verify=ca_file, user_agent=name)

    worker = TaskHubGrpcWorker(
        host_address=engine, concurrency_options=ConcurrencyOptions(maximum_thread_pool_workers=4)
    )
    durable.register_worker(worker, connect, only="activities")
    # What a worker cannot run, the engine must not give it.
    worker.use_work_item_filters()
    connect().close()  # imports what has to be imported
    worker.start()
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
    sys.stdin.read()
    os._exit(0)
