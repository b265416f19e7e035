import { expect, it } from "vitest";
import type { Account } from "../api/types";
import { forms, settings } from "./connect";

const account = { appid: "wx1", secret: "s1", token: "t1", aes_key: "k1", kind: "service", verified: true, name: "x" } as Account;
const endpoints = { "api.weixin.qq.com": "http://127.0.0.1:8601", "open.weixin.qq.com": "http://127.0.0.1:8602", "mp.weixin.qq.com": "http://127.0.0.1:8603", "rare.qq.com": "http://127.0.0.1:8601" };

it("every form has who the account is and where the platform stands", () => {
  for (const form of forms) {
    const text = settings(form, account, endpoints);
    for (const part of ["wx1", "s1", "t1", "k1", ":8601"]) expect(text, form).toContain(part);
  }
});

it("Spring gets all three hosts, a container this machine's other name", () => {
  expect(settings("Spring", account, endpoints)).toContain("wx.mp.hosts.mp-host=http://127.0.0.1:8603");
  expect(settings("Docker", account, endpoints)).toContain("XINQIAO_HOST_API_WEIXIN_QQ_COM=http://host.docker.internal:8601");
  expect(settings("Docker", account, endpoints)).not.toContain("127.0.0.1");
});
