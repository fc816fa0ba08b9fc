"""Arguments of a panel, its check, and stubs of frameworks that are not installed (contract, 1 and 2)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import depots
import pytest

import oxyde_admin
from oxyde import AsyncDatabase, execute_raw
from oxyde_admin import FastAPIAdmin, ModelAuth, Preset, PrimaryColor, Surface
from oxyde_admin.site import AdminSite

NewPanel = Callable[..., AdminSite]


def test_all_names_are_there() -> None:
    for name in oxyde_admin.__all__:
        assert getattr(oxyde_admin, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        oxyde_admin.nonsense  # noqa: B018


def test_defaults() -> None:
    settings = AdminSite().settings
    assert (settings.title, settings.prefix, settings.per_page) == ("Oxyde Admin", "/admin", 100)
    assert (settings.preset, settings.primary_color, settings.surface) == (
        Preset.AURA,
        PrimaryColor.SKY,
        Surface.SLATE,
    )
    assert settings.login_limit == (5, 300)


def test_themes_are_members_or_their_values() -> None:
    settings = AdminSite(preset="Nora", primary_color=PrimaryColor.ROSE, surface="viva").settings
    assert (settings.preset, settings.primary_color, settings.surface) == (
        Preset.NORA,
        PrimaryColor.ROSE,
        Surface.VIVA,
    )
    for wrong in ({"preset": "aura"}, {"primary_color": "pink "}, {"surface": None}):
        with pytest.raises(ValueError, match="must be one of"):
            AdminSite(**wrong)


@pytest.mark.parametrize("name", ["per_page", "export_chunk_size", "max_export_rows"])
def test_sizes_are_floored_at_one(name: str) -> None:
    assert getattr(AdminSite(**{name: 0}).settings, name) == 1
    assert getattr(AdminSite(**{name: -5}).settings, name) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"permissions": "closed"},
        {"store": "redis"},
        {"cookie_secure": "yes"},
        {"login_limit": (0, 300)},
        {"trusted_proxies": -1},
        {"trusted_origins": "https://x.test"},
        {"query_timeout": 0},
    ],
    ids=repr,
)
def test_unusable_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        AdminSite(**wrong)


def test_unknown_arguments_and_positions() -> None:
    with pytest.raises(TypeError, match="colour"):
        AdminSite(colour="red")
    with pytest.raises(TypeError):
        AdminSite("/admin", "A title")  # type: ignore[call-arg, misc]
    assert AdminSite("back/office/").settings.prefix == "/back/office"
    assert AdminSite("/").settings.prefix == ""


def test_the_older_hook_warns_where_the_panel_is_made() -> None:
    with pytest.warns(DeprecationWarning, match="auth_provider") as warned:
        FastAPIAdmin(auth_check=lambda request: True)
    assert warned[0].filename == __file__


def test_the_application_is_made_once_and_models_may_come_later() -> None:
    panel = FastAPIAdmin()
    assert panel.app is panel.app
    panel.register(depots.Depot)
    assert list(panel.models) == [depots.Depot]


@pytest.mark.parametrize("name", ["SanicAdmin", "QuartAdmin", "FalconAdmin"])
def test_panels_of_frameworks_without_mounts_run_alone_too(name: str) -> None:
    first, second = getattr(oxyde_admin, name)(), getattr(oxyde_admin, name)()
    assert first.app is first.app
    assert first.app is not second.app


@pytest.mark.parametrize("name", ["FastAPIAdmin", "LitestarAdmin", "SanicAdmin", "QuartAdmin", "FalconAdmin"])
def test_a_framework_that_is_missing_is_named(name: str) -> None:
    package = name.removesuffix("Admin").lower()
    program = f"""
import sys
sys.modules[{package!r}] = None
import oxyde_admin
try:
    oxyde_admin.{name}(title="x")
except ImportError as error:
    print(error)
"""
    # None in sys.modules is how Python itself says that a module is not to be found.
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == f"{name} needs {package}: pip install {package}"


def test_importing_the_panel_imports_no_framework() -> None:
    program = (
        "import sys, oxyde_admin, oxyde_admin.site, oxyde_admin.models, oxyde_admin.api\n"
        "oxyde_admin.api.routes()\n"
        "print({'fastapi', 'starlette', 'litestar', 'sanic', 'quart', 'falcon', 'flask'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


# --- check --------------------------------------------------------------------------------------


async def test_a_sound_panel_has_no_problems(database: AsyncDatabase, new_panel: NewPanel) -> None:
    assert await new_panel(auth_provider=ModelAuth(depots.Account)).check() == []


async def test_missing_tables_and_an_open_panel_are_problems(
    database: AsyncDatabase, new_panel: NewPanel
) -> None:
    await execute_raw("DROP TABLE readings")
    found = await new_panel(audit=True, store="database").check()
    assert "The panel admits everybody: give it an auth_provider." in found
    missing = [problem for problem in found if "cannot be read" in problem]
    assert [problem.partition(":")[0] for problem in missing] == [
        "Reading",
        "AdminLogEntry",
        "AdminSession",
        "AdminThrottle",
    ]
