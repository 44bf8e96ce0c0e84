"""What is imported when, and that threads may do it together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.processes import in_a_fresh_process

HEAVY = ("azure", "pydantic", "requests", "aiohttp", "tenacity", "msal", "urllib3", "asyncio", "typing_extensions")


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Serverless functions pay for imports at every cold start: neither SDK nor pydantic comes with the name."""
    loaded = in_a_fresh_process("import sys, purview_mpe; print(*sys.modules)").split()
    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []
    assert len([name for name in loaded if name.startswith("purview_mpe")]) == 2


def test_naming_things_loads_no_sdk() -> None:
    """Specs can be made and checked without any of Azure's packages."""
    loaded = in_a_fresh_process(
        """
        import sys
        from purview_mpe import Client, Plan, Retry, Spec, aio
        print(*sys.modules)
        """
    ).split()
    assert [name for name in loaded if name.partition(".")[0] in {"azure", "requests", "aiohttp", "msal"}] == []


def test_command_line_freezes_what_it_imported() -> None:
    """A process of the command line's own looks through nothing that stays to its end anyway."""
    printed = in_a_fresh_process(
        """
        import gc, io, sys
        from purview_mpe._cli.main import main
        sys.argv, sys.stderr = ["purview-mpe", "demo"], io.StringIO()
        main()
        print("frozen", gc.isenabled(), gc.get_freeze_count() > 10_000)
        """
    )
    assert printed.splitlines()[-1] == "frozen True True"


@pytest.mark.parametrize(
    "use",
    [
        "import purview_mpe; purview_mpe.Client",
        "from purview_mpe import Client; Client()",
        "from purview_mpe import aio; aio.Client()",
        "import io, sys; sys.stderr = io.StringIO(); from purview_mpe._cli.main import main; main(['demo'])",
    ],
    ids=["import", "client", "async client", "main(argv)"],
)
def test_application_can_free_what_it_had_before(use: str) -> None:
    """A library's import leaves the application's objects to the collector, however new the process is."""
    printed = in_a_fresh_process(
        f"""
        import gc, sys, weakref
        class Session:
            def __init__(self):
                self.me = self
        sessions = [Session() for _ in range(100)]
        alive = weakref.WeakSet(sessions)
        {use}
        sessions.clear()
        gc.collect()
        print("left", len(alive), gc.get_freeze_count())
        """,
        warnings="default",
    )
    assert printed.splitlines()[-1] == "left 0 0"


@pytest.mark.parametrize(
    "before",
    ["[gc.collect() for _ in range(3)]", "gc.disable()", "gc.freeze()"],
    ids=["it has worked", "its collector is off", "it froze objects itself"],
)
def test_any_other_process_keeps_its_collector(before: str) -> None:
    """What a process has set stays, and what it has made is not kept from being collected."""
    printed = in_a_fresh_process(
        f"""
        import gc
        {before}
        was = gc.isenabled(), gc.get_freeze_count()
        from purview_mpe import Client
        now = gc.isenabled(), gc.get_freeze_count()
        print(now[0] is was[0], now[1] <= was[1])
        """
    )
    assert printed.split() == ["True", "True"]


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_plan_loads_only_the_clients_that_it_needs(colour: str) -> None:
    """Storage and Event Hubs are asked whether they have room; with nothing to create they are not loaded."""
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


def test_eight_threads_may_make_their_first_clients_together() -> None:
    """20 fresh processes, in each 8 threads that import, make a client and use it at once: no import error."""
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


def test_eight_threads_may_make_clients_with_everything_of_our_own() -> None:
    """The same without anything given: default credential and transport, of both colours."""
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
