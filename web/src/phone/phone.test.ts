import { describe, expect, it } from "vitest";
import type { ChatItem } from "../api/types";
import { settle, type Pending } from "./conversation";
import { silence } from "./silence";
import { pieces, withFaces } from "./text";

const item = (id: string, fields: Partial<ChatItem> = {}): ChatItem => ({ id, time: 1, from: "user", type: "text", ...fields });
const pending = (before: string[], fields: Partial<ChatItem> = {}): Pending => ({ ...item("p", fields), pending: true, before: new Set(before) });

describe("settle", () => {
  it("drops a bubble when its echo arrives, and only then", () => {
    expect(settle([pending(["1"])], [item("1")])).toHaveLength(1);
    expect(settle([pending(["1"])], [item("1"), item("2")])).toHaveLength(0);
  });
  it("lets one echo answer one bubble", () => {
    expect(settle([pending([]), pending([])], [item("1")])).toHaveLength(1);
  });
  it("takes neither another kind nor an answer of the account for the echo", () => {
    expect(settle([pending([])], [item("1", { type: "image" }), item("2", { from: "account" })])).toHaveLength(1);
  });
});

describe("pieces", () => {
  it("finds anchors, bare addresses and menu answers", () => {
    expect(pieces('看 <a href="http://a.cn/x?b=1&amp;c=2">这里</a> 或 https://b.cn/y。')).toEqual([
      { kind: "text", text: "看 " },
      { kind: "link", text: "这里", url: "http://a.cn/x?b=1&c=2" },
      { kind: "text", text: " 或 " },
      { kind: "link", text: "https://b.cn/y", url: "https://b.cn/y" },
      { kind: "text", text: "。" },
    ]);
    expect(pieces('<a href="weixin://bizmsgmenu?msgmenucontent=好&msgmenuid=101">好</a>')).toEqual([{ kind: "answer", text: "好", id: "101", content: "好" }]);
  });
  it("makes no link of another scheme", () => {
    expect(pieces('<a href="javascript:alert(1)">点</a>')).toEqual([{ kind: "text", text: "点" }]);
  });
  it("keeps what is no code", () => {
    expect(withFaces("[微笑] [不是表情] /::) a[0]")).toBe("🙂 [不是表情] 🙂 a[0]");
  });
});

it("records two seconds of nothing", async () => {
  const bytes = new Uint8Array(await silence(2).arrayBuffer());
  expect(new TextDecoder().decode(bytes.slice(0, 6))).toBe("#!AMR\n");
  expect(bytes.length).toBe(6 + 100);
});
