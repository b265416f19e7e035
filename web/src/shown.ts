// Values as people read them, by what their field is declared to hold. Pure but for the language.
import type { Field, Holds } from "./api/types";
import { say } from "./i18n";
import { hhmmss, yearMonthDay } from "./time";

export interface Shown {
  name: string;
  title: string;
  text: string;
}

function bare(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function listed(fields: Field[], value: unknown): string {
  if (!Array.isArray(value)) return bare(value);
  const one = (item: Record<string, unknown>) => fields.map((field) => shown(field.holds, item[field.name])).filter(Boolean).join(" ");
  return value.map((item) => (item && typeof item === "object" ? one(item as Record<string, unknown>) : bare(item))).join("\n");
}

/** A value as text; empty where there is none. */
export function shown(holds: Holds, value: unknown): string {
  if (value === null || value === undefined || value === "") return "";
  if (typeof holds === "object") {
    if ("list" in holds) return listed(holds.list, value);
    const known = holds.choice.find((one) => one.word === value);
    return known ? say(known.title) : bare(value);
  }
  if (holds === "time" && typeof value === "number") return `${yearMonthDay(value)} ${hhmmss(value)}`;
  if (holds === "money" && typeof value === "number") return `¥${(value / 100).toFixed(2)}`;
  if (holds === "flag") return value === true ? "✓" : "–";
  return bare(value);
}

/** What of an object there is to show, in the order of its declaration. */
export function shownFields(fields: Field[], object: Record<string, unknown>): Shown[] {
  return fields
    .map((field) => ({ name: field.name, title: say(field.title), text: shown(field.holds, object[field.name]) }))
    .filter((one) => one.text !== "");
}

/** The fields of something that nobody declared, by their own names. */
export function bareFields(object: Record<string, unknown>, without: string[]): Shown[] {
  return Object.entries(object)
    .map(([name, value]) => ({ name, title: name, text: bare(value) }))
    .filter((one) => one.text !== "" && !without.includes(one.name));
}
