// Rows of the timeline: kept bounded, grouped by cause, filtered. Pure; the store owns the reactive side.
import type { Row, RowState } from "../api/types";
import { sideOf } from "./sides";

/** How many rows the page keeps; the oldest go first. */
export const KEPT = 10_000;

export interface Filter {
  kind: "all" | "callback" | "call" | "error";
  account: string;
  user: string;
  text: string;
}

export const everything: Filter = { kind: "all", account: "", user: "", text: "" };

export interface Heading {
  type: "heading";
  key: string;
  cause: string;
  time: number;
  /** The act that began it; none for what the application did by itself. */
  act: Row | null;
  first: Row;
  /** Rows below it, so that a folded heading can say how many. */
  count: number;
  worst: RowState;
}

export interface Entry {
  type: "row";
  key: string;
  /** Of several tries the last. */
  row: Row;
  /** Every try of the same push, in order. */
  tries: Row[];
}

export type Line = Heading | Entry;

const order: Record<RowState, number> = { ok: 0, pending: 1, warn: 2, error: 3 };

/** Keeps rows by id in the order of their first appearance. */
export class RowBook {
  private byId = new Map<string, Row>();

  get size(): number {
    return this.byId.size;
  }

  get(id: string): Row | undefined {
    return this.byId.get(id);
  }

  put(row: Row): void {
    this.byId.set(row.id, row);
    while (this.byId.size > KEPT) {
      const oldest = this.byId.keys().next().value;
      if (oldest === undefined) break;
      this.byId.delete(oldest);
    }
  }

  /** A list fetched after the stream began: rows that the stream brought are newer and win. */
  replace(snapshot: Row[], streamed: Set<string>): void {
    const fresh = new Map<string, Row>();
    for (const row of snapshot) fresh.set(row.id, streamed.has(row.id) ? (this.byId.get(row.id) ?? row) : row);
    for (const id of streamed) {
      const row = this.byId.get(id);
      if (row && !fresh.has(id)) fresh.set(id, row);
    }
    this.byId = fresh;
  }

  values(): Row[] {
    return [...this.byId.values()];
  }
}

const haystacks = new WeakMap<Row, string>();

function haystack(row: Row): string {
  const known = haystacks.get(row);
  if (known !== undefined) return known;
  const made = [
    row.title.zh,
    row.title.en,
    row.subtitle.zh,
    row.subtitle.en,
    row.label.zh,
    row.label.en,
    row.diagnosis?.rule,
    row.call?.path,
    row.call?.endpoint,
    row.callback?.event,
    row.callback?.msg_id,
    row.openid,
    row.plain?.request,
    row.plain?.response,
    row.response?.body,
  ]
    .join("\n")
    .toLowerCase();
  haystacks.set(row, made);
  return made;
}

export function matches(row: Row, filter: Filter): boolean {
  const side = sideOf(row);
  if (filter.kind === "callback" && side !== "push" && side !== "answer") return false;
  if (filter.kind === "call" && side !== "call") return false;
  if (filter.kind === "error" && row.state !== "error" && row.state !== "warn") return false;
  if (filter.account && row.account !== filter.account) return false;
  if (filter.user && row.user !== filter.user) return false;
  return !filter.text || haystack(row).includes(filter.text.toLowerCase());
}

/** What the application or the world does by itself stands together while nothing else comes between and the pause is short. */
const TOGETHER_MS = 60_000;

type Own = "app" | "world" | "";

// A message that the app sent by a call is its effect, and belongs beside it.
function ownOf(row: Row): Own {
  const side = sideOf(row);
  return side === "call" || side === "answer" ? "app" : side === "world" ? "world" : "";
}

/** A push that no act began is a cause by itself: its attempts, its reply and what the app does then come back to it. */
const isPush = (cause: string) => /^d\d+$/.test(cause);

