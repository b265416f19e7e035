import { expect, it } from "vitest";
import { chatTime, leftParts } from "./time";

it("says the time that is left as people do", () => {
  expect(leftParts(59)).toEqual(["minutes", { m: 0, s: 59 }]);
  expect(leftParts(-5)).toEqual(["minutes", { m: 0, s: 0 }]);
  expect(leftParts(47 * 3_600 + 58 * 60)).toEqual(["hours", { h: 47, m: 58 }]);
  expect(leftParts(144 * 3_600 + 59 * 60)).toEqual(["days", { d: 6, h: 0 }]);
});

it("writes the time of a chat as the app does", () => {
  // 2026-12-01, a Tuesday, 08:42 in Shanghai.
  const now = 1_796_085_752;
  const said = (before: number, lang: "zh" | "en" = "zh") => chatTime(now - before, now, lang, lang === "zh" ? "昨天" : "Yesterday");
  const day = 86_400;
  expect([said(60), said(9 * 3_600), said(day), said(3 * day), said(40 * day), said(400 * day)]).toEqual(["08:41", "昨天 23:42", "昨天 08:42", "星期六 08:42", "10月22日 08:42", "2025年10月27日 08:42"]);
  expect([said(3 * day, "en"), said(40 * day, "en")]).toEqual(["Saturday 08:42", "Oct 22 08:42"]);
  // A clock that was set back: the message lies ahead.
  expect(said(-2 * day)).toBe("12月3日 08:42");
});
