// Takes the picture of the read-me from a running console:
//   scripts/with-dev target/debug/xinqiao -- node scripts/picture.mjs docs/images/phone.png
import { createRequire } from "node:module";

const require = createRequire(new URL("../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 860 }, locale: "zh-CN" });
await page.goto(process.env.XINQIAO_CONSOLE);
await page.locator("[data-test=menubar], [data-test=composer]").first().waitFor();

const answers = page.locator("[data-test=bubble][data-from=account]");
const answered = async (act) => {
  const before = await answers.count();
  await act();
  await answers.nth(before).waitFor();
};
const say = async (text) => {
  const field = page.locator("[data-test=say]");
  if (!(await field.isVisible())) await page.locator("[data-test=menubar] .swap").click();
  await field.fill(text);
  await field.press("Enter");
};
await answered(() => say("你好"));
await answered(() => say("来一杯手冲"));
await answered(() => say("今天有什么推荐？"));
await page.locator(".lines .row.lit[data-kind=callback]").first().click();
await page.locator("[data-test=tab-plain]").click();
await page.waitForTimeout(600);
await page.screenshot({ path: process.argv[2] });
await browser.close();
