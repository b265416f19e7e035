import { expect, it } from "vitest";
import { joined, spread } from "./resend";

const message =
  "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><CreateTime>9</CreateTime><Content><![CDATA[a\n <b> </b>\n c]]></Content><Pics><item><Md5><![CDATA[x]]></Md5></item></Pics><Empty></Empty></xml>";

it("spreads a message over lines and puts it together as it was", () => {
  const text = spread(message);
  expect(text.split("\n")[1]).toBe("  <ToUserName><![CDATA[gh_1]]></ToUserName>");
  expect(text).toContain("<![CDATA[a\n <b> </b>\n c]]>");
  expect(joined(text)).toBe(message);
});

it("does the same with JSON, and leaves alone what is neither", () => {
  const notice = '{"id":"1","resource":{"plaintext":{"n":"a b"}}}';
  expect(spread(notice)).toContain('\n  "id"');
  expect(joined(spread(notice))).toBe(notice);
  for (const broken of ["<xml><oops", "{oops", "words"]) expect(joined(spread(broken)).replace(/\s/g, "")).toBe(broken.replace(/\s/g, ""));
});
