"""How the documentation site is built: `nox -s docs`, offline, warnings are errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import purview_mpe
from purview_mpe._model.spec import Noun

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

project = "purview-mpe"
author = "the purview-mpe contributors"
copyright = author  # noqa: A001 - Sphinx's name for it
release = version = purview_mpe.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples", "**.ipynb_checkpoints"]
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = "purview-mpe"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
# Contrast against furo's backgrounds: 6.3 to 1 and 8.1 to 1 at least.
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5cad", "color-brand-content": "#0b5cad"},
    "dark_css_variables": {"color-brand-primary": "#7ab8f5", "color-brand-content": "#7ab8f5"},
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"

myst_enable_extensions = ["colon_fence", "deflist"]
# Headings are linked to from pages and from error messages, so each gets an anchor: `errors.md#not-found`.
myst_heading_anchors = 3

# A name in single backticks is code; where the reference has it, it is a link as well.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False


def _without_machinery(_app: object, what: str, name: str, _obj: object, _skip: bool, _options: object) -> bool | None:
    """Leave out of a class what pydantic puts there."""
    return True if what == "class" and name.rpartition(".")[2].startswith(("model_", "copy")) else None


def _short_signature(
    _app: object, what: str, _name: str, obj: Any, _options: object, _signature: str | None, returns: str | None
) -> tuple[str, str | None] | None:
    """Values list their fields below with types and meaning: the line above them need not do it again."""
    if what != "class" or not issubclass(obj, Noun):
        return None
    if obj is not purview_mpe.Spec:
        return "", None
    fields = obj.model_fields.items()
    shown = (name if field.is_required() else f"{name}={_default(field)}" for name, field in fields)
    return f"(*, {', '.join(shown)})", returns


def _default(field: FieldInfo) -> str:
    return repr(field.get_default(call_default_factory=True))


def _no_type_before_colon(
    _app: object, what: str, _name: str, _obj: object, _options: object, lines: list[str]
) -> None:
    """Keep napoleon from reading "Base name: the name of …" as a field of the type "Base name"."""
    if what in {"attribute", "property"}:
        lines[:0] = ["..", ""]  # an empty comment: napoleon looks no further than the first line


# What pydantic is told beside the type is no news to a reader.
purview_mpe.Spec.__annotations__["groups"] = "tuple[str, ...] | None"


def setup(app: Any) -> None:
    """Hook into autodoc, ahead of napoleon where docstrings are concerned."""
    app.connect("autodoc-skip-member", _without_machinery)
    app.connect("autodoc-process-signature", _short_signature)
    app.connect("autodoc-process-docstring", _no_type_before_colon, priority=400)
