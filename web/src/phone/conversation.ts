// One open conversation: fetched, refreshed by the stream, with the user's own bubble shown before the simulator knows it.
import { computed, onUnmounted, reactive, watch } from "vue";
import { api } from "../api/client";
import type { Action, Chat, ChatItem } from "../api/types";
import { attempt, expectAct, onChat, state, worldNow } from "../store/store";

export interface Pending extends ChatItem {
  pending: true;
  /** Items that were there when it was sent: none of them is its echo. */
  before: Set<string>;
}

/** Drops each pending bubble whose echo has arrived; one echo answers one bubble. */
export function settle(pending: Pending[], items: ChatItem[]): Pending[] {
  const claimed = new Set<string>();
  return pending.filter((mine) => {
    const echo = items.find(
      (item) => item.from === "user" && item.type === mine.type && !mine.before.has(item.id) && !claimed.has(item.id),
    );
    if (echo) claimed.add(echo.id);
    return !echo;
  });
}

const empty = (): Chat => ({ items: [], followed: false, menu: null, window: null, typing: false });

export function useConversation(user: () => string, account: () => string, open: () => boolean) {
  const view = reactive({ chat: empty(), loaded: false, pending: [] as Pending[] });
  let again: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let stale = false;

  /** One fetch at a time; whatever changed meanwhile is fetched right after, so a busy chat never starves. */
  async function refresh(): Promise<void> {
    if (running) {
      stale = true;
      return;
    }
    running = true;
    do {
      stale = false;
      await fetchOnce();
    } while (stale);
    running = false;
  }

  async function fetchOnce(): Promise<void> {
    const [who, where] = [user(), account()];
    if (!who || !where) return;
    let found: Chat;
    try {
      found = await api.chat(who, where);
    } catch {
      return;
    }
    // The phone went to another conversation meanwhile.
    if (who !== user() || where !== account()) return;
    view.chat = found;
    view.pending = settle(view.pending, found.items);
    view.loaded = true;
    // Typing ends by itself: nothing is said when it does.
    clearTimeout(again);
    if (found.typing) again = setTimeout(() => void refresh(), 1_500);
    seen();
  }

  /** What is on the screen has been read; a chat that is chosen and not open has not. */
  function seen(): void {
    const [who, where] = [user(), account()];
    if (!open() || !view.loaded) return;
    const unread = state.chats.find((one) => one.account === where)?.unread;
    if (unread) {
      void api.markRead(who, where).catch(() => undefined);
      state.chats = state.chats.map((one) => (one.account === where ? { ...one, unread: 0 } : one));
    }
  }

  const stop = onChat((who, where) => {
    if (who === user() && where === account()) void refresh();
  });
  onUnmounted(() => {
    stop();
    clearTimeout(again);
  });
  watch(
    () => [open(), state.chats.find((one) => one.account === account())?.unread] as const,
    seen,
  );
  watch(
    [user, account],
    () => {
      view.chat = empty();
      view.loaded = false;
      view.pending = [];
      void refresh();
    },
    { immediate: true },
  );

  /** Does something as the user here; the rows that it causes light up. */
  async function act(action: Action): Promise<Record<string, unknown> | undefined> {
    expectAct(user());
    return attempt(api.act(user(), { account: account(), ...action }));
  }

  async function send(message: Record<string, unknown> & { type: string }): Promise<boolean> {
    const mine: Pending = {
      id: `pending-${performance.now()}`,
      time: worldNow(),
      from: "user",
      pending: true,
      before: new Set(view.chat.items.map((item) => item.id)),
      ...message,
    };
    view.pending.push(mine);
    const done = await act({ do: "send", message });
    if (done === undefined) view.pending = view.pending.filter((one) => one.id !== mine.id);
    else void refresh();
    return done !== undefined;
  }

  const items = computed<(ChatItem | Pending)[]>(() => [...view.chat.items, ...view.pending]);
  return { view, items, refresh, act, send };
}
