import { afterEach, expect, it, vi } from "vitest";
import { api } from "./client";

afterEach(() => vi.unstubAllGlobals());

/** Answers lists three at a time, as the simulator does with more. */
function paged(names: string[]) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    const after = new URL(url, "http://x").searchParams.get("after");
    const from = after === null ? 0 : names.indexOf(after) + 1;
    const items = names.slice(from, from + 3).map((appid) => ({ appid, id: appid }));
    const next = from + 3 < names.length ? { next: names[from + 2] } : {};
    return Promise.resolve(new Response(JSON.stringify({ items, ...next })));
  });
  return asked;
}

it("follows the pages of a list to its end", async () => {
  const names = ["a", "b", "c", "d:1", "e", "f", "g"];
  const asked = paged(names);
  expect((await api.accounts()).map((one) => one.appid)).toEqual(names);
  expect(asked).toEqual(["/_sim/v1/accounts", "/_sim/v1/accounts?after=c", "/_sim/v1/accounts?after=f"]);
});

it("reads a whole chat, with what its last page says of it", async () => {
  const asked = paged(["i1", "i2", "i3", "i4"]);
  const chat = await api.chat("u1", "a:1");
  expect(chat.items.map((one) => one.id)).toEqual(["i1", "i2", "i3", "i4"]);
  expect(asked).toEqual(["/_sim/v1/users/u1/chat?account=a%3A1", "/_sim/v1/users/u1/chat?account=a%3A1&after=i3"]);
});

it("asks for one page of people at a time", async () => {
  const asked = paged(["u1", "u2", "u3", "u4"]);
  const first = await api.users();
  expect(first.next).toBe("u3");
  expect((await api.users(first.next)).items.map((one) => one.id)).toEqual(["u4"]);
  expect(asked).toHaveLength(2);
});
