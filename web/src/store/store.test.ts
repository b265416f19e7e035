import { beforeEach, expect, it, vi } from "vitest";
import type { Row } from "../api/types";

vi.stubGlobal("requestAnimationFrame", (run: () => void) => run());
vi.stubGlobal("fetch", async () => new Response('{"items": []}', { status: 200 }));

const { expectAct, receive, rows, select, setClock, state, visibleLines, worldNow } = await import("./store");

const said = (text: string) => ({ zh: text, en: text });
const row = (fields: Partial<Row>): Row => ({ id: "1", time: 1, wall_ms: 1, cause: "a", kind: "callback", title: said(""), subtitle: said(""), label: said(""), state: "ok", ...fields });

beforeEach(() => {
  state.user = "u1";
  state.lit = "";
  state.selected = "";
});

it("lights the rows of the act that the phone just did and opens the telling one", () => {
  expectAct("u1");
  receive("row", row({ id: "10", cause: "x", kind: "act", user: "u2" }));
  expect(state.lit).toBe("");
  receive("row", row({ id: "11", cause: "y", kind: "act", user: "u1" }));
  expect(state.lit).toBe("y");
  receive("row", row({ id: "12", cause: "y", state: "pending" }));
  expect(state.selected).toBe("12");
  receive("row", row({ id: "13", cause: "y", state: "error" }));
  expect(state.selected).toBe("13");
  expect(rows.value).toHaveLength(4);
});

it("leaves a row that was chosen by hand alone", () => {
  expectAct("u1");
  receive("row", row({ id: "21", cause: "z", kind: "act", user: "u1" }));
  select("12");
  receive("row", row({ id: "22", cause: "z", state: "error" }));
  expect(state.selected).toBe("12");
});

it("takes the same id as an update", () => {
  const before = rows.value.length;
  receive("row", row({ id: "30", cause: "w", state: "pending" }));
  receive("row", row({ id: "30", cause: "w", state: "ok", ms: 5 }));
  expect(rows.value.length).toBe(before + 1);
  expect(visibleLines.value.some((line) => line.type === "row" && line.row.ms === 5)).toBe(true);
});

it("stands still on a frozen clock", () => {
  setClock({ now: 1_700_000_000, frozen: true });
  expect(worldNow()).toBe(1_700_000_000);
  receive("clock", { now: 1_700_003_600, frozen: false });
  expect(worldNow()).toBeGreaterThanOrEqual(1_700_003_600);
});
