"use strict";
// Two people count in browsers by the page of the counter. usage: counter_page.js ADDRESS
const { hasText, withPages } = require("./browser");

const [address] = process.argv.slice(2);

withPages(`http://${address}/`, async open => {
  const one = await open();
  const other = await open();
  for (const page of [one, other]) await hasText(page, "#number", "0");
  for (let count = 0; count < 3; count++) await one.click("#plus");
  for (const page of [one, other]) await hasText(page, "#number", "3");
  await other.click("#minus");
  for (const page of [one, other]) await hasText(page, "#number", "2");
});
