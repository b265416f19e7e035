// The control interface as this page reads it, besides what features declare (`declared.ts`). Fields that the page does
// not use are left out.
import type { Acts, Bubbles, CardName, DiagnosisKind, Facts, RowKind, Sheets } from "./declared";

export type Lang = "zh" | "en";
export type Said = Record<Lang, string>;
export type RowState = "pending" | "ok" | "warn" | "error";
export type Header = [string, string];

export interface Diagnosis {
  rule: string;
  cause: Said;
  remedy: Record<Lang, string[]>;
  received?: string;
  expected?: string;
}

/** What a field holds; a list holds objects of the same fields. */
export type Holds =
  | "text" | "number" | "flag" | "time" | "money" | "picture" | "any"
  | { choice: { word: string; title: Said }[] }
  | { list: Field[] };

export interface Field {
  name: string;
  title: Said;
  holds: Holds;
  optional: boolean;
}

interface Shape {
  name: string;
  title: Said;
  fields: Field[];
}
/** Who does what a row is about. */
export type Side = "person" | "push" | "answer" | "call" | "world";

/** What features declare, with the words for people. */
export interface Declared {
  bubbles: Record<keyof Bubbles, { kind: string; title: Said; line: string; fields: Field[] }>;
  sheets: Record<keyof Sheets, Shape & { kinds: string[]; tray: boolean }>;
  rows: Record<RowKind, { name: string; title: Said; sign: string; side: Side }>;
  facts: Record<keyof Facts, Shape>;
  diagnoses: Record<DiagnosisKind, Shape & { rules: string[] }>;
  cards: Record<CardName, Shape & { kinds: string[]; path: string }>;
  acts: Record<keyof Acts, { title: Said; kinds: string[]; fields: Field[] }[]>;
}

/** A simulator that is newer than this page may say kinds that the page does not know. */
type Unheard = string & {};

export interface Row extends Partial<Facts> {
  id: string;
  /** Seconds on the simulated clock. */
  time: number;
  /** Real milliseconds. */
  wall_ms: number;
  cause: string;
  kind: RowKind | Unheard;
  account?: string;
  account_name?: string;
  user?: string;
  user_name?: string;
  openid?: string;
  title: Said;
  subtitle: Said;
  ms?: number;
  state: RowState;
  label: Said;
  diagnosis?: Diagnosis;
  request?: { method: string; url: string; headers: Header[]; body: string };
  response?: { status: number; headers: Header[]; body: string };
  plain?: { request?: string; response?: string };
  signature?: {
    algorithm: string;
    parts: { name: string; value: string }[];
    received?: string;
    expected: string;
  };
  timing?: { name: string; ms: number }[];
}

export interface Account {
  appid: string;
  secret: string;
  kind: string;
  verified: boolean;
  name: string;
  alias?: string;
  original_id?: string;
  token?: string;
  aes_key?: string;
  callback_url?: string | null;
  mode?: string;
  oauth_domain?: string;
  js_domain?: string;
  ip_whitelist?: string[];
  permissions?: Record<string, boolean>;
  /** What features add. */
  [field: string]: unknown;
}

export interface User {
  id: string;
  nickname: string;
  sex?: number;
  province?: string;
  city?: string;
  country?: string;
  language?: string;
  platform?: "ios" | "android" | "other";
  openids?: Record<string, string>;
  unionids?: Record<string, string>;
}

export interface ChatSummary {
  account: string;
  name: string;
  kind: string;
  verified: boolean;
  followed: boolean;
  folded: boolean;
  last: { time: number; preview: string } | null;
  unread: number;
}

/** What every item of a chat has. */
interface ItemHead {
  id: string;
  time: number;
  from: "user" | "account" | "system";
  via?: string;
  staff?: string;
  cause?: string;
}

/** An item of some kind, with fields that only its kind knows. */
export interface ChatItem extends ItemHead {
  type: keyof Bubbles | Unheard;
  [field: string]: unknown;
}

