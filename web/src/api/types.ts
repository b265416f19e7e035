// The control interface as this page reads it. Fields that the page does not use are left out.

export type Lang = "zh" | "en";
export type Said = Record<Lang, string>;
export type RowState = "pending" | "ok" | "warn" | "error";
export type RowKind = "act" | "callback" | "reply" | "call" | "system";
export type Header = [string, string];

export interface Diagnosis {
  rule: string;
  cause: Said;
  remedy: Record<Lang, string[]>;
  received?: string;
  expected?: string;
}

export interface Row {
  id: string;
  /** Seconds on the simulated clock. */
  time: number;
  /** Real milliseconds. */
  wall_ms: number;
  cause: string;
  kind: RowKind;
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
  callback?: {
    delivery?: string;
    attempt?: number;
    of?: number;
    url?: string;
    mode?: string;
    msg_type?: string;
    event?: string;
    msg_id?: string;
  };
  call?: {
    endpoint?: string;
    method: string;
    host?: string;
    path: string;
    fidelity?: string;
    client?: string;
    errcode?: number;
  };
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
}

export interface User {
  id: string;
  nickname: string;
  sex?: number;
  province?: string;
  city?: string;
  country?: string;
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

export interface Article {
  title: string;
  description?: string;
  url?: string;
  picurl?: string;
}

export interface ChatItem {
  id: string;
  time: number;
  from: "user" | "account" | "system";
  via?: string;
  type: string;
  content?: string;
  media_id?: string;
  thumb_media_id?: string;
  title?: string;
  description?: string;
  url?: string;
  picurl?: string;
  pic_url?: string;
  music_url?: string;
  hq_music_url?: string;
  recognition?: string;
  articles?: Article[];
  menu?: MessageMenu;
  head_content?: string;
  tail_content?: string;
  list?: { id: string; content: string }[];
  data?: Record<string, { value: string } | string>;
  label?: string;
  lat?: number;
  lng?: number;
  cause?: string;
}

export interface MessageMenu {
  head_content?: string;
  tail_content?: string;
  list?: { id: string | number; content: string }[];
}

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
  path: string;
  times?: number;
  errcode?: number;
  http_status?: number;
  delay_ms?: number;
  drop?: boolean;
}
