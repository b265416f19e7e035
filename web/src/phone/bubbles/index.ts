// One component a kind of bubble, found by name; those in `wide/` fill the chat and stand without a face beside them.
import type { Component } from "vue";
import { registry } from "../../registry";
import Plain from "./Plain.vue";

const beside = registry(import.meta.glob(["./*.vue", "!./Plain.vue"], { eager: true }));
const wide = registry(import.meta.glob("./wide/*.vue", { eager: true }));

/** What shows a kind of bubble; one that the page does not know is shown by its fields. */
export function bubbleOf(kind: string): { component: Component; wide: boolean } {
  const filling = wide(kind);
  return filling ? { component: filling, wide: true } : { component: beside(kind) ?? Plain, wide: false };
}
