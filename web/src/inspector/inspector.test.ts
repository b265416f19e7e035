import { expect, it } from "vitest";
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
