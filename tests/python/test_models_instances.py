"""What instances know of themselves; no database here."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pydantic
import pytest

from oxyde import Field, Model, configure, is_loaded, is_saved
from oxyde.exceptions import FieldError, NotLoadedError
from oxyde.models import _instance
from oxyde.models._values import prepare_for_write


class Parcel(Model):
    id: int | None = Field(default=None, db_pk=True)
    weight: int = Field(default=0, ge=0)
    marks: list[str] = []

    class Meta:
        is_table = True
        table_name = "instance_parcels"


class Checked(Model):
    model_config = pydantic.ConfigDict(validate_assignment=True)
    a: int = 0


def stored(loaded: frozenset[str] | None = None, **values: Any) -> Parcel:
    """An instance as a query would give it."""
    from oxyde._core import InstanceState

    parcel = Parcel(**values)
    _instance._write(parcel, InstanceState(True, loaded))
    return parcel


def dirty(instance: Any) -> frozenset[str]:
    state = _instance.state_of(instance)
    return frozenset() if state is None else state.dirty


def test_a_constructed_instance_is_not_saved_and_nothing_is_unloaded() -> None:
    parcel = Parcel(weight=1)
    assert not is_saved(parcel)
    assert is_loaded(parcel, "weight")
    with pytest.raises(FieldError, match=r"has no field 'wieght'; did you mean 'weight'\?"):
        is_loaded(parcel, "wieght")


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda p: p.model_copy(),
        lambda p: p.model_copy(deep=True),
        lambda p: pickle.loads(pickle.dumps(p)),
    ],
)
def test_copies_and_pickles_keep_the_state(copied: Any) -> None:
    parcel = stored(frozenset({"id", "weight"}), id=1)
    parcel.weight = 4
    again = copied(parcel)
    assert again == parcel
    assert is_saved(again)
    assert not is_loaded(again, "marks")
    assert dirty(again) == {"weight"}
    fresh = copied(Parcel(weight=2))
    assert not is_saved(fresh)
    assert dirty(fresh) == frozenset()


def test_the_state_is_not_part_of_dumps_equality_or_repr() -> None:
    assert stored(id=1) == Parcel(id=1)
    assert stored(id=1).model_dump() == {"id": 1, "weight": 0, "marks": []}
    assert repr(stored(id=1)) == "Parcel(id=1, weight=0, marks=[])"
    assert stored(id=1) != Parcel(id=2)
    with pytest.raises(TypeError):
        hash(Parcel())


def test_assigned_fields_are_validated_before_they_are_written() -> None:
    parcel = stored(id=1)
    parcel.weight = "7"  # type: ignore[assignment]
    assert parcel.weight == "7"
    assert dirty(parcel) == {"weight"}
    prepare_for_write(type(parcel), (parcel,))
    assert parcel.weight == 7
    assert dirty(parcel) == frozenset()
    assert is_saved(parcel)
    parcel.weight = -1
    with pytest.raises(pydantic.ValidationError, match="greater than or equal to 0"):
        prepare_for_write(type(parcel), (parcel,))


def test_assignment_to_an_unsaved_instance_counts_as_well() -> None:
    parcel = Parcel()
    parcel.weight = -1
    assert not is_saved(parcel)
    with pytest.raises(pydantic.ValidationError):
        prepare_for_write(type(parcel), (parcel,))


def test_a_copy_with_changes_counts_them_as_assigned() -> None:
    changed = stored(id=1).model_copy(update={"weight": -1})
    assert dirty(changed) == {"weight"}


def test_what_pydantic_validates_at_once_is_not_validated_again() -> None:
    checked = Checked()
    checked.a = "3"  # type: ignore[assignment]
    assert checked.a == 3
    assert dirty(checked) == frozenset()


def test_pydantic_s_own_rules_of_assignment_stand() -> None:
    with pytest.raises(ValueError, match="no field"):
        Parcel().nothing = 1  # type: ignore[attr-defined]


def test_a_field_that_was_left_out_reads_as_its_default_or_raises() -> None:
    parcel = stored(frozenset({"id"}), id=1)
    del parcel.__dict__["weight"]
    assert parcel.weight == 0
    configure(unloaded="raise")
    try:
        with pytest.raises(NotLoadedError, match=r"Parcel\.weight is not loaded.*refresh\(fields="):
            parcel.weight  # noqa: B018
    finally:
        configure(unloaded="empty")
    parcel.weight = 3
    assert is_loaded(parcel, "weight")
    with pytest.raises(AttributeError):
        parcel.nothing  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ValueError, match="maybe"):
        configure(unloaded="maybe")  # type: ignore[arg-type]


def test_construction_without_validation_leaves_missing_fields_missing() -> None:
    class Required(Model):
        a: int

    with pytest.raises(AttributeError):
        Required.model_construct().a  # noqa: B018


def test_private_attributes_and_post_init_work_as_in_pydantic() -> None:
    class Watched(Model):
        a: int
        _seen: int = pydantic.PrivateAttr(default=5)

        def model_post_init(self, context: Any) -> None:
            self._seen += self.a

    watched = Watched(a=1)
    assert watched._seen == 6
    assert copy.copy(watched)._seen == 6
    assert pickle.loads(pickle.dumps(stored(id=3))).id == 3


def test_several_bases_and_mixins_work() -> None:
    class Mixin(pydantic.BaseModel):
        extra: int = 1

    class Both(Parcel, Mixin):
        class Meta:
            is_table = True
            table_name = "both"

    both = Both()
    both.extra = 2
    assert dirty(both) == {"extra"}
    assert set(Both._db_meta.field_metadata) == {"id", "weight", "marks", "extra"}
