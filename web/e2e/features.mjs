// What features bring: the cashier, the messages of a corporation's applications, cards on an account's page.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { check, expect, shot, until } from "./browser.mjs";
import { compose, enterService } from "./phone.mjs";

/** The address that stands for a platform host. */
async function origin(browser, host) {
  const { body } = await browser.control("GET", "/");
  return body.endpoints[host];
}

/** A call of the second generation, signed by its merchant. */
async function signed(browser, merchant, path, fields) {
  const own = { mch_id: merchant.mchid, nonce_str: "n", ...fields };
  const pairs = Object.keys(own).sort().map((name) => `${name}=${own[name]}`);
  const sign = createHash("md5").update([...pairs, `key=${merchant.api_v2_key}`].join("&")).digest("hex").toUpperCase();
  const xml = `<xml>${Object.entries({ ...own, sign }).map(([name, value]) => `<${name}>${value}</${name}>`).join("")}</xml>`;
  return (await fetch(`${await origin(browser, "api.mch.weixin.qq.com")}${path}`, { method: "POST", body: xml })).text();
}

async function merchantOf(browser, appid) {
  const { body } = await browser.control("POST", "/merchants", { name: "桥头咖啡", appids: [appid] });
  return body;
}

/** An order of the second generation, open for whoever has its prepay_id. */
async function order(browser, appid, openid) {
  const merchant = await merchantOf(browser, appid);
  const answer = await signed(browser, merchant, "/pay/unifiedorder", { appid, body: "拿铁", out_trade_no: `T${Date.now()}`, total_fee: "1990", spbill_create_ip: "127.0.0.1", notify_url: "http://127.0.0.1:9/", trade_type: "JSAPI", openid });
  const prepay = /<prepay_id><!\[CDATA\[(.+?)\]\]>/.exec(answer)?.[1];
  expect(prepay, answer);
  return prepay;
}

/** Opens a mini program on the phone and hands its code in, as the program's server does. */
export async function logIn(browser, page) {
  const { body: account } = await browser.control("POST", "/accounts", { kind: "miniprogram", name: "豆子小店" });
  try {
    await page.locator("[data-test=to-list]").click();
    await page.locator("[data-test=tab-contacts]").click();
    await page.locator(`[data-test=program][data-account=${account.appid}]`).click();
    const code = (await page.locator("[data-test=login-code] .mono").textContent()).trim();
    await shot(page, "mini-program");
    const query = `appid=${account.appid}&secret=${account.secret}&js_code=${code}&grant_type=authorization_code`;
    const address = `${await origin(browser, "api.weixin.qq.com")}/sns/jscode2session?${query}`;
    const session = await (await fetch(address)).json();
    const user = await person(browser, page);
    expect(session.openid && session.openid === user.openids[account.appid], JSON.stringify(session));
    expect((await (await fetch(address)).json()).errcode === 40163, "a code is good once");
  } finally {
    await browser.control("DELETE", `/accounts/${account.appid}`);
  }
}

/** The person whose phone is open. */
async function person(browser, page) {
  const { body: users } = await browser.control("GET", "/users");
  const name = (await page.locator("[data-test=user].on").textContent()).trim();
  const { body: user } = await browser.control("GET", `/users/${users.items.find((one) => one.nickname === name).id}`);
  return user;
}

