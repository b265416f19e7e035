// The one store: what the simulator said, kept current by the stream; and what the page has selected.
import { computed, reactive, shallowRef, watch } from "vue";
import { api, Refused } from "../api/client";
import type { Account, ChatItem, ChatSummary, Clock, Dev, Row, User } from "../api/types";
import { everything, lines, rowOfItem, RowBook, telling, type Filter } from "./rows";
import { t } from "../i18n";
import { sideOf } from "./sides";
import { openStream } from "./stream";

export const state = reactive({
  /** Whether the stream is open: the page says so when it is not. */
  live: false,
  loaded: false,
  dev: { app: { state: "none" } } as Dev,
  accounts: [] as Account[],
  users: [] as User[],
  /** Where the list of people goes on; a world may hold a million. */
  moreUsers: undefined as string | undefined,
  user: "",
  account: "",
  chats: [] as ChatSummary[],
  clock: { now: 0, frozen: false, at: 0 },
  filter: { ...everything } as Filter,
  selected: "",
  /** The inspector goes to what the latest act caused until a row is chosen by hand. */
  follow: true,
  /** The cause whose rows are lit because the phone just acted. */
  lit: "",
  /** The last row that went wrong and was seen on the timeline. */
  looked: 0,
  toasts: [] as { id: number; text: string; bad: boolean }[],
});

const book = new RowBook();
let streamed = new Set<string>();

/** All rows, oldest first; replaced as a whole at most once a frame. */
export const rows = shallowRef<Row[]>([]);

let scheduled = false;
function publish(): void {
  if (scheduled) return;
  scheduled = true;
  // A hidden tab gets no frames; a timer keeps it from falling behind without end.
  const run = () => {
    scheduled = false;
    rows.value = book.values();
  };
  if (globalThis.document?.hidden) setTimeout(run, 200);
  else requestAnimationFrame(run);
}

export const visibleLines = computed(() => lines(rows.value, state.filter));
export const selectedRow = computed(() => {
  // Reads rows so that an update of the selected row shows.
  void rows.value;
  return state.selected ? book.get(state.selected) : undefined;
});
const isWrong = (row: Row) => row.state === "error" || row.state === "warn";
/** Three tries that fail are one thing that went wrong. */
const causes = (list: Row[]) => new Set(list.map((row) => row.cause || row.id)).size;
export const wrong = computed(() => causes(rows.value.filter(isWrong)));
/** The same, as far as nobody has looked yet. */
export const unlooked = computed(() => causes(rows.value.filter((row) => isWrong(row) && (Number(row.id) || 0) > state.looked)));
export const currentAccount = computed(() => state.accounts.find((one) => one.appid === state.account));
export const currentUser = computed(() => state.users.find((one) => one.id === state.user));
export const publicAccounts = computed(() =>
  state.accounts.filter((one) => one.kind === "subscription" || one.kind === "service"),
);

const chatListeners = new Set<(user: string, account: string) => void>();

/** Tells when a conversation changed; the caller fetches it. */
export function onChat(listener: (user: string, account: string) => void): () => void {
  chatListeners.add(listener);
  return () => chatListeners.delete(listener);
}

let awaited: { user: string; until: number } | null = null;

/** The next act of this user in the timeline is the one that the phone just did. */
export function expectAct(user: string): void {
  awaited = { user, until: performance.now() + 3_000 };
  state.follow = true;
}

function take(row: Row): void {
  const known = book.get(row.id);
  book.put(row);
  streamed.add(row.id);
  if (!known && sideOf(row) === "person" && awaited && (row.user ?? "") === awaited.user && performance.now() < awaited.until) {
    awaited = null;
    state.lit = row.cause;
  }
  if (state.follow && state.lit && row.cause === state.lit) {
    const best = telling(book.values().filter((one) => one.cause === state.lit));
    if (best) state.selected = best.id;
  }
  publish();
}

export function setClock(clock: Clock): void {
  state.clock = { now: clock.now, frozen: clock.frozen ?? false, at: performance.now() };
}

/** Seconds of the simulated clock at this moment. */
export function worldNow(): number {
  const { now, frozen, at } = state.clock;
  return frozen || now === 0 ? now : now + (performance.now() - at) / 1000;
}

export function toast(text: string, bad = false): void {
  const id = Date.now() + Math.random();
  state.toasts.push({ id, text, bad });
  setTimeout(() => {
    state.toasts = state.toasts.filter((one) => one.id !== id);
  }, bad ? 7_000 : 3_500);
}

