"""Every noun's picture: importing this module is enough to have them all registered."""

from __future__ import annotations

from purview_mpe._display import picture_assessment, picture_fleet
from purview_mpe._display.picture import scene

__all__ = ["MODULES", "scene"]

MODULES = (picture_assessment, picture_fleet)
