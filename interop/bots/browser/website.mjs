// A desktop's browser: opens a website's login page, says what its code is, and waits until somebody scanned it.
// website.mjs LINK PLAYWRIGHT
import { createRequire } from "node:module";

const [link, from] = process.argv.slice(2);
const { chromium } = createRequire(from)("playwright-core");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
});
const page = await (await browser.newContext({ locale: "zh-CN" })).newPage();
page.setDefaultTimeout(15_000);
await page.goto(link);
console.log(await page.locator("code").textContent());
await page.waitForURL(/[?&]code=/);
console.log(page.url());
await browser.close();
