// Drives `xinqiao dev --browser`: the app's page under its real name, https, web login and the script of the phone.
//   node web/e2e/real-names.mjs target/debug/xinqiao
// Starts its own `dev` in memory, an app, and Chromium behind a wrapper that adds what a machine without a screen needs.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { check, expect, report, shot, until } from "./browser.mjs";

const HOST = "h5.example.com";
const binary = resolve(process.argv[2] ?? "target/debug/xinqiao");
const folder = mkdtempSync(join(tmpdir(), "real-names-"));
const wrapper = join(folder, "chromium");
writeFileSync(wrapper, `#!/bin/sh\nexec ${process.env.CHROMIUM ?? "/usr/bin/chromium"} --headless --disable-gpu --remote-debugging-port=0 "$@"\n`);
chmodSync(wrapper, 0o755);

// An app that knows nothing of the simulator: real addresses in its pages, nothing else.
let appid = "";
const heard = [];
const app = createServer((request, answer) => {
  const url = new URL(request.url, `https://${HOST}`);
  heard.push({ path: url.pathname, code: url.searchParams.get("code"), host: request.headers.host, agent: request.headers["user-agent"], scheme: request.headers["x-forwarded-proto"], cookie: request.headers.cookie });
  if (url.pathname === "/login") {
    const back = encodeURIComponent(`https://${HOST}/back`);
    answer.writeHead(302, { location: `https://open.weixin.qq.com/connect/oauth2/authorize?appid=${appid}&redirect_uri=${back}&response_type=code&scope=snsapi_base&state=s1#wechat_redirect`, "set-cookie": "own=1; Secure; SameSite=Lax" });
    answer.end();
    return;
  }
  answer.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  answer.end(`<!doctype html><title>app</title><h1>${url.pathname}</h1><script>window.early = typeof WeixinJSBridge</script>`);
});
await new Promise((done) => app.listen(0, "127.0.0.1", done));

const ready = join(folder, "ready.json");
const pages = `${HOST}=http://127.0.0.1:${app.address().port}`;
const dev = spawn(binary, ["dev", "--memory", "--port", "0", "--quiet", "--ready-file", ready, `--browser=${wrapper}`, "--page-host", pages], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
const ended = new Promise((done) => dev.on("exit", done));
const profile = join(folder, ".xinqiao/browser/profile/DevToolsActivePort");
let chrome, page;
try {
  await until(() => existsSync(ready) && existsSync(profile), "no browser", 30_000);
  const told = JSON.parse(readFileSync(ready));
  appid = told.accounts[0].appid;
  const [port] = readFileSync(profile, "utf8").split("\n");
  chrome = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
  page = await chrome.contexts()[0].newPage();
  page.setDefaultTimeout(10_000);
  const control = async (method, path, body) => {
    const answer = await fetch(`${told.control}${path}`, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });
    return answer.json();
  };
  const user = told.users[0].id;
  const opened = await control("POST", `/users/${user}/actions`, { do: "browse", account: appid, url: `https://${HOST}/login` });

  await check("the page logs in under its real name by https", page, async () => {
    await page.goto(opened.open);
    await page.waitForURL(`https://${HOST}/back**`);
    const back = heard.find((one) => one.path === "/back");
    expect(back?.code, `no code came back: ${JSON.stringify(heard)}`);
    expect(back.host === HOST && back.scheme === "https", JSON.stringify(back));
    expect(back.cookie === "own=1", `a cookie of the site is lost on the way back: ${back.cookie}`);
    const api = told.endpoints["api.weixin.qq.com"];
    const { secret } = told.accounts[0];
    const token = await (await fetch(`${api}/sns/oauth2/access_token?appid=${appid}&secret=${secret}&code=${back.code}&grant_type=authorization_code`)).json();
    expect(token.openid === told.users[0].openids[appid], JSON.stringify(token));
  });
  await check("the server hears the client's user agent", page, async () => {
    expect(/Android.*MicroMessenger\/8/.test(heard[0].agent), heard[0].agent);
  });
  await check("the page is one in the phone before its own scripts run", page, async () => {
    expect((await page.evaluate(() => window.early)) === "object", "no WeixinJSBridge when the page's scripts begin");
    const type = await page.evaluate(() => new Promise((done) => WeixinJSBridge.invoke("getNetworkType", {}, (said) => done(said.err_msg ?? JSON.stringify(said)))));
    return type;
  });
  await check("http pages are there too, and a host of the platform that nothing stands for is refused", page, async () => {
    await page.goto(`http://${HOST}/plain`);
    expect(heard.at(-1).scheme === "http" && heard.at(-1).host === HOST, JSON.stringify(heard.at(-1)));
    const refused = await page.goto("http://unknown.weixin.qq.com/x");
    expect(refused.status() === 502, `status ${refused.status()}`);
  });
  await check("the platform is trusted, and a certificate of somebody else is not", page, async () => {
    const known = await page.goto("https://api.weixin.qq.com/cgi-bin/token");
    expect(known.status() === 200, `status ${known.status()}`);
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1", "-keyout", join(folder, "key"), "-out", join(folder, "cert")], { stdio: "ignore" });
    const other = createTlsServer({ key: readFileSync(join(folder, "key")), cert: readFileSync(join(folder, "cert")) }, (_, answer) => answer.end("deceived"));
    await new Promise((done) => other.listen(0, "127.0.0.1", done));
    const failed = await page.goto(`https://localhost:${other.address().port}/`).catch((error) => error);
    other.close();
    expect(/ERR_CERT_AUTHORITY_INVALID/.test(String(failed)), String(failed));
  });
  await shot(page, "real-names");
} catch (error) {
  await check("the browser starts", page, () => Promise.reject(error));
  const log = join(folder, ".xinqiao/browser/browser.log");
  if (existsSync(log)) console.error(readFileSync(log, "utf8").slice(-2_000));
} finally {
  await chrome?.close().catch(() => undefined);
  dev.kill("SIGTERM");
  await ended;
  app.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(report());
