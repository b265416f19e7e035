// One component a sheet of the phone, found by name.
import type { Component } from "vue";
import { declared } from "../../api/declared";
import type { Sheets } from "../../api/declared";
import { registry } from "../../registry";
import Plain from "./Plain.vue";

const found = registry(import.meta.glob(["./*.vue", "!./Plain.vue"], { eager: true }));

/** What shows a sheet; one that has no component shows what it was opened with. */
export const sheetOf = (name: string): Component => found(name) ?? Plain;

/** The sheets that people open from the tray in chats of this kind of account. */
export const inTray = (kind: string) =>
  Object.values(declared.sheets).filter((one) => one.tray && (!one.kinds.length || one.kinds.includes(kind)));

/** An open sheet and what it was opened with. */
export type Open = { [Name in keyof Sheets]: { name: Name; with: Sheets[Name] } }[keyof Sheets];