/** A site of the account's, whose one page says who came back with which code. */
async function site() {
  const server = createServer((asked, answer) => {
    const query = new URL(asked.url, "http://site").searchParams;
    answer.setHeader("content-type", "text/html; charset=utf-8").end(`<p id="code">${query.get("code")}</p><p id="state">${query.get("state")}</p>`);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { back: `http://127.0.0.1:${server.address().port}/back`, close: () => server.close() };
}

/** A login link, as an app writes it. */
function loginLink(appid, back, scope, state) {
  const query = new URLSearchParams({ appid, redirect_uri: back, response_type: "code", scope, state });
  return `https://open.weixin.qq.com/connect/oauth2/authorize?${query}#wechat_redirect`;
}

/** Calls the platform as the account. */
async function call(browser, account, path, body) {
  const base = await origin(browser, "api.weixin.qq.com");
  const { access_token } = await (await fetch(`${base}/cgi-bin/token?grant_type=client_credential&appid=${account.appid}&secret=${account.secret}`)).json();
  return (await fetch(`${base}${path}?access_token=${access_token}`, { method: "POST", body: JSON.stringify(body) })).json();
}

/** Opens what the sheet leads to, in the tab that is the phone's own. */
async function followed(page) {
  expect(/dev --browser/.test(await page.locator("[data-test=sheet-real]").textContent()), "what a plain tab lacks is not said");
  const [tab] = await Promise.all([page.context().waitForEvent("page"), page.locator("[data-test=sheet-open]").click()]);
  tab.setDefaultTimeout(8_000);
  return tab;
}

/** Who a code stands for. */
async function loggedIn(browser, account, tab, state) {
  await tab.locator("#code").waitFor();
  expect((await tab.locator("#state").textContent()) === state, `another state: ${tab.url()}`);
  const base = await origin(browser, "api.weixin.qq.com");
  const code = await tab.locator("#code").textContent();
  return (await fetch(`${base}/sns/oauth2/access_token?appid=${account.appid}&secret=${account.secret}&code=${code}&grant_type=authorization_code`)).json();
}

const SENT = [
  { msgtype: "text", text: { content: "明早九点开会" } },
  { msgtype: "textcard", textcard: { title: "领奖通知", description: '<div class="gray">2026年9月26日</div><div class="normal">恭喜你抽中一台手机</div><div class="highlight">请于 10 月 10 日前领取</div>', url: "https://example.com/prize", btntxt: "更多" } },
  { msgtype: "markdown", markdown: { content: '# 会议室已预定\n事项：`开会`\n>负责人：**小林**\n请<font color="warning">准时</font>，[看日程](https://example.com/day)' } },
  { msgtype: "news", news: { articles: [{ title: "中秋礼品", description: "今年有月饼", url: "https://example.com/gift" }] } },
  { msgtype: "template_card", template_card: { card_type: "text_notice", source: { desc: "企业微信" }, main_title: { title: "欢迎使用", desc: "小林，你好" }, emphasis_content: { title: "100", desc: "本周访客" }, sub_title_text: "下载企业微信还能抢红包", horizontal_content_list: [{ keyname: "邀请人", value: "阿明" }], card_action: { type: 1, url: "https://example.com/in" } } },
];

export async function run(browser) {
  const page = await browser.page();

  await check("the cashier takes an order, and its payment stands in the timeline", page, async () => {
    const account = await enterService(browser, page);
    await compose(page);
    const prepay = await order(browser, account.appid, (await person(browser, page)).openids[account.appid]);
    await page.locator("[data-test=more]").click();
    await shot(page, "tray");
    await page.locator("[data-test=sheet-cashier]").click();
    await page.locator("[data-test=pay-given]").fill(`prepay_id=${prepay}`);
    await shot(page, "cashier");
    await page.locator("[data-test=pay-go]").click();
    await page.locator("[data-test=paid]", { hasText: "¥19.90" }).waitFor();
    await shot(page, "cashier-paid");
    await page.locator("[data-test=sheet] button").first().click();
    const inspector = page.locator("[data-test=inspector]");
    await until(() => page.locator(".lines .cause.lit", { hasText: "收银台" }).isVisible(), "the act is not lit");
    await page.locator(".lines .cause.lit", { hasText: "收银台" }).click();
    await until(async () => /拿铁.*¥19\.90/.test(await inspector.textContent()), "the payment's facts are not in the inspector");
    await shot(page, "payment-facts");
  });

  await check("a till charges the phone's code once the password is entered, and the payer complains", page, async () => {
    const account = await enterService(browser, page);
    await compose(page);
    const merchant = await merchantOf(browser, account.appid);
    await page.locator("[data-test=more]").click();
    await page.locator("[data-test=sheet-pay_code]").click();
    await page.locator("[data-test=code-password]").check();
    await page.locator("[data-test=code-show]").click();
    const code = (await page.locator("[data-test=code-digits]").textContent()).replaceAll(" ", "");
    expect(/^1[0-5]\d{16}$/.test(code), code);
    await shot(page, "pay-code");
    const number = `M${Date.now()}`;
    const charge = { appid: account.appid, body: "美式", out_trade_no: number, total_fee: "1500", spbill_create_ip: "127.0.0.1", auth_code: code };
    const waiting = await signed(browser, merchant, "/pay/micropay", charge);
    expect(/USERPAYING/.test(waiting), waiting);
    await page.locator("[data-test=code-agree]").click();
    await page.locator("[data-test=code-paid]", { hasText: "¥15.00" }).waitFor();
    await shot(page, "pay-code-paid");
    const found = await signed(browser, merchant, "/pay/orderquery", { appid: account.appid, out_trade_no: number });
    expect(/<trade_state><!\[CDATA\[SUCCESS/.test(found), found);
    await page.locator("[data-test=sheet] button").first().click();
    await page.locator("[data-test=more]").click();
    await page.locator("[data-test=sheet-complaint]").click();
    await page.locator("[data-test=complaint-order]").fill(number);
    await page.locator("[data-test=complaint-detail]").fill("咖啡是凉的");
    await page.locator("[data-test=sheet] button[type=submit]").click();
    await page.locator("[data-test=complained]").waitFor();
    await shot(page, "complaint");
    const { body: complaints } = await browser.control("GET", `/merchants/${merchant.mchid}/complaints`);
    expect(complaints.items.length === 1, JSON.stringify(complaints));
    await page.locator("[data-test=sheet] button").first().click();
  });

  await check("a red packet is opened in the chat", page, async () => {
    const account = await enterService(browser, page);
    await compose(page);
    const merchant = await merchantOf(browser, account.appid);
    const user = await person(browser, page);
    const openid = user.openids[account.appid];
    const given = await signed(browser, merchant, "/mmpaymkttransfers/sendredpack", { wxappid: account.appid, mch_billno: `${merchant.mchid}20260101${String(Date.now()).slice(-10)}`, send_name: "桥头咖啡", re_openid: openid, total_amount: "888", total_num: "1", wishing: "新年快乐", client_ip: "127.0.0.1", act_name: "新年", remark: "谢谢" });
    expect(/<result_code><!\[CDATA\[SUCCESS/.test(given), given);
    const bubble = page.locator("[data-test=bubble][data-from=account]", { hasText: "新年快乐" }).last();
    await bubble.waitFor();
    await bubble.getByRole("button").click();
    await page.locator("[data-test=packet-open]").click();
    await page.locator("[data-test=packet-amount]", { hasText: "¥8.88" }).waitFor();
    await shot(page, "red-packet");
    await page.locator("[data-test=sheet] button").first().click();
  });

  await check("a link in a chat and one in the menu log a follower in unasked; whoever does not follow is asked", page, async () => {
    const account = await enterService(browser, page);
    const user = await person(browser, page);
    const openid = user.openids[account.appid];
    const { back, close } = await site();
    try {
      const link = loginLink(account.appid, back, "snsapi_userinfo", "chat");
      const said = await call(browser, account, "/cgi-bin/message/custom/send", { touser: openid, msgtype: "text", text: { content: `<a href="${link}">登录看看</a>` } });
      expect(said.errcode === 0, JSON.stringify(said));
      const fromChat = async () => {
        await page.locator("[data-test=bubble]", { hasText: "登录看看" }).last().getByText("登录看看").click();
        return followed(page);
      };
      const done = async (tab) => {
        await tab.close();
        await page.locator("[data-test=sheet] button").first().click();
      };
      const silent = await fromChat();
      const known = await loggedIn(browser, account, silent, "chat");
      expect(known.openid === openid && known.scope === "snsapi_userinfo", JSON.stringify(known));
      await done(silent);

      const view = { name: "我的", type: "view", url: loginLink(account.appid, back, "snsapi_userinfo", "menu") };
      const made = await call(browser, account, "/cgi-bin/menu/create", { button: [view] });
      expect(made.errcode === 0, JSON.stringify(made));
      await page.locator("[data-test=to-list]").click();
      await page.locator(`[data-test=thread][data-account="${account.appid}"]`).click();
      await page.locator("[data-test=menubar] button", { hasText: "我的" }).click();
      const pressed = await followed(page);
      const same = await loggedIn(browser, account, pressed, "menu");
      expect(same.openid === openid, JSON.stringify(same));
      await done(pressed);

      await browser.control("POST", `/users/${user.id}/actions`, { do: "unfollow", account: account.appid });
      const asked = await fromChat();
      await asked.locator("button[name=consent][value=yes]").waitFor();
      expect((await asked.textContent("body")).includes(account.name), "the page does not say who asks");
      await shot(asked, "consent");
      await asked.locator("button[name=consent][value=yes]").click();
      const agreed = await loggedIn(browser, account, asked, "chat");
      expect(agreed.openid === openid, JSON.stringify(agreed));
      await done(asked);
      await browser.control("POST", `/users/${user.id}/actions`, { do: "follow", account: account.appid });
    } finally {
      close();
    }
  });

  await check("what an application sends is shown kind by kind", page, async () => {
    const { body: accounts } = await browser.control("GET", "/accounts");
    const agent = accounts.items.find((one) => one.kind === "corp");
    expect(agent, "no application in the seeded world");
    const { body: members } = await browser.control("GET", `/corps/${agent.corpid}/members`);
    const member = members.items.find((one) => one.user);
    const base = await origin(browser, "qyapi.weixin.qq.com");
    const token = (await (await fetch(`${base}/cgi-bin/gettoken?corpid=${agent.corpid}&corpsecret=${agent.secret}`)).json()).access_token;
    for (const message of SENT) {
      const answer = await (await fetch(`${base}/cgi-bin/message/send?access_token=${token}`, { method: "POST", body: JSON.stringify({ touser: member.userid, agentid: agent.agentid, ...message }) })).json();
      expect(answer.errcode === 0, JSON.stringify(answer));
    }
    const { body: person } = await browser.control("GET", `/users/${member.user}`);
    await page.locator("[data-test=user]", { hasText: person.nickname }).click();
    await page.locator("[data-test=to-list]").click();
    await page.locator(`[data-test=thread][data-account="${agent.appid}"]`).click();
    for (const { msgtype } of SENT) await page.locator(`[data-test=bubble][data-type=${msgtype}]`).last().waitFor();
    await shot(page, "agent-chat-end");
    await page.locator("[data-test=chat] .chat").evaluate((box) => (box.scrollTop = 0));
    await shot(page, "agent-chat");
    await page.locator("[data-test=bubble][data-type=textcard] button").last().click();
    expect((await page.locator("[data-test=sheet-url]").textContent()) === "https://example.com/prize", "another page");
    await page.locator("[data-test=sheet] button").first().click();
    return SENT.map((one) => one.msgtype).join(" ");
  });

  await check("a mini program is opened from the contacts, and its code logs the person in once", page, () => logIn(browser, page));

  await check("an account's page shows what features know of it", page, async () => {
    const { body: accounts } = await browser.control("GET", "/accounts");
    const account = accounts.items.find((one) => one.kind === "service");
    await page.goto(`${browser.origin}/#/accounts`);
    await page.locator(".pick-row", { hasText: account.name }).first().click();
    await page.locator("[data-test=account-cards]").click();
    await page.locator("[data-card=tags] td", { hasText: "星标组" }).waitFor();
    await shot(page, "account-cards");
  });

  await check("no error in the browser's console", page, async () => {
    expect(page.complaints.length === 0, page.complaints.join(" · "));
  });
  await page.context().close();
}
