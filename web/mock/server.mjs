// A stand-in for the control interface, for work on the page alone: `npm run build && npm run mock`.
// It invents what the simulator would say. No test of the product reads it.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const policy = "default-src 'self'; img-src 'self' data: blob: http: https:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

const started = Date.now();
let frozenAt = null;
let offset = 0;
const now = () => frozenAt ?? Math.floor(Date.now() / 1000) + offset;
const accounts = [
  { appid: "wx00000000000000a1", secret: "s".repeat(32), kind: "service", verified: true, name: "桥头咖啡", alias: "bridge_coffee", original_id: "gh_0000000000a1", token: "bridge-token", aes_key: "k".repeat(42) + "A", mode: "safe", callback_url: "http://127.0.0.1:3000/wx" },
  { appid: "wx00000000000000a2", secret: "s".repeat(32), kind: "subscription", verified: false, name: "豆子周报", alias: "beans_weekly", original_id: "gh_0000000000a2", token: "beans-token", aes_key: "k".repeat(42) + "A", mode: "safe" },
  { appid: "wx00000000000000a3", secret: "s".repeat(32), kind: "subscription", verified: true, name: "晨间电台", original_id: "gh_0000000000a3" },
];
const users = [
  { id: "u1", nickname: "小林", openids: { wx00000000000000a1: "oXq1_xiaolin" } },
  { id: "u2", nickname: "阿萍", openids: {} },
];
const follows = new Set(["u1/wx00000000000000a1", "u1/wx00000000000000a2"]);
const talks = new Map();
const menu = { button: [{ type: "click", name: "点单", key: "ORDER" }, { type: "view", name: "我的订单", url: "http://127.0.0.1:3000/orders" }, { name: "门店", sub_button: [{ type: "click", name: "最近的门店", key: "NEAR" }, { type: "view", name: "全部门店", url: "http://127.0.0.1:3000/shops" }] }] };
let dev = { app: { url: "http://127.0.0.1:3000/wx", state: "connected" }, via: "direct", seed: 1, storage: "memory", version: "0.0.0", pause: false };
const rows = [];
const events = [];
const streams = new Set();
let serial = 0;
const media = new Map();

const talk = (user, account) => {
  const key = `${user}/${account}`;
  if (!talks.has(key)) talks.set(key, { items: [], unread: 0 });
  return talks.get(key);
};
function publish(kind, data) {
  const event = { id: events.length + 1, kind, data: JSON.stringify(data) };
  events.push(event);
  for (const out of streams) out.write(`id: ${event.id}\nevent: ${kind}\ndata: ${event.data}\n\n`);
}
function row(fields) {
  const one = { id: String(++serial), time: now(), wall_ms: Date.now(), state: "ok", label: { zh: "成功", en: "ok" }, subtitle: { zh: "", en: "" }, ...fields };
  rows.push(one);
  publish("row", one);
  return one;
}
function say(user, account, item) {
  const one = talk(user, account);
  one.items.push({ id: `m${++serial}`, time: now(), ...item });
  if (item.from !== "user") one.unread++;
  publish("chat", { user, account });
}
const both = (zh, en) => ({ zh, en });
const xml = (user, type, body) => `<xml><ToUserName><![CDATA[gh_0000000000a1]]></ToUserName><FromUserName><![CDATA[oXq1_${user}]]></FromUserName><CreateTime>${now()}</CreateTime><MsgType><![CDATA[${type}]]></MsgType>${body}</xml>`;

