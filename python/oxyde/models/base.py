"""`Model`: a Pydantic model that can be a database table."""

from __future__ import annotations

import reprlib
import sys
import threading
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pydantic
from pydantic._internal import _model_construction
from pydantic.fields import FieldInfo
from typing_extensions import Self, dataclass_transform

from .. import _core
from . import _in_step, _instance
from ._finalize import complete_fields, finish, prepare, try_finish
from ._foreign_keys import add_steps, describe_ids
from ._meta import read_meta
from ._namespaces import Scope, caller_namespace, rebuild, scope_of
from .field import Field, OxydeFieldInfo
from .metadata import ModelMeta
from .registry import pending_models, register_table

if TYPE_CHECKING:
    from ..queries.manager import QueryManager

__all__ = ["Model"]


class _Building(threading.local):
    """Whether a class statement is under way in this thread: table classes then hide their columns.

    Pydantic looks for attributes of the same name in the bases, to warn about shadowing;
    a column expression is nothing that a field could shadow.
    """

    depth = 0


_building = _Building()


class _OwnManager:
    """Stands for `objects` in a class until it is first read."""

    __slots__ = ()

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        from ..queries.manager import QueryManager

        make: Any = QueryManager  # checkers take it for a query, which needs a model
        manager = make().bound_to(owner)
        type.__setattr__(owner, "objects", manager)
        return manager


class OwnPlan:
    """Stands for `__oxyde_plan__` in a class until it is first read."""

    __slots__ = ()

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        from ._plan import plan_of

        return plan_of(owner)


_INIT: Any = pydantic.BaseModel.__init__
# A version of Pydantic whose __init__ does more than the direct way does keeps its own.
_INIT_IS_KNOWN = {
    "__pydantic_validator__",
    "validate_python",
    "warnings",
    "warn",
    "version_short",
}.issuperset(_INIT.__code__.co_names)


def _make_directly(cls: Any) -> None:
    if cls.__init__ is _INIT and _INIT_IS_KNOWN:
        _core.use_direct_init(cls)


class _Replaced:
    """Stands for an instance whose validator returned something else: BaseModel.__init__ warns of it."""

    __slots__ = ()

    @property
    def __pydantic_validator__(self) -> _Replaced:
        return self

    def validate_python(self, data: Any, *, self_instance: Any) -> None:
        """What a validator returned instead."""


class _GivenFields(frozenset[str]):
    """The fields that were given to instances, shared until one of them reads its own: fields_set.c."""

    __slots__ = ()


def _construction_of(cls: Any) -> Any:
    from ._proof_construct import construction_of

    return construction_of(cls)


def _is_manager(value: Any) -> bool:
    # Before that module is imported there can be no manager.
    module = sys.modules.get("oxyde.queries.manager")
    return module is not None and isinstance(value, module.QueryManager)


def _inherited_managers(bases: Iterable[type[Any]]) -> dict[str, Any]:
    managers: dict[str, Any] = {}
    for base in reversed(tuple(bases)):
        managers.update(getattr(base, "__oxyde_managers__", {}))
    return managers


@dataclass_transform(kw_only_default=True, field_specifiers=(FieldInfo, Field, OxydeFieldInfo))
class ModelMetaclass(_model_construction.ModelMetaclass):
    """Makes model classes: reads `Meta`, binds managers, finishes and registers tables."""

    def __new__(
        mcs,
        cls_name: str,
        bases: tuple[type[Any], ...],
        namespace: dict[str, Any],
        **kwargs: Any,
    ) -> Any:
        if not any(isinstance(base, ModelMetaclass) for base in bases):
            return super().__new__(mcs, cls_name, bases, namespace, **kwargs)
        frame = sys._getframe(1)
        namespace.setdefault("__module__", frame.f_globals.get("__name__", "builtins"))
        meta_class = namespace.pop("Meta", None)
        meta = read_meta(cls_name, meta_class)
        managers = {name: namespace.pop(name) for name in list(namespace) if _is_manager(namespace[name])}
        managers = {
            **{n: m for n, m in _inherited_managers(bases).items() if n not in namespace},
            **managers,
        }
        scope: Scope | None = None
        if kwargs.get("__pydantic_reset_parent_namespace__", True):
            scope = scope_of(frame, namespace["__module__"])
            visible = scope.namespace()
            namespace["__pydantic_parent_namespace__"] = _model_construction.build_lenient_weakvaluedict(
                visible
            )
            kwargs["__pydantic_reset_parent_namespace__"] = False
        namespace["__oxyde_meta__"] = meta  # read while Pydantic builds the class
        _building.depth += 1
        try:
            cls = super().__new__(mcs, cls_name, bases, namespace, **kwargs)
        finally:
            _building.depth -= 1
        _make_directly(cls)
        _attach(cls, meta_class, meta, managers, scope)
        _complete(cls, meta)
        return cls

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> Any:
            """A column expression, on table classes, for the name of a field."""
            if not _building.depth:
                own = cls.__dict__
                columns = own.get("__oxyde_columns__")  # only table classes have it
                if columns is not None and name in own["__pydantic_fields__"]:
                    column = columns.get(name)
                    if column is None:
                        from ..queries.columns import column_of

                        column = columns[name] = column_of(cls, name)
                    return column
            return super().__getattr__(name)


