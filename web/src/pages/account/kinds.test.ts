import { expect, it } from "vitest";
import type { Account } from "../../api/types";
import { canBeVerified, corpOf, tabsOf } from "./kinds";

const account = (kind: string, appid = "wx1") => ({ kind, appid }) as Account;

it("accounts of other kinds look like what they are", () => {
  expect(tabsOf(account("service"), 2)).toEqual(["basic", "server", "rights", "domains", "menu", "quotas", "cards"]);
  expect(tabsOf(account("corp"), 1)).toEqual(["basic", "server", "domains", "cards"]);
  expect(tabsOf(account("component"), 0)).toEqual(["basic", "server"]);
  expect(tabsOf(account("website"), 0)).toEqual(["basic", "domains"]);
});

it("only official accounts are verified", () => {
  expect(["service", "subscription", "miniprogram", "corp", "component"].filter((kind) => canBeVerified(account(kind)))).toEqual(["service", "subscription"]);
});

it("a WeCom application has a corporation and a number", () => {
  expect(corpOf(account("corp", "ww1:1000002"))).toEqual({ corpid: "ww1", agentid: "1000002" });
  expect(corpOf(account("service"))).toBeUndefined();
});
