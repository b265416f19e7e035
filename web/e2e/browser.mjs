// Starts Chromium, opens pages, keeps the score.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const shots = process.env.E2E_SHOTS;
const results = [];

export async function launch(origin) {
  const chrome = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  return {
    origin,
    async page(options = {}) {
      const context = await chrome.newContext({ viewport: { width: 1440, height: 900 }, locale: "zh-CN", ...options });
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin }).catch(() => undefined);
      const page = await context.newPage();
      page.complaints = [];
      page.on("pageerror", (error) => page.complaints.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") page.complaints.push(message.text());
      });
      page.setDefaultTimeout(8_000);
      await page.goto(origin);
      await page.locator("[data-test=phone]").waitFor();
      return page;
    },
    control: (method, path, body) =>
      fetch(`${origin}/_sim/v1${path}`, { method, headers: body ? { "content-type": "application/json" } : {}, body: body && JSON.stringify(body) }).then(async (answer) => ({ status: answer.status, body: await answer.json().catch(() => null) })),
    close: () => chrome.close(),
  };
}

/** Runs one check; what it returns is printed beside its name. */
export async function check(name, page, work) {
  const began = performance.now();
  try {
    const detail = await work();
    results.push(true);
    console.log(`ok   ${name}${detail ? ` · ${detail}` : ""} (${Math.round(performance.now() - began)} ms)`);
  } catch (error) {
    results.push(false);
    console.log(`FAIL ${name}: ${String(error.message ?? error).split("\n").slice(0, 6).join(" | ")}`);
    await shot(page, `fail-${results.length}`);
  }
}

export async function shot(page, name) {
  if (!shots || !page) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`) });
}

export function expect(truth, message) {
  if (!truth) throw new Error(message);
}

/** Waits until the work returns something true. */
export async function until(work, message, ms = 5_000) {
  const end = performance.now() + ms;
  for (;;) {
    const found = await work();
    if (found) return found;
    if (performance.now() > end) throw new Error(message);
    await new Promise((next) => setTimeout(next, 25));
  }
}

export function report() {
  const bad = results.filter((one) => !one).length;
  console.log(`e2e: ${results.length - bad} passed, ${bad} failed`);
  return bad || results.length === 0 ? 1 : 0;
}
