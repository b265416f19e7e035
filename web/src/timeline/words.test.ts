import { expect, it } from "vitest";
import type { Row } from "../api/types";
import { labelOf, secondsLeft, toneOf, took } from "./words";

const row = (state: Row["state"], fidelity: string) =>
  ({ state, label: { zh: "ok", en: "ok" }, call: { endpoint: "", method: "GET", host: "", path: "", fidelity, client: "" } }) as unknown as Row;

it("a row that came from a schema is not green, and says so", () => {
  expect(toneOf(row("ok", "fallback"))).toBe("warn");
  expect(labelOf(row("ok", "fallback")).en).toBe("From its schema only");
});

it("any other row is what it was", () => {
  expect(toneOf(row("ok", "stateful"))).toBe("ok");
  expect(toneOf(row("error", "fallback"))).toBe("bad");
  expect(labelOf(row("error", "fallback")).en).toBe("ok");
});

it("nothing took no time at all", () => {
  expect([took(undefined), took(0), took(0.4), took(3.21), took(1234)]).toEqual(["", "<1 ms", "<1 ms", "3.2 ms", "1,234 ms"]);
});

it("a push that waits counts down, and no longer than it waits", () => {
  const push = { state: "pending", wall_ms: 10_000, callback: { delivery: "d1" } } as unknown as Row;
  expect([10_000, 12_100, 15_000, 16_000].map((now) => secondsLeft(push, now))).toEqual([5, 3, 0, undefined]);
  expect(secondsLeft({ ...push, state: "ok" }, 10_000)).toBeUndefined();
});
