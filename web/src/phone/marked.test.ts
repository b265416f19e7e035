import { expect, it } from "vitest";
import { blocks, markedLines } from "./marked";

it("reads the marks that the phone knows, and leaves the rest as text", () => {
  expect(blocks('# 标题\n您的会议室**已预定**，<font color="warning">快去</font> [看看](https://a.cn/x)\n> `引用` <script>')).toEqual([
    { kind: "heading", parts: [{ kind: "text", text: "标题", tone: "" }] },
    {
      kind: "line",
      parts: [
        { kind: "text", text: "您的会议室", tone: "" },
        { kind: "bold", text: "已预定" },
        { kind: "text", text: "，", tone: "" },
        { kind: "text", text: "快去", tone: "warning" },
        { kind: "text", text: " ", tone: "" },
        { kind: "link", text: "看看", url: "https://a.cn/x" },
      ],
    },
    { kind: "quote", parts: [{ kind: "code", text: "引用" }, { kind: "text", text: " <script>", tone: "" }] },
  ]);
});

it("makes no link of another scheme", () => {
  expect(blocks("[点](javascript:alert(1))")[0]?.parts).toEqual([{ kind: "text", text: "[点](javascript:alert(1))", tone: "" }]);
});

it("puts the parts of a text card on lines of their own", () => {
  expect(markedLines('<div class="gray">2016年9月26日</div> <div class="normal">恭喜你</div>一<br>二')).toEqual([
    { text: "2016年9月26日", tone: "gray" },
    { text: "恭喜你", tone: "normal" },
    { text: "一", tone: "" },
    { text: "二", tone: "" },
  ]);
});