_core.look_directly(ModelMetaclass)
_core.call_directly(ModelMetaclass)


def _attach(
    cls: type[Any], meta_class: Any, meta: ModelMeta, managers: Mapping[str, Any], scope: Scope | None
) -> None:
    """Gives a new class what is its own; nothing of it may be inherited."""
    own: dict[str, Any] = {
        "_db_meta": meta,
        "__oxyde_plan__": OwnPlan(),
        "__oxyde_columns__": {} if meta.is_table else None,
        "__oxyde_scope__": scope,
        "__oxyde_managers__": {name: manager.bound_to(cls) for name, manager in managers.items()},
    }
    if meta_class is not None:
        own["Meta"] = meta_class
    if "objects" not in managers:
        own["objects"] = _OwnManager()
    for name, value in {**own, **own["__oxyde_managers__"]}.items():
        type.__setattr__(cls, name, value)


def _complete(cls: Any, meta: ModelMeta) -> None:
    """The end of a class statement: this model, then those that waited for it."""
    if meta.is_table:
        finish(cls, everything=False)
        register_table(cls, overwrite=True)
    elif not meta.prepared:
        prepare(cls, everything=False)
    while True:
        # One that is finished may be what another one waits for.
        pending = pending_models()
        for model in pending:
            try_finish(model, {} if model is cls else _names_for(model, cls))
        if len(pending_models()) in (0, len(pending)):
            break


def _names_for(pending: type[Any], new: type[Any]) -> dict[str, Any]:
    """The new class under its name, where both stand in the same namespace."""
    same = pending.__module__ == new.__module__ and _place(pending) == _place(new)
    return {new.__name__: new} if same else {}


def _place(cls: type[Any]) -> str:
    return cls.__qualname__.rpartition(".")[0]


