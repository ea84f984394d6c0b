"use strict";
// Two people chat in browsers by the page of the chat, while `chat-2` replaces the logic `chat`.
// usage: chat_page.js ADDRESS ADMIN LOGIC NEXT
const assert = require("node:assert/strict");
const { hasLines, hasText, withPages } = require("./browser");
const { replace } = require("./replace");

const [address, admin, logic, next] = process.argv.slice(2);

async function join(page, name) {
  await page.fill("#name", name);
  await page.click("#join");
  await hasText(page, "#state", `connected as ${name}`);
}

async function say(page, text) {
  await page.fill("#text", text);
  await page.click("#send");
}

withPages(`http://${address}/`, async open => {
  const ann = await open();
  const bob = await open();
  await join(ann, "Ann");
  await join(bob, "Böb");
  await hasText(ann, "#people", "2 here: Ann, Böb");
  await hasText(bob, "#people", "2 here: Ann, Böb");
  await say(ann, "Hello");
  await hasLines(bob, ["Ann: Hello"]);
  // A text stays a text.
  await say(bob, "<b id=bold>hi</b>");
  await hasLines(ann, ["Böb has joined", "Ann: Hello", "Böb: <b id=bold>hi</b>"]);
  assert.equal(await ann.locator("#bold").count(), 0);

  await replace(logic, next, admin);
  const topic = "the topic is now: anything";
  for (const page of [ann, bob]) await hasText(page, "#topic", "Topic: anything");
  await say(bob, "/topic the <weather>");
  for (const page of [ann, bob]) await hasText(page, "#topic", "Topic: the <weather>");
  await say(ann, "We talk on");
  const since = ["Ann: Hello", "Böb: <b id=bold>hi</b>", topic, "the topic is now: the <weather>", "Ann: We talk on"];
  await hasLines(bob, since);
  await hasLines(ann, ["Böb has joined", ...since]);

  // The new logic has the history of the old one.
  const cy = await open();
  await join(cy, "Cy");
  await hasLines(cy, ["Ann: Hello", "Böb: <b id=bold>hi</b>", "Ann: We talk on"]);
  await hasText(cy, "#people", "3 here: Ann, Böb, Cy");
});
