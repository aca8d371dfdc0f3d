// Posts standard input to a URL, through a proxy or directly, with only Node's own modules.
// Usage: node core.js PROXY|direct URL [SERVER_NAME]; the proxy's URL may have a user and a password.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const tls = require("node:tls");

const [proxy, url, serverName] = process.argv.slice(2);
const target = new URL(url);
const message = fs.readFileSync(0);

if (proxy === "direct") {
  post();
} else {
  connect(new URL(proxy));
}

function connect({ protocol, hostname, port, username, password }) {
  const path = `${target.hostname}:${target.port || 443}`;
  const { request } = protocol === "https:" ? https : http;
  const login = Buffer.from(`${username}:${password}`).toString("base64");
  const headers = username ? { "Proxy-Authorization": `Basic ${login}` } : {};
  const tunnel = request({ host: hostname, port, method: "CONNECT", path, headers });
  tunnel.on("connect", (answer, socket, firstBytes) => {
    if (answer.statusCode === 200) {
      const secure = tls.connect({ socket, servername: serverName || target.hostname });
      post({ createConnection: () => secure });
    } else {
      show(answer, socket, firstBytes);
    }
  });
  tunnel.on("error", fail);
  tunnel.end();
}

function post(how) {
  const request = https.request(target, { method: "POST", ...how });
  request.on("response", (answer) => {
    answer.pipe(process.stdout);
    answer.on("end", () => request.socket.end());
  });
  request.on("error", fail);
  request.end(message);
}

function fail(error) {
  process.exitCode = 1;
  process.stderr.write(`${error.message}\n`);
}

// Node leaves the refusal's body on the socket; a client must read it to show it.
function show(answer, socket, firstBytes) {
  process.exitCode = 1;
  process.stderr.write(`the proxy answered ${answer.statusCode} ${answer.statusMessage}\n${firstBytes}`);
  socket.pipe(process.stderr);
}
