// Components that are found by name are of something that is declared: any other would never be shown.
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { declared } from "./api/declared";
import { registry } from "./registry";

const folders = {
  "phone/sheets": declared.sheets,
  "pages/cards": declared.cards,
  "timeline/rows": declared.rows,
  "timeline/facts": declared.facts,
  "timeline/diagnoses": declared.diagnoses,
};
/** What shows the rest, and what the others are made of. */
const shared = ["Plain.vue", "Frame.vue"];

for (const [folder, known] of Object.entries(folders)) {
  it(`${folder} holds components of what is declared only`, () => {
    const files = readdirSync(new URL(folder, import.meta.url)).filter((file) => file.endsWith(".vue"));
    const own = files.filter((file) => !shared.includes(file));
    const found = Object.keys(known).map((name) => registry(Object.fromEntries(own.map((file) => [file, { default: file }])))(name));
    expect(own.filter((file) => !found.some((component) => (component as unknown) === file))).toEqual([]);
  });
}
