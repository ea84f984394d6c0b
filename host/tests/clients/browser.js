"use strict";
// The browser of the pages' tests: Debian's Chromium, without a window, and with a new profile.
const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const { setTimeout } = require("node:timers/promises");
const { isDeepStrictEqual } = require("node:util");
const { chromium } = require("playwright-core");

const ARGUMENTS = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
];
const LONG = 20_000; // ms

// Runs a test with a function that opens a page in a window of its own. The test fails if a page has an error, or if
// it has not exactly one WebSocket, which stays open.
async function withPages(url, test) {
  // Node ends without an error when nothing can happen any more, although something is awaited.
  process.exitCode = 1;
  const executablePath = execFileSync("sh", ["-c", "command -v chromium"]).toString().trim();
  // Chromium's sandbox does not run as root. The only pages are those of this repository.
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS, chromiumSandbox: false, timeout: 60_000 });
  const pages = [];
  const faults = [];
  const open = async () => {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(LONG);
    page.on("pageerror", error => faults.push(`error in the page: ${error}`));
    page.on("console", message => { if (message.type() === "error") faults.push(`console: ${message.text()}`); });
    const sockets = [];
    page.on("websocket", socket => {
      sockets.push(socket.url());
      socket.on("close", () => faults.push(`closed: ${socket.url()}`));
      socket.on("socketerror", error => faults.push(`${socket.url()}: ${error}`));
    });
    await page.goto(url);
    pages.push(sockets);
    return page;
  };
  try {
    await test(open);
    for (const sockets of pages) {
      if (sockets.length !== 1) faults.push(`WebSockets of a page: ${sockets}`);
    }
    if (faults.length === 0) process.exitCode = 0;
  } finally {
    if (faults.length > 0) console.error(faults.join("\n"));
    await browser.close();
  }
}

// Waits until the element has exactly this text.
const hasText = (page, selector, text) => becomes(() => page.textContent(selector), text);

// Waits until the log of the chat has exactly these lines.
const hasLines = (page, lines) => becomes(() => page.locator("#log p").allTextContents(), lines);

async function becomes(read, expected) {
  const deadline = Date.now() + LONG;
  while (!isDeepStrictEqual(await read(), expected) && Date.now() < deadline) await setTimeout(20);
  assert.deepEqual(await read(), expected);
}

module.exports = { hasLines, hasText, withPages };