function push(user, account, what, type, body, reply) {
  const cause = `a${++serial}`;
  const person = users.find((one) => one.id === user);
  const owner = accounts.find((one) => one.appid === account);
  const base = { cause, account, account_name: owner?.name, user, user_name: person?.nickname };
  row({ ...base, kind: "act", title: both(`${person?.nickname} ${what}`, `${person?.nickname} ${what}`) });
  const cipher = Buffer.from(xml(user, type, body)).toString("base64");
  const request = { method: "POST", url: `http://127.0.0.1:3000/wx?signature=9f0c&timestamp=${now()}&nonce=7f3a&encrypt_type=aes&msg_signature=51d7e2a108bc`, headers: [["content-type", "text/xml"]], body: `<xml><ToUserName><![CDATA[gh_0000000000a1]]></ToUserName><Encrypt><![CDATA[${cipher}]]></Encrypt></xml>` };
  const signature = { algorithm: "sha1", parts: [{ name: "timestamp", value: String(now()) }, { name: "nonce", value: "7f3a" }, { name: "encrypt", value: cipher }, { name: "token", value: "bridge-token" }], expected: "51d7e2a108bc" };
  const late = reply === null;
  const callback = (attempt) => ({ ...base, kind: "callback", title: both(`回调 ${type} 第 ${attempt} 次`, `callback ${type}, attempt ${attempt}`), subtitle: both(`POST /wx · 安全模式 · MsgId 2473${serial}`, `POST /wx · safe mode · MsgId 2473${serial}`), ms: late ? 5001 : 12.4, callback: { delivery: `d${serial}`, attempt, of: 3, url: "http://127.0.0.1:3000/wx", mode: "safe", msg_type: type, event: /<Event><!\[CDATA\[(\w+)/.exec(body)?.[1], msg_id: `2473${serial}` }, request, plain: { request: xml(user, type, body) }, signature, timing: [{ name: "connect", ms: 0.4 }, { name: "first byte", ms: 11.2 }, { name: "body", ms: 0.8 }] });
  if (late) {
    for (const attempt of [1, 2, 3]) row({ ...callback(attempt), state: "error", label: both("5 秒未答", "no answer in 5 s"), diagnosis: { rule: "reply.timeout", cause: both("应用在五秒内没有答复，平台断开连接，一共投递三次。", "The app did not answer within five seconds; three attempts were made."), remedy: { zh: ["先立即回 success，做完再用客服消息发结果。", "或者经网关走，让它替你等。"], en: ["Answer success at once and send the result as a customer message.", "Or go through the gateway."] } } });
    say(user, account, { from: "system", via: "system", type: "text", content: "该公众号提供的服务出现故障，请稍后再试" });
    return;
  }
  row(callback(1));
  row({ ...base, kind: "reply", title: both(`被动回复 ${reply.type}`, `passive reply ${reply.type}`), subtitle: both("密文 312 B · 验签通过 · 已送达手机", "312 B encrypted · verified · shown in the phone"), plain: { response: xml(user, reply.type, `<Content><![CDATA[${reply.content ?? ""}]]></Content>`) }, response: { status: 200, headers: [["content-type", "text/xml"]], body: "<xml><Encrypt><![CDATA[…]]></Encrypt></xml>" } });
  setTimeout(() => say(user, account, { from: "account", via: "reply", ...reply }), 30);
}

function act(user, action) {
  const { account } = action;
  const key = `${user}/${account}`;
  if (action.do === "follow") {
    follows.add(key);
    say(user, account, { from: "system", type: "text", content: "你已关注该公众号" });
    push(user, account, "关注", "event", "<Event><![CDATA[subscribe]]></Event>", { type: "text", content: "欢迎！回复“菜单”看今日豆单。" });
  } else if (action.do === "unfollow") {
    follows.delete(key);
    push(user, account, "取消关注", "event", "<Event><![CDATA[unsubscribe]]></Event>", { type: "text", content: "" });
  } else if (action.do === "send") {
    const message = action.message;
    say(user, account, { from: "user", ...message });
    const text = message.content ?? message.type;
    const answers = {
      慢: null,
      图文: { type: "news", articles: [{ title: "三月豆单：耶加雪菲到店", description: "酸甜明亮，适合手冲", url: "http://127.0.0.1:3000/beans" }] },
      菜单: { type: "msgmenu", head_content: "想喝什么？", list: [{ id: "1", content: "美式" }, { id: "2", content: "拿铁" }], tail_content: "点一下就好" },
    };
    push(user, account, `说“${text}”`, message.type, `<Content><![CDATA[${text}]]></Content>`, text in answers ? answers[text] : { type: "text", content: `你说了：${text}` });
  } else if (action.do === "click") {
    push(user, account, `点“${action.key ?? action.url}”`, "event", `<Event><![CDATA[CLICK]]></Event><EventKey><![CDATA[${action.key ?? action.url}]]></EventKey>`, { type: "text", content: `今天的${action.key ?? "页面"}` });
  } else if (action.do === "enter") row({ cause: `a${++serial}`, kind: "act", user, account, title: both("进入公众号", "enters the account") });
  else return [501, { error: { code: "not_built", message: `${action.do} is not built` } }];
  return [200, { deliveries: [] }];
}

const routes = [
  ["GET", /^\/$/, () => ({ name: "mock", version: "0.0.0", now: now(), endpoints: { "api.weixin.qq.com": "http://127.0.0.1:8601", "qyapi.weixin.qq.com": "http://127.0.0.1:8602" } })],
  ["GET", /^\/dev$/, () => dev],
  ["POST", /^\/debug$/, (_, body) => (publish("dev", (dev = { ...dev, pause: body.pause })), {})],
  ["GET", /^\/clock$/, () => ({ now: now(), frozen: frozenAt !== null })],
  ["POST", /^\/clock$/, (_, body) => {
    if (body.freeze === true) frozenAt = now();
    if (body.freeze === false && frozenAt !== null) (offset = frozenAt - Math.floor(Date.now() / 1000)), (frozenAt = null);
    if (body.advance) frozenAt === null ? (offset += body.advance) : (frozenAt += body.advance);
    if (body.now) frozenAt === null ? (offset = body.now - Math.floor(Date.now() / 1000)) : (frozenAt = body.now);
    publish("clock", { now: now(), frozen: frozenAt !== null });
    return { now: now(), frozen: frozenAt !== null };
  }],
  ["GET", /^\/timeline$/, (_, __, query) => ({ items: rows.filter((one) => Number(one.id) > Number(query.get("after") ?? 0)).slice(0, 1000) })],
  ["GET", /^\/accounts$/, () => ({ items: accounts })],
  ["GET", /^\/users$/, () => ({ items: users })],
  ["POST", /^\/users$/, (_, body) => (users.push({ id: `u${++serial}`, nickname: body.nickname ?? `路人${serial}`, openids: {} }), publish("users", {}), users.at(-1))],
  ["GET", /^\/users\/([^/]+)\/chats$/, ([user]) => ({ items: accounts.map((one) => { const { items, unread } = talk(user, one.appid); const last = items.at(-1); return { account: one.appid, name: one.name, kind: one.kind, verified: one.verified, followed: follows.has(`${user}/${one.appid}`), folded: one.kind === "subscription", unread, last: last ? { time: last.time, preview: last.content ?? last.type } : null }; }) })],
  ["GET", /^\/users\/([^/]+)\/chat$/, ([user], _, query) => { const account = query.get("account"); const followed = follows.has(`${user}/${account}`); return { items: talk(user, account).items, followed, menu: account.endsWith("a1") && followed ? menu : null, window: followed ? { expires_at: now() + 172_000, remaining: null } : null, typing: false }; }],
  ["POST", /^\/users\/([^/]+)\/read$/, ([user], body) => ((talk(user, body.account).unread = 0), {})],
  ["POST", /^\/users\/([^/]+)\/actions$/, ([user], body) => act(user, body)],
  ["POST", /^\/faults$/, () => ({ id: `f${++serial}` })],
  ["DELETE", /^\/faults\/(.+)$/, () => ({})],
  ["PUT", /^\/accounts\/([^/]+)\/callback$/, () => [422, { verified: false, reason: "应用回的是 “hello”，不是 echostr" }]],
];

createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (!url.pathname.startsWith("/_sim/v1")) {
    const path = normalize(url.pathname === "/" ? "/index.html" : url.pathname);
    try {
      const bytes = await readFile(join(dist, path));
      response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream", "content-security-policy": policy }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
    return;
  }
  const path = url.pathname.slice(8);
  if (path === "/timeline/stream") {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    response.write(": hello\n\n");
    const after = Number(request.headers["last-event-id"] ?? events.length);
    for (const event of events.slice(after)) response.write(`id: ${event.id}\nevent: ${event.kind}\ndata: ${event.data}\n\n`);
    streams.add(response);
    request.on("close", () => streams.delete(response));
    return;
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (path === "/media" && request.method === "POST") {
    const id = `media${++serial}`;
    media.set(id, { bytes, type: request.headers["content-type"] });
    response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ media_id: id }));
    return;
  }
  if (path.startsWith("/media/")) {
    const found = media.get(path.slice(7));
    response.writeHead(found ? 200 : 404, { "content-type": found?.type ?? "text/plain" }).end(found?.bytes);
    return;
  }
  for (const [method, pattern, answer] of routes) {
    const hit = request.method === method && pattern.exec(path);
    if (!hit) continue;
    const result = answer(hit.slice(1), bytes.length ? JSON.parse(bytes) : {}, url.searchParams);
    const [status, body] = Array.isArray(result) ? result : [200, result];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    return;
  }
  response.writeHead(501, { "content-type": "application/json" }).end(JSON.stringify({ error: { code: "not_built", message: "the mock does not know this" } }));
}).listen(Number(process.env.PORT ?? 8699), "127.0.0.1", function () {
  act("u1", { do: "follow", account: accounts[0].appid });
  say("u1", accounts[1].appid, { from: "account", via: "mass", type: "text", content: "本周豆子：耶加雪菲" });
  for (let index = 0; index < Number(process.env.ROWS ?? 0); index++) row({ cause: `b${index >> 2}`, kind: index % 4 ? "callback" : "act", account: accounts[0].appid, user: "u1", title: both(`第 ${index} 行`, `row ${index}`), subtitle: both("POST /wx", "POST /wx"), ms: index % 50, state: index % 17 ? "ok" : "error" });
  console.log(`mock: http://127.0.0.1:${this.address().port}/ after ${Date.now() - started} ms`);
});
