// Every call to the control interface. Knows paths and shapes, nothing about the page.
import type { Account, Chat, ChatSummary, Clock, Dev, Fault, Platform, Row, User } from "./types";

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

export interface MediaSaved {
  media_id: string;
  url?: string;
}

export interface CallbackSettings {
  url: string;
  token: string;
  aes_key: string;
  mode: string;
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
  accounts: async () => items(await call<{ items: Account[] }>("GET", "/accounts")),
  createAccount: (account: Partial<Account>) => call<Account>("POST", "/accounts", account),
  patchAccount: (appid: string, change: Partial<Account>) =>
    call<Account>("PATCH", `/accounts/${part(appid)}`, change),
  newSecret: (appid: string) => call<Partial<Account>>("POST", `/accounts/${part(appid)}/secret`, {}),
  saveCallback: (appid: string, settings: CallbackSettings) =>
    call<{ verified: boolean; reason?: string }>("PUT", `/accounts/${part(appid)}/callback`, settings),

  users: async () => items(await call<{ items: User[] }>("GET", "/users")),
  createUser: (user: Partial<User> | { count: number }) => call<User>("POST", "/users", user),
  chats: async (user: string) => items(await call<{ items: ChatSummary[] }>("GET", `/users/${part(user)}/chats`)),
  chat: (user: string, account: string) =>
    call<Chat>("GET", `/users/${part(user)}/chat?account=${part(account)}`),
  markRead: (user: string, account: string) => call<unknown>("POST", `/users/${part(user)}/read`, { account }),
  act: (user: string, action: Record<string, unknown>) =>
    call<Record<string, unknown>>("POST", `/users/${part(user)}/actions`, { wait: false, ...action }),

  faults: async () => items(await call<{ items: Fault[] }>("GET", "/faults")),
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
