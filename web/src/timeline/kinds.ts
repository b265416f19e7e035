// What features declare about rows of the timeline, found by name.
import type { Component } from "vue";
import { declared, type Facts } from "../api/declared";
import type { Row } from "../api/types";
import { registry } from "../registry";
import PlainDiagnosis from "./diagnoses/Plain.vue";
import PlainFacts from "./facts/Plain.vue";
import PlainRow from "./rows/Plain.vue";

const rows = registry(import.meta.glob(["./rows/*.vue", "!./rows/Plain.vue"], { eager: true }));
const facts = registry(import.meta.glob(["./facts/*.vue", "!./facts/Plain.vue"], { eager: true }));
const diagnoses = registry(import.meta.glob(["./diagnoses/*.vue", "!./diagnoses/Plain.vue"], { eager: true }));

/** What shows a row's line. */
export const rowOf = (kind: string): Component => rows(kind) ?? PlainRow;

/** Stands before a row's line; a kind that the page does not know says so. */
export const signOf = (kind: string) => declared.rows[kind as keyof typeof declared.rows]?.sign ?? "?";

/** The facts that a row has, each with what shows them. */
export function factsOf(row: Row): { name: keyof Facts; component: Component; facts: Record<string, unknown> }[] {
  return Object.values(declared.facts).flatMap((one) => {
    const name = one.name as keyof Facts;
    const own = row[name];
    return own ? [{ name, component: facts(name) ?? PlainFacts, facts: own as Record<string, unknown> }] : [];
  });
}

/** The kind of diagnosis that a rule belongs to: the longest of the first parts that fit decides; none for a rule of nobody's. */
export function kindOfRule(rule: string) {
  let best: { length: number; kind: (typeof declared.diagnoses)[keyof typeof declared.diagnoses] } | undefined;
  for (const kind of Object.values(declared.diagnoses)) {
    for (const start of kind.rules) {
      if (`${rule}.`.startsWith(`${start}.`) && start.length > (best?.length ?? -1)) best = { length: start.length, kind };
    }
  }
  return best?.kind;
}

/** What shows a diagnosis's evidence. */
export const diagnosisOf = (rule: string): Component => diagnoses(kindOfRule(rule)?.name ?? "") ?? PlainDiagnosis;
