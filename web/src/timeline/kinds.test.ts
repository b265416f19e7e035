import { createSSRApp, h } from "vue";
import { renderToString } from "vue/server-renderer";
import { expect, it } from "vitest";
import { declared } from "../api/declared";
import type { Row } from "../api/types";
import { sideOf } from "../store/sides";
import { diagnosisOf, factsOf, kindOfRule, rowOf, signOf } from "./kinds";

const said = (text: string) => ({ zh: text, en: text });
const row = (fields: Partial<Row>): Row => ({ id: "1", time: 1, wall_ms: 1, cause: "", kind: "call", title: said("题"), subtitle: said(""), label: said("ok"), state: "ok", ...fields });
const html = (component: ReturnType<typeof rowOf>, props: Record<string, unknown>) => renderToString(createSSRApp({ render: () => h(component, props) }));

it("shows rows of every kind, and of one that nobody declared", async () => {
  for (const kind of [...Object.keys(declared.rows), "telepathy"]) expect(await html(rowOf(kind), { row: row({ kind }) })).toContain("题");
  expect(signOf("telepathy")).toBe("?");
  expect(sideOf(row({ kind: "telepathy" }))).toBe("world");
});

it("says of an answer that only its schema stands behind that it is one", async () => {
  const call = { endpoint: "e", method: "GET", host: "h", path: "/p", fidelity: "fallback", client: "" };
  const fallback = declared.facts.call.fields.find((one) => one.name === "fidelity");
  const words = typeof fallback?.holds === "object" && "choice" in fallback.holds ? fallback.holds.choice.find((one) => one.word === "fallback")?.title : undefined;
  const chip = (shown: string) => {
    const [, classes, text] = /class="([^"]*\bchip\b[^"]*)">([^<]*)/.exec(shown) ?? [];
    return [classes?.replace("chip", "").trim(), text];
  };
  const hollow = chip(await html(rowOf("call"), { row: row({ call }) }));
  expect(hollow[0]).toBe("warn");
  expect([words?.zh, words?.en]).toContain(hollow[1]);
  expect(chip(await html(rowOf("call"), { row: row({ call: { ...call, fidelity: "stateful" } }) }))).toEqual(["ok", "ok"]);
});

it("shows the facts that a feature declares without a component of their own", async () => {
  const payment = { merchant: "1900000001", out_trade_no: "N1", description: "拿铁", total: 1990 };
  const [facts, ...rest] = factsOf(row({ payment }));
  expect(rest).toEqual([]);
  const shown = await html(facts!.component, { name: facts!.name, facts: facts!.facts });
  for (const part of ["1900000001", "N1", "拿铁", "¥19.90"]) expect(shown).toContain(part);
});

it("finds what shows a diagnosis by the beginning of its rule", async () => {
  expect(kindOfRule("pay.signature.mismatch")?.name).toBe("pay_signature");
  expect(kindOfRule("reply.syntax")?.name).toBe("callback");
  expect(kindOfRule("nobody.knows")).toBeUndefined();
  expect(kindOfRule("calling.nobody"), "not the kind of `call`").toBeUndefined();
  const diagnosis = { rule: "nobody.knows", cause: said(""), remedy: { zh: [], en: [] }, received: "这个", expected: "那个" };
  for (const rule of ["nobody.knows", "pay.signature.mismatch", "reply.syntax"]) {
    const shown = await html(diagnosisOf(rule), { diagnosis: { ...diagnosis, rule } });
    expect(shown).toContain("这个");
    expect(shown).toContain("那个");
  }
});
