/* Opens a page file in headless Chromium, and checks what a reader needs.
 *
 *     node pages.mjs PAGE.html SCREENSHOT-FOLDER
 *
 * Needs playwright-core and axe-core in $FEDCARBON_NODE_MODULES and Chromium
 * in $CHROMIUM: test_report_browser.py has both. Prints a line per finding and
 * ends with 1 if there are any; prints what it did as JSON. */
import { createRequire } from "node:module";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(
  path.join(process.env.FEDCARBON_NODE_MODULES, "here.js"));
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;
const [file, folder] = process.argv.slice(2);
const url = pathToFileURL(path.resolve(file)).href;
const findings = [];
const did = { sorted: 0, links: 0, charts: 0, axe: 0, screenshots: [] };

function find(what) {
  findings.push(what);
}

const profile = fs.mkdtempSync(path.join(os.tmpdir(), "fedcarbon-chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM,
  headless: true,
  viewport: { width: 1280, height: 900 },
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync"],
});

/* A page whose console and network are watched. */
async function open(width, scheme) {
  const page = await browser.newPage();
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  page.on("console", (said) => {
    if (["error", "warning"].includes(said.type()))
      find(`console at ${width} px: ${said.text()}`);
  });
  page.on("pageerror", (error) => find(`script: ${error.message}`));
  page.on("dialog", (dialog) => {
    find(`a text of a run ran as a script: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    const asked = request.url();
    if (asked.split("#")[0] !== url && !asked.startsWith("data:"))
      find(`request to ${asked}`);
  });
  await page.goto(url, { waitUntil: "load" });
  return page;
}

async function screenshot(page, name) {
  const to = path.join(folder, name);
  await page.screenshot({ path: to, fullPage: true });
  did.screenshots.push(to);
}

/* The page's own rules stay: axe comes in from the outside. */
async function checkAxe(page, what) {
  const result = await page.evaluate(`${axe}; axe.run(document, {
    resultTypes: ["violations"] })`);
  for (const one of result.violations)
    find(`axe, ${what}: ${one.id}: ${one.help}: ` +
         one.nodes.slice(0, 3).map((node) => node.html).join(" | "));
  did.axe += 1;
}

async function checkWidth(page, width) {
  const wide = await page.evaluate(
    () => document.documentElement.scrollWidth);
  if (wide > width) find(`the page is ${wide} px wide at ${width} px`);
}

/* What is drawn has pixels of more than one colour. */
async function checkCharts(page) {
  const canvases = await page.$$("canvas[data-chart]");
  for (const canvas of canvases) {
    const isDrawn = await canvas.evaluate((node) => {
      const { data } = node.getContext("2d")
        .getImageData(0, 0, node.width, node.height);
      const first = data.slice(0, 4).join();
      for (let i = 0; i < data.length; i += 4)
        if (data.slice(i, i + 4).join() !== first) return true;
      return false;
    });
    if (!isDrawn) find(`nothing drawn: ${await canvas.getAttribute(
      "aria-labelledby")}`);
    did.charts += 1;
  }
}

async function keysOf(page, column) {
  return page.$$eval("#comparison-table tbody tr", (rows, i) => rows.map(
    (row) => (row.cells[i].dataset.v ?? row.cells[i].textContent).trim()),
  column);
}

function isSorted(keys, isUp) {
  const known = keys.filter((key) => key !== "" && key !== "-");
  if (keys.slice(0, known.length).some((key) => key === "" || key === "-"))
    return false;
  const areNumbers = known.every((key) => !Number.isNaN(Number(key)));
  return known.every((key, i) => {
    if (i === 0) return true;
    const order = areNumbers ? Number(known[i - 1]) - Number(key)
      : known[i - 1].localeCompare(key, "en", { numeric: true });
    return isUp ? order <= 0 : order >= 0;
  });
}

/* Every column, up by mouse and down by keyboard. */
async function checkSorting(page) {
  const heads = page.locator("#comparison-table thead th");
  const n = await heads.count();
  const rows = await page.locator("#comparison-table tbody tr").count();
  for (let column = 0; column < n; column++) {
    const head = heads.nth(column);
    const button = head.locator("button");
    const name = (await head.textContent()).trim();
    await button.click();
    if (await head.getAttribute("aria-sort") !== "ascending" ||
        !isSorted(await keysOf(page, column), true))
      find(`click on '${name}' does not sort upwards`);
    await button.focus();
    await page.keyboard.press("Enter");
    if (await head.getAttribute("aria-sort") !== "descending" ||
        !isSorted(await keysOf(page, column), false))
      find(`Enter on '${name}' does not sort downwards`);
    const marked = await page.locator(
      "#comparison-table th:is([aria-sort=ascending]," +
      "[aria-sort=descending])").count();
    if (marked !== 1) find(`${marked} columns say that they are sorted`);
    did.sorted += 1;
  }
  if (rows !== await page.locator("#comparison-table tbody tr").count())
    find("sorting loses rows");
}

async function checkLinks(page) {
  for (const link of await page.$$("a[href]")) {
    const href = await link.getAttribute("href");
    if (!href.startsWith("#")) {
      find(`a link leads out of the page: ${href}`);
      continue;
    }
    await page.evaluate((to) => { window.location.hash = to; }, href);
    const isThere = await page.evaluate(
      (id) => document.getElementById(id) !== null, href.slice(1));
    if (!isThere) find(`nothing has the id of ${href}`);
    did.links += 1;
  }
}

/* The first Tab reaches the skip link, and Enter gets to the answer. */
async function checkKeyboard(page) {
  await page.evaluate(() => { window.location.hash = ""; });
  await page.goto(url);
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.className);
  if (first !== "skip") find(`Tab reaches '${first}' first, not the skip link`);
  await page.keyboard.press("Enter");
  if (await page.evaluate(() => window.location.hash) !== "#answer")
    find("the skip link does not lead to the answer");
  const buttons = page.locator(".legend button");
  if (await buttons.count() === 0) return;
  await buttons.first().focus();
  await page.keyboard.press("Space");
  if (await buttons.first().getAttribute("aria-pressed") !== "false")
    find("a legend's button does not hide its series");
  await page.keyboard.press("Space");
  if (await buttons.first().getAttribute("aria-pressed") !== "true")
    find("a legend's button does not show its series again");
}

const wide = await open(1280, "light");
await screenshot(wide, "report-1280-light.png");
await checkCharts(wide);
await checkAxe(wide, "light");
await checkSorting(wide);
await checkLinks(wide);
await checkKeyboard(wide);
await wide.evaluate(() => {
  for (const one of document.querySelectorAll("details")) one.open = true;
});
await checkAxe(wide, "light, unfolded");
await checkWidth(wide, 1280);
await wide.pdf({ path: path.join(folder, "report.pdf"),
                 preferCSSPageSize: true, printBackground: true });
did.screenshots.push(path.join(folder, "report.pdf"));

const dark = await open(1280, "dark");
await screenshot(dark, "report-1280-dark.png");
await checkCharts(dark);
await checkAxe(dark, "dark");

const narrow = await open(360, "light");
await screenshot(narrow, "report-360-light.png");
await checkWidth(narrow, 360);
await checkAxe(narrow, "narrow");
await narrow.evaluate(() => {
  for (const one of document.querySelectorAll("details")) one.open = true;
});
await checkWidth(narrow, 360);

await browser.close();
fs.rmSync(profile, { recursive: true, force: true });
for (const finding of findings) console.error(finding);
console.log(JSON.stringify(did));
process.exit(findings.length ? 1 : 0);
