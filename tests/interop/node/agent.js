// Posts standard input to a URL through a proxy with the package https-proxy-agent.
// Usage: NODE_PATH=/usr/share/nodejs node agent.js PROXY URL
"use strict";

const fs = require("node:fs");
const https = require("node:https");
const { HttpsProxyAgent } = require("https-proxy-agent"); // version 5 exports a function with this property

const [proxy, target] = process.argv.slice(2);

const request = https.request(target, { method: "POST", agent: new HttpsProxyAgent(proxy) });
request.on("response", (answer) => {
  process.stdout.write(`${answer.statusCode} ${answer.statusMessage}\n`);
  answer.pipe(process.stdout);
});
request.on("error", (error) => {
  process.exitCode = 1;
  process.stderr.write(`${error.message}\n`);
});
request.end(fs.readFileSync(0));
