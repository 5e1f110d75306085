// The floor of Node.js: runs a handler over standard input and output, one JSON value a line, and does nothing else.
// The first line names the module, which is loaded then: a process may be started long before.
"use strict";

let handler;
let rest = "";

async function answer(line) {
  if (handler === undefined) {
    handler = require(line).handler;
  } else {
    process.stdout.write(`${JSON.stringify(await handler(JSON.parse(line)))}\n`);
  }
}

process.stdin.setEncoding("utf8");
process.stdin.on("data", (data) => {
  const lines = (rest + data).split("\n");
  rest = lines.pop();
  for (const line of lines) answer(line);
});
