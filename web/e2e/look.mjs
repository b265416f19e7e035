// Looks: three widths, two themes, two languages, and what axe-core says about each page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { check, expect, shot, until } from "./browser.mjs";
import { enterService, talk } from "./phone.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = ["phone", "timeline", "accounts", "users", "explorer", "faults", "settings"];

async function serious(page) {
  // Evaluated from outside: the page's own policy forbids scripts that it does not serve.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`).join(" ; ")}`);
}

const sideways = (page) => page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);

export async function run(browser) {
  const page = await browser.page();
  await enterService(browser, page);
  await talk(page, "看看样子");

  for (const theme of ["light", "dark"]) {
    await check(`${theme}: axe-core finds nothing serious on any page`, page, async () => {
      await until(async () => {
        if ((await page.evaluate(() => document.documentElement.dataset.theme)) === theme) return true;
        await page.locator("[data-test=theme]").click();
        return false;
      }, "the theme does not change");
      for (const name of PAGES) {
        await page.goto(`${browser.origin}/#/${name}`);
        await page.locator(`main[data-page=${name}] h1`).waitFor({ state: "attached" });
        // Rows stop glowing before colours are measured.
        await page.waitForTimeout(name === "phone" ? 2_000 : 300);
        const found = await serious(page);
        expect(found.length === 0, `${name}: ${found.join(" | ")}`);
        await shot(page, `${name}-${theme}`);
      }
    });
  }

  await check("English says everything", page, async () => {
    await page.goto(`${browser.origin}/#/phone`);
    await page.locator("[data-test=lang]").click();
    // Its words are loaded when they are first wanted.
    await page.locator("html[lang=en]").waitFor({ state: "attached" });
    const chrome = await page.locator(".bar, .rail").allTextContents();
    const left = chrome.join(" ").replace(/[「“].*?[」”]/g, "").match(/[\u4e00-\u9fff]+/g) ?? [];
    // Names of accounts stay, and so does the one character that leads back.
    const { body } = await browser.control("GET", "/accounts");
    const names = (body.items ?? body).map((one) => one.name).join("");
    const strange = left.filter((word) => !names.includes(word) && word !== "中");
    expect(strange.length === 0, strange.join(" "));
    await shot(page, "phone-english");
    await page.locator("[data-test=lang]").click();
  });

  for (const [width, height] of [[390, 844], [859, 900], [860, 900], [1024, 768], [1280, 800], [1400, 900], [1920, 1080]]) {
    await check(`${width} px wide: no sideways scroll`, page, async () => {
      await page.setViewportSize({ width, height });
      for (const name of PAGES) {
        await page.goto(`${browser.origin}/#/${name}`);
        await page.locator(`main[data-page=${name}] h1`).waitFor({ state: "attached" });
        await page.waitForTimeout(80);
        const over = await sideways(page);
        expect(over <= 0, `${name} is ${over} px too wide`);
        const cut = await page.evaluate(() => [...document.querySelectorAll(".bar > *, .rail > a")].filter((one) => one.offsetParent && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.className));
        expect(cut.length === 0, `${name}: cut off on the right: ${cut.join(", ")}`);
        // One pane below the other scrolls as a page: none may be cut off inside.
        const clipped = width < 860 ? await page.evaluate(() => [...document.querySelectorAll(".halves > .panel > .body")].filter((one) => one.scrollHeight > one.clientHeight + 1).length) : 0;
        expect(clipped === 0, `${name}: ${clipped} panes are cut off`);
        await shot(page, `${name}-${width}`);
      }
    });
  }

  await check("390 px: the phone, the timeline and one row, one pane each", page, async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${browser.origin}/#/phone`);
    expect(await page.locator("[data-test=phone]").isVisible(), "no phone");
    expect(!(await page.locator("[data-test=timeline]").isVisible()), "the timeline stands beside the phone");
    await talk(page, "手机上看");
    await shot(page, "phone-390-talk");
    await page.goto(`${browser.origin}/#/timeline`);
    if (await page.locator("[data-test=inspector] .shut").isVisible()) await page.locator("[data-test=inspector] .shut").click();
    await page.locator(".lines .row").first().click();
    expect(await page.locator("[data-test=inspector]").isVisible(), "no inspector");
    await shot(page, "inspector-390");
    await page.locator("[data-test=inspector] .shut").click();
    expect(await page.locator("[data-test=timeline]").isVisible(), "no way back");
  });

  await check("Tab reaches the composer with a visible focus", page, async () => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${browser.origin}/#/phone`);
    await page.locator("body").press("Tab");
    for (let at = 0; at < 60; at++) {
      const where = await page.evaluate(() => {
        const one = document.activeElement;
        return { phone: !!one?.closest("[data-test=composer], [data-test=menubar]"), outline: one ? getComputedStyle(one).outlineStyle : "none", name: one?.outerHTML.slice(0, 120) ?? "" };
      });
      expect(where.outline !== "none", `no focus ring on ${where.name}`);
      if (where.phone) return `${at + 1} stops`;
      await page.keyboard.press("Tab");
    }
    throw new Error("60 stops and no composer");
  });

  await page.context().close();
}
