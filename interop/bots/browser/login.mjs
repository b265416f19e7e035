// A phone's browser, under `xinqiao exec`: opens a link, agrees, and prints what the app's page then says.
// login.mjs LINK PLAYWRIGHT SCREENSHOT
import { createRequire } from "node:module";

const [link, from, shot] = process.argv.slice(2);
const { chromium } = createRequire(from)("playwright-core");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
  // The platform's names are the simulator's here, and its certificate is the project's own.
  proxy: { server: process.env.HTTPS_PROXY ?? process.env.https_proxy, bypass: "127.0.0.1,localhost" },
});
const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "zh-CN", viewport: { width: 390, height: 844 } });
const page = await context.newPage();
page.setDefaultTimeout(10_000);
await page.goto(link);
await page.screenshot({ path: shot });
await page.locator("button[name=consent][value=yes]").click();
await page.locator("#who").waitFor();
console.log(JSON.stringify({ says: await page.locator("#who").textContent(), address: page.url() }));
await browser.close();
