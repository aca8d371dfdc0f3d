// Posts standard input to a URL through a proxy with nothing but Node's own modules.
// Usage: node core.js PROXY URL
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const tls = require("node:tls");

const [proxy, target] = process.argv.slice(2).map((argument) => new URL(argument));
const message = fs.readFileSync(0);
const authority = `${target.hostname}:${target.port || 443}`;

const tunnel = http.request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: authority });
tunnel.on("connect", (answer, socket, firstBytes) => {
  if (answer.statusCode === 200) {
    post(tls.connect({ socket, servername: target.hostname }));
  } else {
    show(answer, socket, firstBytes);
  }
});
tunnel.end();

function post(secure) {
  const request = https.request(target, { method: "POST", createConnection: () => secure });
  request.on("response", (answer) => {
    answer.pipe(process.stdout);
    answer.on("end", () => secure.end());
  });
  request.end(message);
}

// Node hands over the socket with the refusal's body still to be read: its client decides what its user sees.
function show(answer, socket, firstBytes) {
  process.exitCode = 1;
  process.stderr.write(`the proxy answered ${answer.statusCode} ${answer.statusMessage}\n${firstBytes}`);
  socket.pipe(process.stderr);
}
