"""What each step imports, and that threads can import at the same time."""

from __future__ import annotations

import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.processes import in_a_fresh_process

HEAVY = ("azure", "pydantic", "requests", "aiohttp", "tenacity", "msal", "urllib3", "asyncio", "typing_extensions")


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Serverless functions pay for imports at every cold start: importing the package loads no SDK and no pydantic."""
    loaded = in_a_fresh_process("import sys, purview_mpe; print(*sys.modules)").split()
    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []
    assert len([name for name in loaded if name.startswith("purview_mpe")]) == 2


def test_importing_public_names_loads_no_sdk() -> None:
    """Client, Plan, Retry, Spec and aio can be imported without loading Azure's packages."""
    loaded = in_a_fresh_process(
        """
        import sys
        from purview_mpe import Client, Plan, Retry, Spec, aio
        print(*sys.modules)
        """
    ).split()
    assert [name for name in loaded if name.partition(".")[0] in {"azure", "requests", "aiohttp", "msal"}] == []


#: Programs that use the library in different ways.
USES = {
    "Client": """
        from purview_mpe import Client, Spec
        from purview_mpe.emulator import Emulator
        emulator = Emulator()
        spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
        with Client(emulator.credential, transport=emulator.transport()) as client:
            client.create_all(spec, approve=True).raise_for_failures()
    """,
    "aio.Client": """
        import asyncio
        from purview_mpe import Spec, aio
        from purview_mpe.emulator import Emulator
        emulator = Emulator()
        spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
        async def main():
            async with aio.Client(emulator.async_credential, transport=emulator.async_transport()) as client:
                (await client.create_all(spec, approve=True)).raise_for_failures()
        asyncio.run(main())
    """,
    "Client()": "from purview_mpe import Client; Client().close()",
    "notebook": "import purview_mpe.notebook",
    "durable": "from purview_mpe.durable import *",
    "the command's function": "from purview_mpe._cli.main import main; assert main(['demo', '-o', 'json']) == 0",
}


@pytest.mark.parametrize(
    ("use", "before"),
    [
        *((use, "pass") for use in USES),
        *(("Client()", before) for before in ("gc.disable()", "gc.freeze()", "gc.set_threshold(50_000, 5, 5)")),
    ],
)
def test_library_leaves_the_garbage_collector_as_it_was(use: str, before: str) -> None:
    """The collector stays as the program set it: on or off, with the same thresholds and frozen objects."""
    code = textwrap.dedent(
        """
        import gc
        {before}
        was = gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()
        {use}
        now = gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()
        # Frozen objects of the host's may have died meanwhile.
        print(now[:2] == was[:2] and now[2] <= was[2] or (was, now))
        """
    ).format(before=before, use=textwrap.dedent(USES[use]))
    assert in_a_fresh_process(code).splitlines()[-1] == "True"


def test_reference_cycles_of_the_program_are_freed() -> None:
    """Objects that a program made before it imported the library are still collected."""
    printed = in_a_fresh_process(
        """
        import gc, weakref
        class Session: pass
        session = Session()
        session.itself = session
        alive = weakref.ref(session)
        import purview_mpe
        purview_mpe.Client().close()
        del session
        gc.collect()
        print(alive())
        """
    )
    assert printed.split() == ["None"]


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_plan_loads_only_the_clients_that_it_needs(colour: str) -> None:
    """With nothing to create, the clients of Storage and Event Hubs are not loaded."""
    loaded = in_a_fresh_process(
        f"""
        import asyncio, sys
        from purview_mpe import Client, Spec, aio
        from purview_mpe.emulator import Emulator
        emulator = Emulator()
        spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
        for group, target in emulator.targets(emulator.account).items():
            emulator.add_endpoint(emulator.factory, f"purview-{{group}}", target, group)
        if {colour!r} == "sync":
            with Client(emulator.credential, transport=emulator.transport()) as client:
                client.create_all(spec)
        else:
            async def main():
                async with aio.Client(emulator.async_credential, transport=emulator.async_transport()) as client:
                    await client.create_all(spec)
            asyncio.run(main())
        print(*sys.modules)
        """
    ).split()
    assert "azure.mgmt.datafactory" in loaded
    assert [
        name for name in loaded if name.startswith(("azure.mgmt.storage", "azure.mgmt.eventhub", "azure.identity"))
    ] == []
    assert "aiohttp" not in loaded or colour == "async"


def test_eight_threads_can_make_their_first_clients_at_once() -> None:
    """In 20 fresh processes, 8 threads import the library, make a client and use it at once without an import error."""
    code = """
        import threading
        from purview_mpe.emulator import Emulator
        emulator = Emulator()
        barrier, failures = threading.Barrier(8), []

        def work(number):
            try:
                barrier.wait()
                if number % 2:
                    from purview_mpe import Client, Spec
                else:
                    import purview_mpe
                    Client, Spec = purview_mpe.Client, purview_mpe.Spec
                spec = Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview")
                with Client(emulator.credential, transport=emulator.transport()) as client:
                    client.plan(spec)
                    client.status(spec)
            except BaseException as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(failures)
    """
    with ThreadPoolExecutor(2) as pool:
        printed = list(pool.map(lambda _: in_a_fresh_process(code), range(20)))
    assert printed == ["[]\n"] * 20


def test_eight_threads_can_make_clients_with_default_credential_and_transport() -> None:
    """The same with the default credential and transport, for the sync and async client."""
    code = """
        import threading
        import purview_mpe
        from purview_mpe import aio
        barrier, failures = threading.Barrier(8), []

        def work(number):
            try:
                barrier.wait()
                Client = aio.Client if number % 2 else purview_mpe.Client
                client = Client(cloud="china" if number % 3 else "public")
                if not number % 2:
                    client.close()
            except BaseException as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(failures)
    """
    assert [in_a_fresh_process(code, warnings="default") for _ in range(3)] == ["[]\n"] * 3
