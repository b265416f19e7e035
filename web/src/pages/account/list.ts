// A list about an account: asked for as soon as it is shown, when another account is, and after a change.
import { shallowRef, watch } from "vue";
import type { Account } from "../../api/types";
import { attempt } from "../../store/store";

export function useList<T>(account: () => Account, ask: (appid: string) => Promise<T[]>) {
  const items = shallowRef<T[]>([]);

  async function load(): Promise<void> {
    const { appid } = account();
    const found = await attempt(ask(appid));
    // Another account may be shown by now.
    if (found && appid === account().appid) items.value = found;
  }
  watch(() => [account().appid, account().verified], load, { immediate: true });

  return { items, load };
}
