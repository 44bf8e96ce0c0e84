"""Foreign private endpoints that imitate the factory's own."""

from __future__ import annotations

from tests.support.nouns import ALL_NAMES

OWN_WORDS = "Requested by DataFactory:df1, Name:{name}"


def imitations(name: str) -> list[str]:
    """Names of private endpoints that imitate that of the endpoint `name`; the first one is identical."""
    return [
        f"df1.{name}",
        f"df1.{name}".upper(),
        f"df1.{name}_2",
        f"df1.{name[:-1]}",
        f"x-df1.{name}",
        f"df12.{name}",
        f"DF2.{name}",
        f"df1-{name}",
        f"df1.{name}.df1.{name}",
        *(f"df1.{sibling}" for sibling in ALL_NAMES if sibling != name),
        name,
        "pe-jumpbox",
    ]
