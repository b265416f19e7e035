// Drives the built page in Chromium against a running simulator with its demo app.
//   XINQIAO_CONSOLE=http://127.0.0.1:8600 npm run e2e
// Each check prints a line; the first failure of a check does not stop the others. Pictures go to E2E_SHOTS if it is set.
import { launch, report } from "./browser.mjs";
import * as phone from "./phone.mjs";
import * as timeline from "./timeline.mjs";
import * as pages from "./pages.mjs";
import * as features from "./features.mjs";
import * as console_ from "./console.mjs";
import * as look from "./look.mjs";

const origin = process.env.XINQIAO_CONSOLE;
if (!origin) {
  console.error("e2e: set XINQIAO_CONSOLE to the console's URL, as `xinqiao dev` prints it");
  process.exit(2);
}

const browser = await launch(origin);
try {
  for (const part of [phone, timeline, pages, features, console_, look]) await part.run(browser);
} finally {
  await browser.close();
}
process.exit(report());
