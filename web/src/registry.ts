// Components found by the name of what they show: `Textcard.vue` shows `textcard`, `TextCard.vue` shows `text_card`.
import type { Component } from "vue";

const plain = (name: string) => name.replace(/[^a-z0-9]/gi, "").toLowerCase();

/** From what `import.meta.glob` found: the component of a name, if there is one. */
export function registry(found: Record<string, unknown>): (name: string) => Component | undefined {
  const named = Object.entries(found).map(([path, module]): [string, Component] => {
    const file = /([^/]+)\.vue$/.exec(path)?.[1] ?? "";
    return [plain(file), (module as { default: Component }).default];
  });
  const byName = new Map(named);
  return (name) => byName.get(plain(name));
}
