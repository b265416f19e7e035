// Every word that the page says by itself comes from `i18n/zh.ts` or `i18n/en.ts`; what the simulator says comes in both.
// English is fetched when it is first wanted.
import { ref, shallowRef } from "vue";
import type { Lang, Said } from "./api/types";
import { zh } from "./i18n/zh";

export type Key = keyof typeof zh;
export type Words = Record<Key, string>;

const book = shallowRef<Words>(zh);

function initial(): Lang {
  const asked = globalThis.localStorage?.getItem("xinqiao.lang");
  if (asked === "zh" || asked === "en") return asked;
  return (globalThis.navigator?.language ?? "zh").startsWith("zh") ? "zh" : "en";
}

export const lang = ref<Lang>(initial());

export async function setLang(next: Lang): Promise<void> {
  book.value = next === "en" ? (await import("./i18n/en")).en : zh;
  lang.value = next;
  localStorage.setItem("xinqiao.lang", next);
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
}

/** `{name}` in a sentence is filled from `values`. */
export function t(key: Key, values?: Record<string, string | number>): string {
  const text = book.value[key];
  return values ? text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? "")) : text;
}

export function say(text: Said | undefined): string {
  return text ? (text[lang.value] ?? text.zh ?? "") : "";
}
