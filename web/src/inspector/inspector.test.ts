import { describe, expect, it } from "vitest";
import type { Row } from "../api/types";
import { nextMidnight } from "../time";
import { curl } from "./curl";
import { pretty, xmlMarks } from "./xml";

const text = (xml: string) => xmlMarks(xml).map((line) => line.map((mark) => mark.text).join(""));

it("indents XML without changing what it says", () => {
  expect(text("<xml><A><![CDATA[a<b]]></A><B>1</B><C></C><D><E/></D></xml>")).toEqual(["<xml>", "  <A><![CDATA[a<b]]></A>", "  <B>1</B>", "  <C></C>", "  <D>", "    <E/>", "  </D>", "</xml>"]);
});

it("shows broken XML as it is", () => {
  expect(text("<xml><A>").join("\n")).toContain("<A>");
  expect(text("no xml at all").join("")).toContain("no xml at all");
});

it("indents JSON and leaves the rest alone", () => {
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(pretty("{broken")).toBe("{broken");
});

it("writes a command that a shell takes", () => {
  const command = curl({ method: "POST", url: "http://127.0.0.1/x?a=1&b=2", headers: [["Content-Type", "text/xml"], ["Host", "x"]], body: "<a>it's</a>" });
  expect(command).toBe("curl -i 'http://127.0.0.1/x?a=1&b=2' \\\n  -H 'Content-Type: text/xml' \\\n  --data-binary '<a>it'\\''s</a>'");
});

it("finds the next midnight in Shanghai", () => {
  // 2024-03-14 10:21:07 +08:00 → 2024-03-15 00:00:00 +08:00
  expect(nextMidnight(1710382867)).toBe(1710432000);
});

describe("a call as curl", () => {
  const request = {
    method: "POST",
    url: "https://api.weixin.qq.com/cgi-bin/message/custom/send?access_token=00_SIM…(137)&a=1",
    headers: [["host", "api.weixin.qq.com"]] as [string, string][],
    body: '{"touser":"o\'1"}',
  };
  const call = { endpoint: "official_account.message.custom.send" };
  const row = { account: "wx1", call } as unknown as Row;

  it("runs against the simulator, with a token of its own", () => {
    const text = curl(request, row, "http://127.0.0.1:8600");
    expect(text.split(" ")[1]).toBe("'http://127.0.0.1:8600/_sim/v1/call'");
    expect(text).not.toContain("qq.com");
    expect(text).not.toContain("access_token");
    expect(text).toContain('"query":{"a":"1"}');
    expect(text).toContain("o'\\''1");
  });
  it("stays what it was where nobody knows who calls", () => {
    expect(curl(request)).toContain("api.weixin.qq.com");
  });
});