/** Newest cause first; inside one cause in the order in which it happened. */
export function lines(rows: Row[], filter: Filter): Line[] {
  const groups: { act: Row | null; first: Row; cause: string; rows: Row[]; lastMs: number; own: Own }[] = [];
  const open = new Map<string, (typeof groups)[number]>();
  for (const row of rows) {
    const last = groups[groups.length - 1];
    let group = row.cause ? open.get(row.cause) : undefined;
    const heads = sideOf(row) === "person";
    // What neither an act nor a push began has no place of its own to come back to: it joins only what it directly follows.
    if (group && !group.act && !heads && !isPush(row.cause) && group !== last) group = undefined;
    if (!group) {
      const own = ownOf(row);
      const near = !isPush(row.cause) && last !== undefined && last.own === own && row.wall_ms - last.lastMs < TOGETHER_MS;
      if (near && (own === "world" || (own === "app" && last.first.account === row.account))) {
        group = last;
      } else {
        group = { act: null, first: row, cause: row.cause, rows: [], lastMs: row.wall_ms, own };
        groups.push(group);
      }
      open.set(row.cause, group);
    }
    group.lastMs = row.wall_ms;
    if (heads && !group.act) group.act = row;
    else group.rows.push(row);
  }

  const out: Line[] = [];
  for (let at = groups.length - 1; at >= 0; at--) {
    const group = groups[at];
    if (!group) continue;
    const actFits = group.act !== null && matches(group.act, filter);
    const whole = actFits && filter.kind === "all";
    const shown = group.rows.filter((row) => matches(row, filter) || (whole && sameScope(row, filter)));
    if (shown.length === 0 && !(actFits && (whole || filter.kind === "error"))) continue;
    let worst: RowState = group.act?.state ?? "ok";
    for (const row of shown) if (order[row.state] > order[worst]) worst = row.state;
    out.push({
      type: "heading",
      key: `h${group.first.id}`,
      cause: group.cause,
      time: (group.act ?? group.first).time,
      act: group.act,
      first: group.first,
      count: shown.length,
      worst,
    });
    out.push(...entries(shown));
  }
  return out;
}

/** A line a row; the tries of one push are one line, where the first stood. */
function entries(rows: Row[]): Entry[] {
  const pushes = new Map<string, Entry>();
  const out: Entry[] = [];
  for (const row of rows) {
    const push = row.kind === "callback" ? row.callback?.delivery : undefined;
    const known = push === undefined ? undefined : pushes.get(push);
    if (known) {
      known.tries.push(row);
      known.row = row;
      continue;
    }
    const entry: Entry = { type: "row", key: row.id, row, tries: [row] };
    if (push !== undefined) pushes.set(push, entry);
    out.push(entry);
  }
  return out;
}

/** When the act itself matches the text, what it caused is shown with it. */
function sameScope(row: Row, filter: Filter): boolean {
  return matches(row, { ...filter, text: "" });
}

/** How many seconds an item of a chat and its rows may lie apart. */
const NEAR = 2;

/** The row that an item of a chat came with: of the same account and person, at the same time, with its words if any has them. */
export function rowOfItem(rows: Row[], item: { time: number; content?: unknown; title?: unknown }, account: string, user: string): Row | undefined {
  const words = [item.content, item.title].find((it): it is string => typeof it === "string" && it !== "");
  const near = rows.filter((row) => row.account === account && row.user === user && row.cause && Math.abs(row.time - item.time) <= NEAR);
  const says = near.filter((row) => words && [row.title.zh, row.subtitle.zh, row.plain?.request, row.plain?.response, row.request?.body].some((it) => it?.includes(words)));
  const list = says.length ? says : near;
  return list.reduce<Row | undefined>((best, row) => (best && Math.abs(best.time - item.time) <= Math.abs(row.time - item.time) ? best : row), undefined);
}

/** How much a row explains: first how bad it is, then whether it knows why. */
const weight = (row: Row) => order[row.state] * 2 + (row.diagnosis ? 1 : 0);

/** The row that explains an act best; among equal failures the last one, where the platform gave up. */
export function telling(rows: Row[]): Row | undefined {
  let best: Row | undefined;
  for (const row of rows) {
    // The act itself tells most only if it went wrong before anything came of it.
    if (sideOf(row) === "person" && row.state === "ok") continue;
    if (!best || weight(row) > weight(best) || (weight(row) === weight(best) && row.state === "error")) best = row;
  }
  return best;
}
