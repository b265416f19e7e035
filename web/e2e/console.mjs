// What the console does to the world: resend, edit and resend; rights, quotas, menus; the API explorer; many people.
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bubbles, enterService, talk } from "./phone.mjs";
import { check, expect, shot, until } from "./browser.mjs";

export async function run(browser) {
  const page = await browser.page();
  const word = `重发 ${Date.now()}`;
  let account;

  await check("r edits a callback and sends it again", page, async () => {
    account = await enterService(browser, page);
    await talk(page, word);
    await page.locator(".lines .row.lit[data-kind=callback]").first().click();
    await page.keyboard.press("r");
    const editor = page.locator("[data-test=resend-text]");
    await editor.waitFor();
    const text = await editor.inputValue();
    expect(text.includes(word) && text.split("\n").length > 4, "the message does not stand in the editor, spread over lines");
    await shot(page, "resend");
    await editor.fill(text.replace(word, `${word} 改`));
    await page.locator("[data-test=resend-new]").check();
    await page.locator("[data-test=resend-go]").click();
    await until(async () => (await bubbles(page, "account").allTextContents()).some((one) => one.includes(`${word} 改`)), "the app did not get the edited text");
    await until(async () => (await page.locator(".lines .cause.lit").textContent().catch(() => "")).includes("改后重发"), "the rows of the resend do not light up");
    const { body } = await browser.control("GET", `/deliveries?account=${account.appid}`);
    const [first, again] = body.items.filter((one) => one.plain.includes(word));
    expect(again && first.msg_id !== again.msg_id, "the MsgId is the same");
    expect(again.settled && again.attempts[0].status === 200, "it was not answered");
  });

  await check("the button sends it as it was, with the same MsgId", page, async () => {
    await page.locator(".lines .row.lit[data-kind=callback]").first().click();
    await page.locator("[data-test=resend-open]").click();
    await page.locator("[data-test=resend-go]").click();
    const again = await until(async () => {
      const { body } = await browser.control("GET", `/deliveries?account=${account.appid}`);
      const found = body.items.filter((one) => one.plain.includes(`${word} 改`));
      return found.length === 2 && found.every((one) => one.request) && found;
    }, "nothing was sent");
    expect(again[0].plain === again[1].plain && again[0].msg_id === again[1].msg_id, "it is another message");
    expect(again[0].request.query !== again[1].request.query, "the signature is the old one");
    await page.locator("[data-test=resend-text]").waitFor({ state: "detached" });
  });

  await check("a call that only its schema answers is amber, and says that nothing reached the phone", page, async () => {
    const { body: line } = await browser.control("GET", "/catalog/official_account");
    const hollow = line.items.find((one) => one.fidelity === "fallback" && one.auth === "access_token" && one.method === "GET" && !one.path.includes("{"));
    const { body } = await browser.control("POST", "/call", { endpoint: hollow.id, account: account.appid });
    expect(body.status === 200, JSON.stringify(body));
    await page.goto(`${browser.origin}/#/timeline`);
    await page.locator("[data-test=filter-text]").fill(hollow.path);
    const row = page.locator(".lines .row[data-kind=call]").last();
    await row.locator(".chip.warn").waitFor();
    await row.click();
    await page.locator("[data-test=hollow]").waitFor();
    expect((await page.locator("[data-test=unseen]").count()) === 0, "it speaks of an act that is older than the filter");
    await shot(page, "hollow");
    const said = await page.locator("[data-test=hollow]").textContent();
    await page.locator("[data-test=curl]").click();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    const answer = execFileSync("bash", ["-c", command], { stdio: ["ignore", "pipe", "ignore"] }).toString();
    expect(JSON.parse(answer).status === 200, `the copied curl does not run: ${answer}`);
    await page.locator("[data-test=filter-text]").fill("");
    return said;
  });

  await check("an act that the filter hides is told", page, async () => {
    await page.goto(`${browser.origin}/#/phone`);
    await page.locator("[data-test=kind-error]").click();
    await talk(page, "没有错");
    await page.locator("[data-test=unseen]").waitFor();
    await page.locator("[data-test=unseen] button").click();
    await page.locator("[data-test=unseen]").waitFor({ state: "detached" });
  });

  await check("a message to a lost simulator keeps its text", page, async () => {
    const say = page.locator("[data-test=say]");
    await page.route("**/actions", (route) => route.abort());
    await say.fill("别丢了");
    await say.press("Enter");
    await page.locator(".toast.bad").waitFor();
    expect((await say.inputValue()) === "别丢了", "the text is gone");
    expect(!(await page.locator(".toast.bad").textContent()).includes("TypeError"), "it says what the browser says");
    await page.unroute("**/actions");
    await say.fill("");
    page.complaints = page.complaints.filter((one) => !one.includes("ERR_FAILED"));
  });

  await check("the unread mark stays on a chat that is not open", page, async () => {
    await page.locator("[data-test=to-list]").click();
    const openid = await page.evaluate(async (appid) => {
      const { items } = await (await fetch("/_sim/v1/users")).json();
      return items.find((one) => one.openids?.[appid])?.openids[appid];
    }, account.appid);
    const body = JSON.stringify({ touser: openid, msgtype: "text", text: { content: "未读" } });
    await browser.control("POST", "/call", { endpoint: "official_account.message.custom.send", account: account.appid, body });
    const thread = page.locator(`[data-test=thread][data-account=${account.appid}]`);
    await thread.locator(".badge").waitFor();
    await page.waitForTimeout(300);
    expect(await thread.locator(".badge").isVisible(), "it was read unseen");
    await thread.click();
    await page.locator("[data-test=back]").click();
    await thread.locator(".badge").waitFor({ state: "detached" });
  });

  const open = async (name, rest = "") => {
    await page.goto(`${browser.origin}/#/${name}${rest ? `/${encodeURIComponent(rest)}` : ""}`);
    await page.locator(`main[data-page=${name}] h1`).waitFor({ state: "attached" });
  };

  await check("an account's rights are told call by call, and switched", page, async () => {
    const { body: made } = await browser.control("POST", "/accounts", { kind: "subscription", verified: false, name: "没认证的" });
    await open("accounts", made.appid);
    await page.locator("[data-test=account-rights]").click();
    await page.locator("[data-test=rights-find]").fill("msg.custom");
    const right = page.locator(".right").first();
    await right.locator(".fold").click();
    await right.locator("a code", { hasText: "/cgi-bin/message/custom/send" }).first().waitFor();
    expect((await right.textContent()).includes("48001"), "no verdict at the calls");
    await shot(page, "account-rights");
    await page.locator("[data-test='right-msg.custom']").click();
    await until(async () => (await browser.control("GET", `/accounts/${made.appid}`)).body.permissions["msg.custom"] === true, "the right was not given");
    await page.locator("[data-test=account-domains]").click();
    await page.locator("[data-test=domain-oauth]").fill("example.com");
    await page.locator("[data-test=domain-ips]").fill("127.0.0.1\n10.0.0.0/8");
    await page.locator("[data-test=domain-save]").click();
    await until(async () => (await browser.control("GET", `/accounts/${made.appid}`)).body.oauth_domain === "example.com", "the domain was not stored");
    await page.locator("[data-test=account-basic]").click();
    await page.locator("[data-test=secret-renew]").click();
    const fresh = await page.locator("[data-test=secret-new] code").first().textContent();
    expect(fresh === (await browser.control("GET", `/accounts/${made.appid}`)).body.secret && fresh !== made.secret, "the new secret is not shown");
    await shot(page, "account-basic");
    await page.locator("[data-test=account-delete]").click();
    await page.locator("[data-test=account-delete]").click();
    await until(async () => (await browser.control("GET", `/accounts/${made.appid}`)).status === 404, "the account is still there");
    await page.locator(".toast", { hasText: "没认证的" }).waitFor();
  });

  await check("a menu is written, published and shown; its calls are counted", page, async () => {
    await open("accounts", account.appid);
    await page.locator("[data-test=account-menu]").click();
    const json = page.locator("[data-test=menu-json]");
    await until(async () => (await json.inputValue()).includes("button"), "no menu to begin with");
    const before = await json.inputValue();
    await json.fill(JSON.stringify({ button: [{ type: "click", name: "控制台", key: "K" }] }));
    await page.locator("[data-test=menu-publish]").click();
    await page.locator(".menu-look", { hasText: "控制台" }).waitFor();
    await until(async () => (await browser.control("POST", "/call", { endpoint: "official_account.menu.get", account: account.appid })).body.body.includes("控制台"), "the menu was not published");
    await shot(page, "account-menu");
    await browser.control("POST", "/call", { endpoint: "official_account.menu.create", account: account.appid, body: before });
    await page.locator("[data-test=account-quotas]").click();
    await page.locator("[data-test=quotas] tr", { hasText: "/cgi-bin/menu/create" }).waitFor();
    await shot(page, "account-quotas");
  });

  await check("accounts of WeCom and platforms look like what they are", page, async () => {
    const { body } = await browser.control("GET", "/accounts");
    for (const kind of ["corp", "component"]) {
      const own = body.items.find((one) => one.kind === kind);
      if (!own) continue;
      await open("accounts", own.appid);
      await page.locator("[data-test=account-basic]").click();
      expect((await page.locator("[data-test=verify]").count()) === 0, `${kind} can be verified`);
      expect((await page.locator("[data-test=account-menu]").count()) === 0, `${kind} has a menu`);
      if (kind === "corp") expect((await page.locator(".accounts .kv").textContent()).includes("CorpID"), "no CorpID");
      await shot(page, `account-${kind}`);
    }
  });

  await check("an endpoint is found, filled in, called and copied as code that runs", page, async () => {
    await open("explorer");
    await page.locator("[data-test=explorer-find]").fill("message custom send");
    await page.locator("[data-test=endpoint]", { hasText: "/cgi-bin/message/custom/send" }).first().click();
    await page.locator("[data-test=field-content]").fill("从调试页发的");
    await page.locator("[data-test=explorer-send]").click();
    const answer = page.locator("[data-test=explorer-answer]");
    await answer.locator(".chip.ok").waitFor();
    await shot(page, "explorer");
    const folder = mkdtempSync(join(tmpdir(), "snippets-"));
    const code = () => page.locator("[data-test=explorer] .code pre").last().textContent();
    await page.locator("[data-test=code-curl]").click();
    const curl = execFileSync("bash", ["-c", await code()], { stdio: ["ignore", "pipe", "ignore"] }).toString();
    expect(JSON.parse(curl).errcode === 0, `curl: ${curl}`);
    await page.locator("[data-test=code-Node]").click();
    writeFileSync(join(folder, "call.mjs"), await code());
    const node = execFileSync("node", [join(folder, "call.mjs")]).toString();
    expect(node.includes('"errcode":0'), `Node: ${node}`);
    for (const language of ["Python", "Java", "PHP", "Go", "Rust"]) {
      await page.locator(`[data-test=code-${language}]`).click();
      expect((await code()).includes("从调试页发的"), `${language} lacks the text`);
      if (process.env.E2E_SNIPPETS) writeFileSync(join(process.env.E2E_SNIPPETS, `${language}.txt`), await code());
    }
  });

  await check("a file is uploaded from a form", page, async () => {
    await open("explorer", "official_account.media.upload");
    await page.locator("[data-test=field-media]").setInputFiles({ name: "a.png", mimeType: "image/png", buffer: PIXEL });
    await page.locator("[data-test=field-type]").fill("image");
    await page.locator("[data-test=explorer-send]").click();
    await page.locator("[data-test=explorer-answer] .chip.ok").waitFor();
    expect((await page.locator("[data-test=explorer-answer]").textContent()).includes("media_id"), "no media_id");
  });

  await check("three tries of one push are one row, each of them a click away", page, async () => {
    const { body } = await browser.control("GET", "/accounts");
    const other = body.items.find((one) => one.kind === "service" && one.appid !== account.appid);
    const server = createServer((request, answer) => {
      const echo = new URL(request.url, "http://x").searchParams.get("echostr");
      answer.statusCode = echo ? 200 : 500;
      answer.end(echo ?? "");
    });
    await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
    const url = `http://127.0.0.1:${server.address().port}/wx`;
    expect((await browser.control("PUT", `/accounts/${other.appid}/callback`, { url, mode: "plain" })).status === 200, "the server was refused");
    await browser.control("POST", "/users/u1/actions", { do: "follow", account: other.appid });
    server.close();
    server.closeAllConnections();
    await open("timeline");
    await page.locator("[data-test=filter-text]").fill("subscribe");
    const push = page.locator(".lines .row[data-kind=callback]").filter({ hasText: "subscribe" }).filter({ hasText: "①②③" });
    await push.waitFor();
    expect((await push.count()) === 1, "more than one row");
    await push.click();
    await page.locator("[data-test=try]").first().click();
    await until(async () => (await page.locator("[data-test=inspector] dl.kv").first().textContent()).includes("1 / 3"), "the first try is not shown");
    expect((await page.locator(".lines .row.on").count()) === 1, "its row is no longer marked");
    await shot(page, "three-tries");
    await page.locator("[data-test=filter-text]").fill("");
  });

  await check("a click on a bubble shows where it came from; a row's address survives a reload", page, async () => {
    await open("phone");
    await page.reload();
    await enterService(browser, page);
    await talk(page, "从气泡看");
    await talk(page, "再说一句");
    await bubbles(page, "account").filter({ hasText: "从气泡看" }).last().click();
    await until(async () => (await page.locator(".lines .cause.lit").textContent().catch(() => "")).includes("从气泡看"), "the rows of the older bubble do not light up");
    await open("timeline");
    await page.locator(".lines .row").first().click();
    const title = await page.locator("[data-test=inspector] h2").textContent();
    expect(/#\/timeline\/\d+/.test(page.url()), `no address: ${page.url()}`);
    await page.reload();
    await until(async () => (await page.locator("[data-test=inspector] h2").textContent().catch(() => "")) === title, "the row is not open after a reload");
    expect((await page.locator(".rail .n.bad").count()) === 0, "the errors were looked at, and the mark is still there");
  });

  await check("⌘K finds endpoints and does things", page, async () => {
    await page.keyboard.press("Control+k");
    await page.locator(".palette input").fill("menu/addconditional");
    await page.locator(".palette li", { hasText: "/cgi-bin/menu/addconditional" }).waitFor();
    await page.keyboard.press("Enter");
    await page.locator("[data-test=explorer] header h2").waitFor();
    await page.keyboard.press("Control+k");
    await page.locator(".palette input").fill("冻结");
    await page.locator(".palette li", { hasText: "冻结" }).first().click();
    await until(async () => (await browser.control("GET", "/clock")).body.frozen === true, "the clock was not frozen");
    await browser.control("POST", "/clock", { freeze: false });
    await browser.control("POST", "/clock", { now: Math.floor(Date.now() / 1000) });
  });

  await check("the connect page has the four values, settings to paste, and takes an address", page, async () => {
    await open("settings");
    const { body: own } = await browser.control("GET", `/accounts/${account.appid}`);
    await page.locator("[data-test=connect-account]").selectOption(account.appid);
    expect((await page.locator("[data-test=connect-values]").textContent()).includes(own.aes_key), "no EncodingAESKey");
    await page.locator("[data-test=form-Spring]").click();
    await until(async () => (await page.locator(".halves .code pre").first().textContent()).includes(`wx.mp.secret=${own.secret}`), "no settings for Spring");
    await shot(page, "connect");
    await page.locator("[data-test=connect-go]").click();
    await page.locator("[data-test=connect-verdict].ok").waitFor();
    await page.locator("[data-test=connect-url]").fill("http://127.0.0.1:9/wx");
    await page.locator("[data-test=connect-go]").click();
    await page.locator("[data-test=connect-verdict].bad").waitFor();
    page.complaints = page.complaints.filter((one) => !/status of 422/.test(one));
  });

  await check("a delay is a time, and a status is one", page, async () => {
    await open("faults");
    await page.locator("[data-test=fault-path]").fill("/cgi-bin/menu/gett");
    await page.locator("[data-test=fault-strange]").waitFor();
    await page.locator("[data-test=fault-path]").fill("/cgi-bin/menu/get");
    await page.locator("[data-test=fault-strange]").waitFor({ state: "detached" });
    for (const [effect, value] of [["delay_ms", "6000"], ["http_status", "503"], ["errcode", "-1"]]) {
      await page.locator("[data-test=fault-effect]").selectOption(effect);
      await until(async () => (await page.locator("[data-test=fault-value]").inputValue()) === value, `${effect} begins with another value`);
    }
  });

  await check("three thousand people: listed a screen at a time, and found", page, async () => {
    await browser.control("POST", "/users", { count: 3_000 });
    await browser.control("POST", "/users", { nickname: "最后来的人" });
    await open("users");
    await page.reload();
    await page.locator("[data-test=user-row]").first().waitFor();
    expect((await page.locator("[data-test=user-row]").count()) < 60, "every row is in the page");
    const began = performance.now();
    await page.locator("[data-test=users-find]").fill("最后来的");
    await page.locator("[data-test=user-row]", { hasText: "最后来的人" }).waitFor();
    const ms = Math.round(performance.now() - began);
    await shot(page, "users-many");
    return `${ms} ms`;
  });

  await check("no error in the browser's console", page, async () => {
    expect(page.complaints.length === 0, page.complaints.join(" · "));
  });
  await page.context().close();
}

const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAADAAAAAwCAIAAADYYG7QAAAAS0lEQVR4nO3OAQkAMAwDsPo3vYkYPDRCAiTbqWrLB0JCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkL/B9zTZAERCzYmAAAAAElFTkSuQmCC", "base64");
