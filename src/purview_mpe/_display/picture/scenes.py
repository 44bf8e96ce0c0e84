"""The pictures of all nouns: importing this module registers them."""

from __future__ import annotations

from purview_mpe._display.picture import checkup as picture_assessment
from purview_mpe._display.picture import fleets as picture_fleet
from purview_mpe._display.picture.scene import scene

__all__ = ["MODULES", "scene"]

MODULES = (picture_assessment, picture_fleet)
