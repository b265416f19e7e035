// Rules of this folder that a machine can keep.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { en } from "./i18n/en";
import { zh } from "./i18n/zh";

const root = new URL("./", import.meta.url).pathname;
const files = readdirSync(root, { recursive: true }).map(String);
const text = (file: string) => readFileSync(join(root, file), "utf8");

it("says nothing outside the two language files", () => {
  // Names of faces are codes on the wire, not words of ours; what features declare has its words in both languages.
  const sources = files.filter((file) => /\.(vue|ts)$/.test(file) && !/^i18n\/|\.test\.ts$|^phone\/text\.ts$|^api\/declared\.ts$/.test(file));
  const strange = sources.flatMap((file) =>
    text(file)
      .split("\n")
      .filter((line) => /\p{Script=Han}/u.test(line.replace(/\/\/.*$/, "")))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(strange).toEqual([]);
});

it("takes every colour from the tokens", () => {
  const styles = files.filter((file) => file.endsWith(".css") && !file.endsWith("tokens.css"));
  const strange = styles.flatMap((file) => text(file).match(/#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(/gi) ?? []);
  expect(strange).toEqual([]);
});

it("needs no inline style, script or evaluated code", () => {
  for (const file of files.filter((name) => /\.vue$/.test(name))) {
    expect(text(file), file).not.toMatch(/\sstyle="|v-html|\beval\(|new Function\(/);
  }
});

describe("both languages", () => {
  it("fill the same gaps", () => {
    const gaps = (words: string) => (words.match(/\{\w+\}/g) ?? []).sort().join(" ");
    for (const key of Object.keys(zh) as (keyof typeof zh)[]) expect(gaps(en[key]), key).toBe(gaps(zh[key]));
  });
  it("have no word that nobody says", () => {
    const all = files.filter((file) => /\.(vue|ts)$/.test(file) && !file.startsWith("i18n/")).map(text).join("\n");
    const prefixes = [...all.matchAll(/`([a-z]+)\.\$\{/g)].map((hit) => `${hit[1]}.`);
    const idle = Object.keys(zh).filter((key) => !all.includes(`"${key}"`) && !all.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)));
    expect(idle).toEqual([]);
  });
});
