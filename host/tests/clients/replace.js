"use strict";
// Replaces the logic of a running server.
const assert = require("node:assert/strict");
const fs = require("node:fs");

// Puts the component NEXT in the place of LOGIC, and asks the server at the address ADMIN to use it for its one room.
async function replace(logic, next, admin) {
  fs.copyFileSync(next, logic + ".new");
  fs.renameSync(logic + ".new", logic);
  const response = await fetch(`http://${admin}/replace`, { method: "POST" });
  assert.equal(await response.text(), "1 rooms replaced, 0 refused\n");
}

module.exports = { replace };
