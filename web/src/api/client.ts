// Every call to the control interface. Knows paths and shapes, nothing about the page.
import type { Account, Action, Called, Chat, ChatSummary, Clock, Counter, Dev, Endpoint, EndpointLine, Fault, Platform, ProductLine, Right, Row, User } from "./types";

export const BASE = "/_sim/v1";

/** A call that was refused, with what the simulator said about it. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: Record<string, unknown>,
  ) {
    super(message);
  }
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(BASE + path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return read<T>(answer);
}

async function read<T>(answer: Response): Promise<T> {
  const text = await answer.text();
  let json: Record<string, unknown> = {};
  try {
    json = text ? (JSON.parse(text) as Record<string, unknown>) : {};
  } catch {
    json = {};
  }
  if (!answer.ok) {
    const error = json.error as { code?: string; message?: string } | undefined;
    const message = error?.message ?? (json.reason as string | undefined) ?? `HTTP ${answer.status}`;
    throw new Refused(answer.status, error?.code ?? String(answer.status), message, json);
  }
  return json as T;
}

const items = <T>(found: { items?: T[] } | T[]): T[] => (Array.isArray(found) ? found : (found.items ?? []));
const part = encodeURIComponent;

/** A page of a list; `next` leads on where there is more. */
export interface Page<T> {
  items: T[];
  next?: string;
}

const page = <T>(path: string, after?: string) =>
  call<Page<T>>("GET", after === undefined ? path : `${path}${path.includes("?") ? "&" : "?"}after=${part(after)}`);

/** A whole list, page by page. */
async function whole<T>(path: string): Promise<T[]> {
  const all: T[] = [];
  let after: string | undefined;
  do {
    const found: Page<T> = await page(path, after);
    all.push(...found.items);
    after = found.next;
  } while (after !== undefined);
  return all;
}

export interface MediaSaved {
  media_id: string;
  url?: string;
}

export interface CallbackSettings {
  url: string;
  token: string;
  aes_key: string;
  mode: string;
  /** Of a third-party platform: where messages of its accounts go. */
  message_url?: string;
}

export const api = {
  dev: () => call<Dev>("GET", "/dev"),
  debug: (pause: boolean) => call<unknown>("POST", "/debug", { pause }),
  clock: () => call<Clock>("GET", "/clock"),
  setClock: (change: { advance: number } | { now: number } | { freeze: boolean }) =>
    call<Clock>("POST", "/clock", change),
  platform: () => call<Platform>("GET", "/"),
  reset: () => call<unknown>("POST", "/reset", {}),

  /** All rows that are kept, oldest first, page by page. */
  async timeline(): Promise<Row[]> {
    const rows: Row[] = [];
    for (let after = "0"; ; ) {
      const page = items(await call<{ items: Row[] } | Row[]>("GET", `/timeline?after=${part(after)}`));
      const last = page.at(-1)?.id;
      if (last === undefined || Number(last) <= Number(after)) return rows;
      rows.push(...page);
      after = last;
    }
  },
  accounts: () => whole<Account>("/accounts"),
  createAccount: (account: Partial<Account>) => call<Account>("POST", "/accounts", account),
  patchAccount: (appid: string, change: Partial<Account>) =>
    call<Account>("PATCH", `/accounts/${part(appid)}`, change),
  newSecret: (appid: string) => call<Partial<Account>>("POST", `/accounts/${part(appid)}/secret`, {}),
  saveCallback: (appid: string, settings: CallbackSettings) =>
    call<{ verified: boolean; reason?: string }>("PUT", `/accounts/${part(appid)}/callback`, settings),

  /** One page: a world may hold a million people. */
  users: (after?: string) => page<User>("/users", after),
  createUser: (user: Partial<User> | { count: number }) => call<User>("POST", "/users", user),
  chats: (user: string) => whole<ChatSummary>(`/users/${part(user)}/chats`),
  /** One page of the list that a card shows. */
  listed: (path: string, after?: string) => page<Record<string, unknown>>(path, after),
  /** A whole chat: what is said of it beside its items is the last page's. */
  async chat(user: string, account: string): Promise<Chat> {
    const path = `/users/${part(user)}/chat?account=${part(account)}`;
    const said: Chat["items"] = [];
    for (let after: string | undefined; ; ) {
      const found = (await page(path, after)) as Chat & Page<Chat["items"][number]>;
      said.push(...found.items);
      if (found.next === undefined) return { ...found, items: said };
      after = found.next;
    }
  },
  markRead: (user: string, account: string) => call<unknown>("POST", `/users/${part(user)}/read`, { account }),
  act: (user: string, action: Action) =>
    call<Record<string, unknown>>("POST", `/users/${part(user)}/actions`, { wait: false, ...action }),

  /** Sends a callback once more, as it was or with another text. */
  resend: (delivery: string, how: { plain?: string; msg_id?: "same" | "new" }) =>
    call<{ deliveries: unknown[] }>("POST", `/deliveries/${part(delivery)}/resend`, { wait: false, ...how }),

  rights: async (appid: string) => items(await call<{ items: Right[] }>("GET", `/accounts/${part(appid)}/rights`)),
  quotas: async (appid: string) => items(await call<{ items: Counter[] }>("GET", `/accounts/${part(appid)}/quotas`)),
  setQuota: (appid: string, id: string, limit: number, used?: number) =>
    call<unknown>("PATCH", `/accounts/${part(appid)}/quotas`, { [id]: { limit, ...(used === undefined ? {} : { used }) } }),
  deleteAccount: (appid: string) => call<unknown>("DELETE", `/accounts/${part(appid)}`),

  products: async () => items(await call<{ items: ProductLine[] }>("GET", "/catalog")),
  endpoints: async (product: string) => items(await call<{ items: EndpointLine[] }>("GET", `/catalog/${part(product)}`)),
  endpoint: (id: string) => call<Endpoint>("GET", `/catalog/endpoints/${part(id)}`),
  callEndpoint: (wanted: Record<string, unknown>) => call<Called>("POST", "/call", wanted),

  faults: () => whole<Fault>("/faults"),
  createFault: (fault: Omit<Fault, "id">) => call<{ id: string }>("POST", "/faults", fault),
  deleteFault: (id: string) => call<unknown>("DELETE", `/faults/${part(id)}`),

  async saveMedia(bytes: Blob): Promise<MediaSaved> {
    const answer = await fetch(`${BASE}/media`, {
      method: "POST",
      headers: { "content-type": bytes.type || "application/octet-stream" },
      body: bytes,
    });
    return read<MediaSaved>(answer);
  },
  mediaUrl: (id: string) => `${BASE}/media/${part(id)}`,
};
