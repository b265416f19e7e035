// The other pages: accounts, users, clock and faults, where SDKs find the platform.
import { check, expect, shot, until } from "./browser.mjs";

export async function run(browser) {
  const page = await browser.page();
  const open = async (name) => {
    await page.goto(`${browser.origin}/#/${name}`);
    await page.locator(`main[data-page=${name}] h1`).waitFor({ state: "attached" });
  };

  await check("server settings: a refused handshake says why and stores nothing", page, async () => {
    const { body } = await browser.control("GET", "/accounts");
    const account = (body.items ?? body).find((one) => one.kind === "subscription");
    await open("accounts");
    await page.locator(".pick-row", { hasText: account.name }).click();
    await page.locator("[data-test=account-server]").click();
    await page.locator("[data-test=server-url]").fill("http://127.0.0.1:9/wx");
    await page.locator("[data-test=server-save]").click();
    const verdict = page.locator("[data-test=server-verdict].bad");
    await verdict.waitFor();
    await shot(page, "server-refused");
    const { body: after } = await browser.control("GET", "/accounts");
    const now = (after.items ?? after).find((one) => one.appid === account.appid);
    expect((now.callback_url ?? "") === (account.callback_url ?? ""), "the address was stored");
    return (await verdict.locator("p").textContent()).slice(0, 90);
  });

  await check("a new user gets a phone", page, async () => {
    await open("users");
    const name = `小测${Date.now() % 1000}`;
    await page.locator("[data-test=user-new]").click();
    await page.locator("[data-test=user-name]").fill(name);
    await page.locator("[data-test=user-create]").click();
    const person = page.locator(".person", { hasText: name });
    await person.waitFor();
    await shot(page, "users");
    await person.locator("button").click();
    await until(async () => (await page.locator("[data-test=user].on").textContent().catch(() => "")) === name, "the phone is not theirs");
  });

  await check("the clock jumps, freezes and comes back", page, async () => {
    await open("faults");
    const now = async () => (await browser.control("GET", "/clock")).body.now;
    const before = await now();
    await page.locator(".bar .seg button").nth(2).click();
    await until(async () => (await now()) - before >= 3_600, "no hour passed");
    await page.locator(".bar .seg button").nth(1).click();
    await until(async () => (await browser.control("GET", "/clock")).body.frozen === true, "not frozen");
    await page.waitForTimeout(500);
    const still = await page.locator("[data-test=world-clock]").textContent();
    await page.waitForTimeout(1_200);
    expect((await page.locator("[data-test=world-clock]").textContent()) === still, "the shown clock goes on");
    await page.locator(".bar .seg button").nth(0).click();
    await until(async () => Math.abs((await now()) - Date.now() / 1000) < 3, "not back at real time");
  });

  await check("a fault is set and taken back", page, async () => {
    await open("faults");
    await page.locator(".halves form button[type=submit]").click();
    const fault = page.locator(".person", { hasText: "/cgi-bin/message/custom/send" });
    await fault.waitFor();
    await shot(page, "faults");
    await fault.locator("button").click();
    await fault.waitFor({ state: "detached" });
  });

  await check("the platform's addresses are listed", page, async () => {
    await open("settings");
    const host = page.locator(".person", { hasText: "api.weixin.qq.com" }).first();
    await host.waitFor();
    await shot(page, "settings");
    return (await host.textContent()).replace(/\s+/g, " ").trim();
  });

  await check("no error in the browser's console", page, async () => {
    // A refused handshake is a 422, and the browser notes every such answer.
    const left = page.complaints.filter((one) => !/status of 4\d\d|status of 501/.test(one));
    expect(left.length === 0, left.join(" · "));
  });
  await page.context().close();
}
