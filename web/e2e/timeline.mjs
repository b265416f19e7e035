// Timeline and inspector: the encrypted callback, its XML, the encrypted reply; filters, keys, palette.
import { check, expect, shot, until } from "./browser.mjs";
import { enterService, talk } from "./phone.mjs";

export async function run(browser) {
  const page = await browser.page();
  const word = `时间线 ${Date.now()}`;
  const body = page.locator("[data-test=inspector] [role=tabpanel]");
  const tab = (name) => page.locator(`[data-test=tab-${name}]`).click();

  await check("an act lights the rows that it caused", page, async () => {
    await enterService(browser, page);
    // Also for somebody who had scrolled down to older rows.
    await talk(page, "先说一句");
    await page.locator("[data-test=timeline] .lines").evaluate((list) => (list.scrollTop = 600));
    await talk(page, word);
    const lit = page.locator(".lines .row.lit");
    await until(async () => (await lit.count()) >= 2, "less than two lit rows");
    await until(async () => (await page.locator(".lines .cause.lit").textContent().catch(() => "")).includes(word), "the act's words are not in the heading");
    await shot(page, "timeline-lit");
    await until(() => page.locator(".lines .cause.lit", { hasText: word }).evaluate((one) => one.getBoundingClientRect().top >= one.closest(".lines").getBoundingClientRect().top - 1).catch(() => false), "the new act is out of sight");
    return `${await lit.count()} rows`;
  });

  await check("the callback is encrypted, and its XML is shown", page, async () => {
    await page.locator(".lines .row.lit[data-kind=callback]").first().click();
    await tab("request");
    await until(async () => (await body.textContent()).includes("Encrypt"), "no Encrypt element in the request");
    const request = await body.textContent();
    expect(!request.includes(word), "the words stand in the request unencrypted");
    expect(/msg_signature=/.test(request), "no msg_signature in the query");
    await tab("plain");
    await until(async () => (await body.textContent()).includes(word), "the decrypted XML lacks the words");
    expect((await body.textContent()).includes("MsgType"), "no MsgType");
    await shot(page, "inspector-plain");
  });

  await check("the string-to-sign stands in coloured parts", page, async () => {
    await tab("signature");
    await until(async () => (await body.locator(".sign .part").count()) >= 3, "less than three parts");
    const names = await body.locator(".sign .part").evaluateAll((parts) => parts.map((part) => part.getAttribute("title")));
    for (const name of ["token", "timestamp", "nonce"]) expect(names.includes(name), `no ${name}`);
    await shot(page, "inspector-signature");
    return names.join(" ");
  });

  await check("the reply is encrypted, and its XML is shown", page, async () => {
    await page.locator(".lines .row.lit[data-kind=reply]").first().click();
    await tab("response");
    await until(async () => (await body.textContent()).includes("Encrypt"), "no Encrypt element in the reply");
    await tab("plain");
    await until(async () => /Content/.test(await body.textContent()), "no Content in the decrypted reply");
    await tab("diagnosis");
    await shot(page, "inspector-reply");
  });

  await check("a row is copied as curl", page, async () => {
    await page.locator(".lines .row.lit[data-kind=callback]").first().click();
    await page.locator("[data-test=curl]").click();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    expect(text.startsWith("curl -i 'http") && text.includes("--data-binary"), text.slice(0, 80));
  });

  await check("filters narrow the list", page, async () => {
    await page.goto(`${browser.origin}/#/timeline`);
    await page.locator("[data-test=filter-text]").fill(word);
    await until(async () => (await page.locator(".lines .cause").count()) === 1, "more than one cause is left");
    await page.locator("[data-test=filter-text]").fill("没有这样的字");
    await page.locator("[data-test=empty-timeline]").waitFor();
    await page.locator("[data-test=empty-timeline] button").click();
    await page.locator("[data-test=kind-call]").click();
    await until(async () => (await page.locator(".lines .row:not([data-kind=call])").count()) === 0, "other rows are left");
    await page.locator("[data-test=kind-all]").click();
  });

  await check("the keyboard walks: j k Enter Esc and ⌘K", page, async () => {
    await page.locator("[data-test=timeline] .lines").focus();
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    const first = await until(() => page.locator(".lines .row.on").getAttribute("data-row").catch(() => null), "j selects nothing");
    await page.keyboard.press("j");
    const second = await until(async () => {
      const id = await page.locator(".lines .row.on").getAttribute("data-row");
      return id !== first && id;
    }, "j does not move");
    await page.keyboard.press("k");
    await until(async () => (await page.locator(".lines .row.on").getAttribute("data-row")) === first, `k does not go back from ${second}`);
    await page.keyboard.press("Enter");
    await until(() => page.evaluate(() => document.activeElement?.getAttribute("role") === "tab"), "Enter does not reach the inspector");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Escape");
    await page.locator("[data-test=empty-inspector]").waitFor({ state: "attached" });
    await page.keyboard.press("Control+k");
    await page.locator(".palette input").fill(word);
    await until(async () => (await page.locator(".palette li").count()) > 0, "the palette finds nothing");
    await shot(page, "palette");
    await page.keyboard.press("Enter");
    await until(async () => (await page.locator("[data-test=inspector] h2").count()) === 1, "the palette opened no row");
  });

  await check("no error in the browser's console", page, async () => {
    expect(page.complaints.length === 0, page.complaints.join(" · "));
  });
  await page.context().close();
}
