// How a row's state looks, what is said of it, and how its time is written.
import { declared } from "../api/declared";
import type { Row, Said } from "../api/types";

const TONES: Record<Row["state"], string> = { pending: "info", ok: "ok", warn: "warn", error: "bad" };

/** A green row must not lie: nothing but the schema stands behind this answer. */
export const isHollow = (row: Row) => row.state === "ok" && row.call?.fidelity === "fallback";

export const toneOf = (row: Row) => (isHollow(row) ? "warn" : TONES[row.state]);

const fidelity = declared.facts.call.fields.find((field) => field.name === "fidelity");

/** One word for a row's state. */
export function labelOf(row: Row): Said {
  const holds = isHollow(row) && typeof fidelity?.holds === "object" && "choice" in fidelity.holds ? fidelity.holds.choice : [];
  return holds.find((one) => one.word === "fallback")?.title ?? row.label;
}

export const took = (ms: number | undefined) =>
  ms === undefined ? "" : ms < 1 ? "<1 ms" : `${ms.toLocaleString("en-US", { maximumFractionDigits: ms < 10 ? 1 : 0 })} ms`;

/** How long the platform waits for an app. */
const PATIENCE = 5;

/** How many seconds an app still has to answer a push; none where nothing is waited for, or longer than usual. */
export function secondsLeft(row: Row, now: number): number | undefined {
  if (row.state !== "pending" || !row.callback) return undefined;
  const left = PATIENCE - Math.floor((now - row.wall_ms) / 1000);
  return left >= 0 && left <= PATIENCE ? left : undefined;
}

const CIRCLED = ["①", "②", "③", "④", "⑤", "⑥", "⑦", "⑧", "⑨"];
/** ①②③: the tries that were made. */
export const circled = (many: number) => (many <= 3 ? CIRCLED.slice(0, many).join("") : `①…${CIRCLED[many - 1] ?? many}`);
