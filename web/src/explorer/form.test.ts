import { expect, it } from "vitest";
import type { Endpoint, Meant } from "../api/types";
import { built, filled, initial, isShown, missing, sent } from "./form";
import { languages, snippet } from "./snippets";

const said = (text: string) => ({ zh: text, en: text });
const field = (name: string, type: Meant["type"], more: Partial<Meant> = {}): Meant => ({ name, type, required: false, meaning: said(""), ...more });
const inCase = (value: string) => ({ tag: "msgtype", value });
const message = [
  field("touser", "string", { required: true }),
  field("msgtype", "string", { required: true, values: [{ value: "text", meaning: said("") }, { value: "image", meaning: said("") }] }),
  field("text", "group", { case: inCase("text"), fields: [field("content", "string", { required: true })] }),
  field("image", "group", { case: inCase("image"), fields: [field("media_id", "string", { required: true })] }),
  field("kf", "group", { fields: [field("kf_account", "string", { required: true })] }),
];
const sample = { touser: "o?", msgtype: "text", text: { content: "hi" }, kf: { kf_account: "1" } };
const endpoint = (more: Partial<Endpoint> = {}) =>
  ({ id: "official_account.message.custom.send", product: "official_account", method: "POST", host: "api.weixin.qq.com", path: "/cgi-bin/message/custom/send", content: "json", auth_param: "access_token", bare: false, parameters: [], query: [], request: message, response: [], sample, ...more }) as unknown as Endpoint;

it("begins with what must be there, and with the person on the phone", () => {
  const values = initial(message, sample, { touser: "oMe" });
  expect(values).toEqual({ touser: "oMe", msgtype: "text", text: { content: "hi" }, image: undefined, kf: undefined });
  expect(built(message, values)).toEqual({ touser: "oMe", msgtype: "text", text: { content: "hi" } });
});

it("sends the body of the chosen case only", () => {
  const values = { ...initial(message, sample, {}), msgtype: "image", image: { media_id: "M" } };
  expect(message.filter((one) => isShown(one, values)).map((one) => one.name)).toEqual(["touser", "msgtype", "image", "kf"]);
  expect(built(message, values)).toEqual({ touser: "o?", msgtype: "image", image: { media_id: "M" } });
  expect(missing(message, { ...values, touser: "", image: { media_id: "" } })).toEqual(["touser", "image.media_id"]);
});

it("writes numbers bare, and long ones as they are", () => {
  const fields = [field("n", "integer"), field("long", "integer"), field("list", "list"), field("yes", "flag"), field("fixed", "string", { constant: "F" })];
  const values = { n: "7", long: "12345678901234567890", list: "[1]", yes: "true" };
  expect(built(fields, values)).toEqual({ n: 7, long: "12345678901234567890", list: [1], yes: true, fixed: "F" });
});

it("puts parameters into the path", () => {
  const one = endpoint({ method: "GET", path: "/v3/id/{transaction_id}", content: "none", parameters: [field("transaction_id", "string", { required: true })], query: [field("mchid", "string")], request: [] });
  const values = { ...filled(one, {}), parameters: { transaction_id: "a b" }, query: { mchid: "19" } };
  expect(sent(one, values)).toMatchObject({ path: "/v3/id/a%20b", query: { mchid: "19" }, body: undefined });
});

it("says the same request in every language", () => {
  const values = { ...filled(endpoint(), {}), request: { ...initial(message, sample, {}), text: { content: "it's \"so\"" } } };
  const request = sent(endpoint(), values);
  for (const language of languages) {
    const code = snippet(language, endpoint(), request, "http://127.0.0.1:1", "TOKEN");
    expect(code, language).toContain(language === "Rust" ? "official_account.message.custom.send" : "http://127.0.0.1:1/cgi-bin/message/custom/send?access_token=TOKEN");
    expect(code, language).toMatch(/it('\\'')?(\\)?(')?s/);
  }
  expect(snippet("curl", endpoint(), request, "http://h", "T")).toContain(`"it'\\''s \\"so\\""`);
});
