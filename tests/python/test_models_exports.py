"""The public names, no more and no fewer."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import oxyde

MODELS = {
    "Check",
    "Field",
    "Index",
    "Model",
    "OxydeFieldInfo",
    "RelatedManager",
    "clear_registry",
    "is_loaded",
    "is_saved",
    "iter_tables",
    "register_table",
    "registered_tables",
    "related",
    "unregister_table",
}
OXYDE = {
    "Check",
    "Field",
    "Index",
    "Model",
    "__version__",
    "configure",
    "is_loaded",
    "is_saved",
    "related",
    "db",
    "AsyncDatabase",
    "PoolSettings",
    "atomic",
    "create_tables",
    "disconnect_all",
    "drop_tables",
    "execute_raw",
    "fetch_as",
    "get_connection",
    "register_connection",
    *(
        "Avg",
        "Case",
        "Cast",
        "Coalesce",
        "Concat",
        "Count",
        "Excluded",
        "Exists",
        "F",
        "Max",
        "Min",
        "OuterRef",
        "Prefetch",
    ),
    *("Q", "Query", "QueryManager", "RawSQL", "Subquery", "Sum", "Value", "When", "Window", "col"),
}


def test_the_package_exports_its_public_names() -> None:
    from oxyde import exceptions

    assert set(oxyde.__all__) == OXYDE | set(exceptions.__all__)
    assert oxyde.__all__ == sorted(oxyde.__all__)
    for name in oxyde.__all__:
        assert getattr(oxyde, name) is not None
    assert set(oxyde.__all__) <= set(dir(oxyde))
    with pytest.raises(AttributeError, match="nothing"):
        oxyde.nothing  # noqa: B018


def test_the_models_package_exports_its_public_names() -> None:
    models = importlib.import_module("oxyde.models")
    assert set(models.__all__) == MODELS
    for name in sorted(MODELS):
        assert getattr(models, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        models.nothing  # noqa: B018
    for module, names in {
        "base": ["Model"],
        "field": ["Field", "OxydeFieldInfo"],
        "decorators": ["Check", "Index"],
        "metadata": ["ColumnMeta", "ForeignKeyInfo", "ModelMeta", "RelationInfo"],
        "registry": [
            "assert_no_pending_models",
            "clear_registry",
            "finalize_pending",
            "iter_tables",
            "register_table",
            "registered_tables",
            "unregister_table",
        ],
    }.items():
        assert importlib.import_module(f"oxyde.models.{module}").__all__ == names


@pytest.mark.parametrize("module", ["oxyde", "oxyde.models"])
def test_the_old_name_of_model_warns(module: str) -> None:
    package = importlib.import_module(module)
    with pytest.warns(DeprecationWarning, match=rf"{module}\.OxydeModel.*{module}\.Model"):
        assert package.OxydeModel is oxyde.Model
    with pytest.raises(ImportError):
        from oxyde.models.base import OxydeModel  # noqa: F401


def test_importing_the_package_loads_nothing_that_takes_time() -> None:
    code = "import sys, oxyde; print([m for m in sys.modules if m.startswith(('oxyde.', 'pydantic.'))])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "['oxyde._core', 'oxyde.exceptions', 'oxyde._binding', 'oxyde._version']"
