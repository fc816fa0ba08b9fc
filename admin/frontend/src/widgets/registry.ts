/** Which component is behind a widget's name. Functions, because lists hold widgets themselves. */

import type { Component } from "vue"
import ColorWidget from "./ColorWidget.vue"
import DateTimeWidget from "./DateTimeWidget.vue"
import DateWidget from "./DateWidget.vue"
import DurationWidget from "./DurationWidget.vue"
import FileWidget from "./FileWidget.vue"
import JsonWidget from "./JsonWidget.vue"
import ListWidget from "./ListWidget.vue"
import MarkdownWidget from "./MarkdownWidget.vue"
import MultiselectWidget from "./MultiselectWidget.vue"
import NestedWidget from "./NestedWidget.vue"
import NumberWidget from "./NumberWidget.vue"
import PasswordWidget from "./PasswordWidget.vue"
import RelationWidget from "./RelationWidget.vue"
import RelationsWidget from "./RelationsWidget.vue"
import type { WidgetName } from "./schema"
import SelectWidget from "./SelectWidget.vue"
import TextareaWidget from "./TextareaWidget.vue"
import TextWidget from "./TextWidget.vue"
import TimeWidget from "./TimeWidget.vue"
import ToggleWidget from "./ToggleWidget.vue"
import TristateWidget from "./TristateWidget.vue"

export const COMPONENTS: Record<WidgetName, () => Component> = {
  toggle: () => ToggleWidget,
  tristate: () => TristateWidget,
  number: () => NumberWidget,
  text: () => TextWidget,
  textarea: () => TextareaWidget,
  email: () => TextWidget,
  url: () => TextWidget,
  select: () => SelectWidget,
  password: () => PasswordWidget,
  color: () => ColorWidget,
  slug: () => TextWidget,
  markdown: () => MarkdownWidget,
  file: () => FileWidget,
  datetime: () => DateTimeWidget,
  date: () => DateWidget,
  time: () => TimeWidget,
  duration: () => DurationWidget,
  uuid: () => TextWidget,
  list: () => ListWidget,
  multiselect: () => MultiselectWidget,
  json: () => JsonWidget,
  nested: () => NestedWidget,
  relation: () => RelationWidget,
  relations: () => RelationsWidget,
}

/** Widgets of several inputs: a frame with a name stands for the label. */
export const GROUPS: ReadonlySet<WidgetName> = new Set([
  "tristate",
  "datetime",
  "list",
  "multiselect",
  "nested",
  "relations",
])

/** Widgets with an input for each part, which show the errors of their parts themselves. */
export const DEEP: ReadonlySet<WidgetName> = new Set(["list", "nested"])

/** Widgets whose empty state is a value apart from NULL, so that NULL needs a box of its own. */
export const TELL_NULL: ReadonlySet<WidgetName> = new Set([
  "text",
  "textarea",
  "email",
  "url",
  "slug",
  "markdown",
  "color",
  "password",
  "list",
  "multiselect",
  "nested",
])
