import { readdirSync } from "node:fs";
import { createSSRApp, h } from "vue";
import { renderToString } from "vue/server-renderer";
import { describe, expect, it } from "vitest";
import { declared } from "../../api/declared";
import type { ChatItem, Field } from "../../api/types";
import Bubble from "../Bubble.vue";
import { bubbleOf } from ".";
import Plain from "./Plain.vue";

function sample(field: Field): unknown {
  const { holds, name } = field;
  if (typeof holds === "object") return "list" in holds ? [objectOf(holds.list)] : holds.choice[0]?.word;
  return { text: `«${name}»`, number: 7, flag: true, time: 1_700_000_000, money: 1, picture: "/p.png", any: {} }[holds];
}
const objectOf = (fields: Field[]) => Object.fromEntries(fields.map((field) => [field.name, sample(field)]));

const item = (type: string, fields: Record<string, unknown>): ChatItem => ({ id: "i1", time: 1, from: "account", type, ...fields });
const html = (one: ChatItem) => renderToString(createSSRApp({ render: () => h(Bubble, { item: one, accountName: "A", userName: "B" }) }));

describe("every kind that is declared", () => {
  for (const [kind, { fields }] of Object.entries(declared.bubbles)) {
    it(`${kind} is shown with all its fields, and with those that must be there`, async () => {
      for (const some of [fields, fields.filter((field) => !field.optional)]) {
        const shown = await html(item(kind, objectOf(some)));
        expect(shown).toContain('data-test="bubble"');
        expect(shown).toContain(`data-type="${kind}"`);
      }
    });
  }

  it("that has a component of its own is one that is declared", () => {
    const plain = (name: string) => name.replace(/_/g, "");
    const kinds = Object.keys(declared.bubbles).map(plain);
    const files = readdirSync(new URL(".", import.meta.url), { recursive: true }).map(String).filter((file) => file.endsWith(".vue"));
    const strange = files.map((file) => /(\w+)\.vue$/.exec(file)?.[1]?.toLowerCase() ?? "").filter((name) => name !== "plain" && !kinds.includes(name));
    expect(strange).toEqual([]);
  });
});

it("shows a kind that nobody declared by its fields, as text", async () => {
  expect(bubbleOf("hologram").component).toBe(Plain);
  const shown = await html(item("hologram", { depth: 3, words: "<b>hi</b>", nested: { a: [1] } }));
  for (const part of ["hologram", "depth", "3", "words", "&lt;b&gt;hi&lt;/b&gt;", "{&quot;a&quot;:[1]}"]) expect(shown).toContain(part);
});

it("does not break on fields that are not as they are declared", async () => {
  for (const kind of Object.keys(declared.bubbles)) expect(await html(item(kind, {}))).toContain('data-test="bubble"');
});
