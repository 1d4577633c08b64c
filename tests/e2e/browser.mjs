/* A page in headless Chromium, told what to do by lines of JSON on stdin and
 * answering each with one: browser.py speaks with it. */
import { createRequire } from "module";
import { createInterface } from "readline";
import { readFileSync } from "fs";
import { join } from "path";

const modules = process.argv[2], chromiumPath = process.argv[3];
const require = createRequire(join(modules, "here.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
let page = null, problems = [], origin = "", isOffline = false;

function note(kind, text) {
  if (!isOffline) problems.push(`${kind}: ${text}`);
}

const commands = {
  async open({ url, width, height, scheme }) {
    if (page) await page.context().close();
    const context = await browser.newContext({
      viewport: { width, height }, colorScheme: scheme ?? "light" });
    page = await context.newPage();
    origin = new URL(url).origin;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()))
        note("console", message.text());
    });
    page.on("pageerror", (error) => note("script", error.message));
    page.on("request", (request) => {
      const to = new URL(request.url());
      if (!["data:", "blob:"].includes(to.protocol) && to.origin !== origin)
        note("request", request.url());
    });
    page.on("response", (response) => {
      if (response.status() >= 400)
        note("answer", `${response.status()} ${response.url()}`);
    });
    await page.goto(url);
  },
  /* Whether what fails from now on is meant to. */
  async offline({ on }) { isOffline = on; },
  async evaluate({ code }) { return page.evaluate(code); },
  async wait({ code, timeout_ms }) {
    /* Playwright's own waiting is a script in the page, which the page's
     * policy forbids. */
    const until = Date.now() + timeout_ms;
    while (!(await page.evaluate(code))) {
      if (Date.now() > until) throw new Error(`still not: ${code}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },
  async click({ selector }) { await page.click(selector); },
  async press({ key }) { await page.keyboard.press(key); },
  async shot({ path }) { await page.screenshot({ path, fullPage: true }); },
  async axe() {
    await page.evaluate(axe);
    const found = await page.evaluate("axe.run(document)");
    return found.violations.map(({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`);
  },
  async problems() {
    const found = problems;
    problems = [];
    return found;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { name, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[name](rest)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
