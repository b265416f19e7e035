// The cards of an account's page: one component for all, or one of their own found by name.
import type { Component } from "vue";
import { declared } from "../../api/declared";
import { registry } from "../../registry";
import Plain from "./Plain.vue";

const found = registry(import.meta.glob(["./*.vue", "!./Plain.vue"], { eager: true }));

export const cardOf = (name: string): Component => found(name) ?? Plain;

/** The cards of accounts of this kind. */
export const cardsOf = (kind: string) => Object.values(declared.cards).filter((one) => one.kinds.includes(kind));
