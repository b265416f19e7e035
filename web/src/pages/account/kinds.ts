// What accounts of a kind look like: which parts of their page make sense.
import type { Account } from "../../api/types";

const OFFICIAL = ["subscription", "service"];
/** Kinds that the platform pushes messages to. */
const LISTENS = [...OFFICIAL, "miniprogram", "component", "corp"];

export const isOfficial = (account: Account) => OFFICIAL.includes(account.kind);
export const listens = (account: Account) => LISTENS.includes(account.kind);
/** Being verified changes what official accounts may do, and nothing for the others. */
export const canBeVerified = isOfficial;
/** They stand in the permission table, and their calls are counted. */
export const hasRights = (account: Account) => isOfficial(account) || account.kind === "miniprogram";
/** Where each push is always sealed, there is no mode to choose. */
export const alwaysSealed = (account: Account) => account.kind === "component" || account.kind === "corp";

/** What a WeCom application is called by: its corporation and its number. */
export function corpOf(account: Account): { corpid: string; agentid: string } | undefined {
  if (account.kind !== "corp") return undefined;
  const [corpid = "", agentid = ""] = account.appid.split(":");
  return { corpid, agentid };
}

export const tabs = ["basic", "server", "rights", "domains", "menu", "quotas", "cards"] as const;
export type Tab = (typeof tabs)[number];

/** The parts of an account's page. */
export function tabsOf(account: Account, cards: number): Tab[] {
  const fits: Record<Tab, boolean> = {
    basic: true,
    server: listens(account),
    rights: hasRights(account),
    domains: account.kind !== "component",
    menu: isOfficial(account),
    quotas: hasRights(account),
    cards: cards > 0,
  };
  return tabs.filter((tab) => fits[tab]);
}