class Model(pydantic.BaseModel, metaclass=ModelMetaclass):
    """Base of all models.

    A subclass with `class Meta: is_table = True` is a table: `Depot.objects` queries it,
    `Depot.label` is a column expression, and instances have `save`, `delete` and `refresh`.
    A subclass without it is a plain Pydantic model, or a base for tables.
    """

    __slots__ = ("__oxyde_state__",)

    model_config = pydantic.ConfigDict(validate_by_name=True, validate_by_alias=True)

    if TYPE_CHECKING:
        objects: ClassVar[QueryManager[Self]]
        _db_meta: ClassVar[ModelMeta]
        __oxyde_meta__: ClassVar[ModelMeta]
        __oxyde_plan__: ClassVar[_core.Plan]

    # --- the class -----------------------------------------------------------------

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Completes the fields, once their annotations are resolved, before Pydantic reads them."""
        complete_fields(cls)
        schema = handler(source)
        add_steps(cls, handler.resolve_ref_schema(schema))
        return schema

    @classmethod
    def get_table_name(cls) -> str:
        """The table's name; also on models that are no tables."""
        return cls._db_meta.table_name

    @classmethod
    def schema_class(
        cls,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        optional: Iterable[str] | bool = (),
        relations: Mapping[str, type[pydantic.BaseModel] | Literal[True]] | None = None,
        name: str | None = None,
    ) -> type[pydantic.BaseModel]:
        """A Pydantic class with some of the model's fields, for requests and responses.

        `include` and `exclude` name fields, `optional` those that may be left out (True: all).
        Relations are in it only where `relations` says what stands for them:
        `relations={"depot": DepotOut}`; True stands for the other model's own schema class. The same
        arguments give the same class.
        """
        from ._schema_class import make_schema_class

        return make_schema_class(
            cls, include=include, exclude=exclude, optional=optional, relations=relations, name=name
        )

    @classmethod
    def model_rebuild(
        cls,
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: Mapping[str, Any] | None = None,
    ) -> bool | None:
        """As Pydantic's, and also looks for missing names among the registered tables."""
        if cls.__pydantic_complete__ and not force:
            return None
        names = _types_namespace
        if names is None:
            names = caller_namespace(_parent_namespace_depth - 1) if _parent_namespace_depth > 0 else {}
        missing = rebuild(cls, names, everything=True, force=force)
        if missing is None:
            return True
        if raise_errors:
            cls._rebuild_with(names, force)
        return False

    @classmethod
    def _rebuild_with(cls, names: Mapping[str, Any], force: bool) -> bool | None:
        """Pydantic's rebuild with these further names."""
        return super().model_rebuild(force=force, raise_errors=True, _types_namespace=names)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> Any:
        """As Pydantic's, with the ids of foreign keys as they are without a related instance."""
        schema = handler(core_schema)
        if cls.__oxyde_meta__.foreign_keys:
            describe_ids(cls, handler.resolve_ref_schema(schema))
        return schema

    # --- hooks ------------------------------------------------------------------------

    async def pre_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        """Called before an instance is written; an exception prevents the statement."""

    async def post_save(self, *, is_create: bool, update_fields: set[str] | None = None) -> None:
        """Called after an instance was written."""

    async def pre_delete(self) -> None:
        """Called before an instance is deleted; an exception prevents the statement."""

    async def post_delete(self) -> None:
        """Called after an instance was deleted, also when there was no row."""

    # --- one row -----------------------------------------------------------------------

    async def save(
        self,
        *,
        update_fields: Iterable[str] | None = None,
        force_insert: bool = False,
        force_update: bool = False,
        client: Any = None,
        using: str | None = None,
    ) -> Self:
        """Writes the instance: INSERT or UPDATE, as its key and history say.

        `update_fields` limits an UPDATE to these fields. Afterwards the fields hold what
        the database stored.
        """
        await _instance.save(
            self,
            update_fields=update_fields,
            force_insert=force_insert,
            force_update=force_update,
            client=client,
            using=using,
        )
        return self

    async def delete(self, *, client: Any = None, using: str | None = None) -> int:
        """Deletes the row of the instance; the number of rows deleted. Fields stay as they are."""
        return await _instance.delete(self, client=client, using=using)

    async def refresh(
        self, fields: Iterable[str] | None = None, *, client: Any = None, using: str | None = None
    ) -> Self:
        """Reads the instance's row again: all fields, or the named ones."""
        await _instance.refresh(self, fields, client=client, using=using)
        return self

    # --- state -------------------------------------------------------------------------

    @reprlib.recursive_repr("...")
    def __repr__(self) -> str:
        """As Pydantic's, with an end where related instances refer to each other."""
        return super().__repr__()

    def __setattr__(self, name: str, value: Any) -> None:
        cls = type(self)
        if name in cls.__oxyde_meta__.linked:
            _in_step.assign(self, name, value, super().__setattr__)
            return
        super().__setattr__(name, value)
        if name in cls.__pydantic_fields__:
            _instance.mark_assigned(self, name)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            cls = type(self)
            if name in cls.__pydantic_fields__:
                if cls.__oxyde_meta__.is_relation(name):
                    return _in_step.unloaded_relation(self, name)
                if not _instance.is_loaded(self, name):
                    return _instance.value_of_unloaded(self, name)
            return super().__getattr__(name)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As Pydantic's; the copy stands for the same row, and what `update` holds counts as assigned."""
        copied = super().model_copy(update=update, deep=deep)
        linked = type(self).__oxyde_meta__.linked
        for name in update or ():
            if name in type(self).__pydantic_fields__ and (name not in linked or linked[name]):
                _instance.mark_assigned(copied, name)
        if update and linked:
            _in_step.copied_with(copied, update)
        return copied

    def __copy__(self) -> Self:
        return _instance.with_state_of(super().__copy__(), self)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return _instance.with_state_of(super().__deepcopy__(memo), self)

    def __getstate__(self) -> dict[Any, Any]:
        return {**super().__getstate__(), "__oxyde_state__": _instance.dump_state(self)}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        _instance.load_state(self, state.get("__oxyde_state__"))


type.__setattr__(Model, "__oxyde_meta__", ModelMeta())
_instance.use_slot(vars(Model)["__oxyde_state__"])
# Loaded instances make their set of fields on first use; see fields_set.c.
type.__setattr__(
    Model,
    "__pydantic_fields_set__",
    _core.lazy_fields_set(vars(pydantic.BaseModel)["__pydantic_fields_set__"]),
)
_core.use_hooks(Model.pre_save, Model.post_save, Model.pre_delete, Model.post_delete)
# Plain calls are the engine's; Pydantic would take it for a field in the class statement.
type.__setattr__(Model, "delete", _core.terminal(Model.delete, what=_core.DO_DELETE, sink=_core.SINK_DELETED))
# Rows that lead nowhere are left out by the collector until somebody asks for their __dict__; see leaf.c.
_core.watch_dict(Model)
_core.allow_direct_init(Model, partial(_INIT, _Replaced()), _construction_of, _GivenFields)