/** Runs a call and shows its refusal; the caller gets `undefined` then. */
export async function attempt<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    // What the browser says of a lost connection helps nobody.
    toast(error instanceof Refused ? `${error.code} · ${error.message}` : error instanceof TypeError ? t("stream.away") : String(error), true);
    return undefined;
  }
}

async function quietly<T>(work: Promise<T>, use: (found: T) => void): Promise<void> {
  try {
    use(await work);
  } catch {
    // The stream's state already says that the simulator is away; the next opening fetches again.
  }
}

export const loadAccounts = () =>
  quietly(api.accounts(), (found) => {
    state.accounts = found;
    if (!found.some((one) => one.appid === state.account)) {
      const connected = found.find((one) => one.appid === state.dev.app.account);
      const service = found.find((one) => one.kind === "service" && one.verified);
      state.account = (connected ?? service ?? found[0])?.appid ?? "";
    }
  });

export const loadUsers = () =>
  quietly(api.users(), ({ items: found, next }) => {
    state.users = found;
    state.moreUsers = next;
    if (!found.some((one) => one.id === state.user)) state.user = found[0]?.id ?? "";
  });

/** The next page of people, after those that are there. */
export const loadMoreUsers = () =>
  quietly(api.users(state.moreUsers), ({ items, next }) => {
    state.users = [...state.users, ...items];
    state.moreUsers = next;
  });

let listing = false;
let listStale = false;

/** One fetch at a time; whatever changed meanwhile is fetched right after. */
export async function loadChats(): Promise<void> {
  if (listing) {
    listStale = true;
    return;
  }
  listing = true;
  do {
    listStale = false;
    const user = state.user;
    if (!user) break;
    await quietly(api.chats(user), (found) => {
      if (user === state.user) state.chats = found;
    });
  } while (listStale);
  listing = false;
}

async function snapshot(): Promise<void> {
  await Promise.all([
    quietly(api.dev(), (found) => (state.dev = found)),
    quietly(api.clock(), setClock),
    loadUsers(),
    quietly(api.timeline(), (found) => {
      book.replace(found, streamed);
      publish();
    }),
  ]);
  await loadAccounts();
  await loadChats();
  for (const listener of chatListeners) listener(state.user, state.account);
  state.loaded = true;
}

/** Forgets what the stream brought and asks for everything anew: the world is another one. */
export function resynchronise(): void {
  streamed = new Set();
  state.selected = "";
  state.lit = "";
  state.looked = 0;
  void snapshot();
}

/** What an event of the stream changes. Exported for the tests. */
export function receive(name: string, data: unknown): void {
  switch (name) {
    case "row":
      take(data as Row);
      break;
    case "chat": {
      const { user, account } = data as { user: string; account: string };
      for (const listener of chatListeners) listener(user, account);
      if (user === state.user) void loadChats();
      break;
    }
    case "clock":
      setClock(data as Clock);
      break;
    case "dev":
      state.dev = data as Dev;
      break;
    case "accounts":
      void loadAccounts().then(loadChats);
      break;
    case "users":
      void loadUsers();
      break;
    case "gap":
      // The stream could not keep up with what happened: the list tells.
      streamed = new Set();
      void snapshot();
      break;
    case "reset":
      resynchronise();
      break;
  }
}

export function start(): () => void {
  watch(
    () => state.user,
    () => {
      state.chats = [];
      void loadChats();
    },
  );
  void snapshot();
  return openStream({
    opened() {
      const again = !state.live && state.loaded;
      state.live = true;
      // After a gap the server may even be another one: its list replaces ours.
      if (again) {
        streamed = new Set();
        void snapshot();
      }
    },
    lost() {
      state.live = false;
    },
    event: receive,
  });
}

/** Shows what an item of a chat came from, and the row that tells most of it: the item itself is part of the world and knows of no rows. */
export function explain(item: ChatItem, account: string): void {
  const found = rowOfItem(book.values(), item, account, state.user);
  if (!found) return;
  state.lit = found.cause;
  const best = telling(book.values().filter((row) => row.cause === found.cause));
  if (best) select(best.id);
}

/** What went wrong so far has been looked at. */
export function lookedAt(): void {
  state.looked = Math.max(state.looked, ...rows.value.filter(isWrong).map((row) => Number(row.id) || 0));
}

export function select(id: string): void {
  state.selected = id;
  state.follow = false;
}