/** An item of a kind that a feature declares; one that is still on its way says so. */
export type ItemOf<K extends keyof Bubbles> = ItemHead & Bubbles[K] & { type: K; pending?: boolean };

/** What a person does, with the account and the fields that the act takes. */
export type Action = { [Verb in keyof Acts]: { do: Verb; account?: string } & Acts[Verb] }[keyof Acts];

export interface Button {
  type?: string;
  name: string;
  key?: string;
  url?: string;
  appid?: string;
  sub_button?: Button[] | { list?: Button[] };
}

export interface Chat {
  items: ChatItem[];
  followed: boolean;
  menu: { button: Button[] } | null;
  window: { expires_at: number; remaining: number | null } | null;
  typing: boolean;
}

export interface Dev {
  app: {
    url?: string | null;
    state: "none" | "waiting" | "connected" | "failed";
    reason?: string;
    rule?: string;
    remedy?: Record<Lang, string[]>;
    cause?: Said;
    account?: string;
  };
  via?: "direct" | "gateway";
  seed?: number;
  storage?: "memory" | "disk";
  version?: string;
  gateway?: string | null;
  pause?: boolean;
}

/** Who answers: its name, and the origin that stands for each platform host. */
export interface Platform {
  name?: string;
  version?: string;
  endpoints: Record<string, string>;
}

export interface Clock {
  now: number;
  frozen?: boolean;
}

export interface Fault {
  id: string;
  account?: string;
  /** Of calls. */
  path?: string;
  /** Of callbacks. */
  push?: "duplicate" | "drop" | "late" | "reorder" | "wrong_signature" | "torn_body";
  msg_type?: string;
  event?: string;
  times?: number;
  delay_seconds?: number;
  errcode?: number;
  http_status?: number;
  delay_ms?: number;
  drop?: boolean;
}

/** A right of the permission table, as it stands for one account. */
export interface Right {
  id: string;
  title: Said;
  table: "no" | "yes" | "limited" | "apply" | "via_component" | "via_official_account";
  /** Switched by hand. */
  switched: boolean | null;
  allowed: boolean;
  why: Said | null;
  calls: { id: string; method: string; path: string; title: Said; code: number | null }[];
}

/** A counter of calls with its limit. */
export interface Counter {
  id: string;
  used: number;
  limit: number;
  window: string;
  resets: number | null;
  paths: string[];
}

export interface ProductLine {
  product: string;
  title: Said;
}

/** An endpoint without its fields. */
export interface EndpointLine {
  id: string;
  product: string;
  module: string;
  title: Said;
  method: string;
  host: string;
  path: string;
  auth: string;
  fidelity: "stateful" | "modelled" | "fallback";
  deprecated: string;
}

/** A field of an endpoint with what it means. */
export interface Meant {
  name: string;
  type: "string" | "integer" | "number" | "flag" | "time" | "file" | "any" | "list" | "map" | "group";
  required: boolean;
  meaning: Said;
  example?: string;
  from?: Said;
  unit?: string;
  format?: string;
  constant?: string;
  origin?: string;
  max?: number;
  values?: { value: string; meaning: Said }[];
  /** The body of one case of a union: sent while the tag has this value. */
  case?: { tag: string; value: string };
  fields?: Meant[];
}

export interface Endpoint extends EndpointLine {
  about: Said;
  origin: string | null;
  auth_param: string;
  content: string;
  answer: string;
  partial: boolean;
  bare: boolean;
  sample: unknown;
  parameters: Meant[];
  query: Meant[];
  headers: Meant[];
  request: Meant[];
  response: Meant[];
  permissions: { id: string; title: Said }[];
  errors: { code: string; meaning: Said }[];
  doc: string[];
}

/** What a call from the console brought. */
export interface Called {
  url: string;
  status: number;
  headers: Header[];
  body: string;
  ms: number;
}
