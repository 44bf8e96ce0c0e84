"""How the documentation site is built: `nox -s docs`, offline, warnings are errors."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from sphinx.pycode import ModuleAnalyzer

import purview_mpe
from purview_mpe._model.spec import Noun

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

project = "purview-mpe"
author = "the purview-mpe contributors"
copyright = author  # noqa: A001 - Sphinx's name for it
release = version = purview_mpe.__version__

extensions = ["myst_nb", "sphinx_copybutton", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples", "**.ipynb_checkpoints"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
# The notebook is kept with the outputs of a run, which a test compares.
nb_execution_mode = "off"

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

# A copied command has no prompt, and a copied example no output.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_line_continuation_character = "\\"

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


def _fields_once(_app: object, what: str, name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """The docstring of a spec lists its fields for editors; the page shows each with its type below."""
    if what == "class" and name == "purview_mpe.Spec":
        begins = lines.index("Args:")
        del lines[begins : lines.index("", begins) + 1]


def _name_the_defining_modules() -> None:
    """Autodoc reads the texts below fields from the file of the module that a class names; users see the public one.

    It shows type hints as text where they are text, so they get back what the file says.
    """
    packages = (purview_mpe, purview_mpe.durable, purview_mpe.emulator)
    public = [getattr(package, name) for package in packages for name in package.__all__]
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith("purview_mpe.")]
    for thing in filter(inspect.isclass, public):
        knowing = [module for module in modules if vars(module).get(thing.__name__) is thing]
        [home] = [module for module in knowing if f"\nclass {thing.__name__}" in inspect.getsource(module)]
        thing.__module__ = home.__name__
        written = ModuleAnalyzer.for_module(home.__name__)
        written.analyze()
        hints = {name: hint for (place, name), hint in written.annotations.items() if place == thing.__name__}
        thing.__annotations__ = {name: hints.get(name, hint) for name, hint in inspect.get_annotations(thing).items()}


_name_the_defining_modules()

# The types without what only pydantic needs.
purview_mpe.Spec.__annotations__["groups"] = "tuple[str, ...] | None"


def setup(app: Any) -> None:
    """Hook into autodoc, ahead of napoleon where docstrings are concerned."""
    app.connect("autodoc-skip-member", _without_machinery)
    app.connect("autodoc-process-signature", _short_signature)
    app.connect("autodoc-process-docstring", _fields_once, priority=300)
    app.connect("autodoc-process-docstring", _no_type_before_colon, priority=400)
