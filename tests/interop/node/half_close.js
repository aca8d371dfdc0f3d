// A TLS client that half-closes first and goes on reading, or goes on writing after the server's half-close.
// Usage: node half_close.js PORT AUTHORITY VERSION first|second; prints how many bytes it received.
const fs = require('fs');
const tls = require('tls');

const [port, authority, version, turn] = process.argv.slice(2);
const blob = Buffer.alloc(1 << 20, 'node');
let heard = 0;

const socket = tls.connect({
  port: Number(port),
  host: '127.0.0.1',
  servername: 'gate.example',
  ca: fs.readFileSync(authority),
  minVersion: version,
  maxVersion: version,
  allowHalfOpen: true,
});
socket.on('secureConnect', () => { if (turn === 'first') socket.end(blob); });
socket.on('data', (data) => { heard += data.length; });
socket.on('end', () => { if (turn === 'second') socket.end(blob); });
socket.on('close', () => console.log(heard));
socket.on('error', (error) => { console.error(error.message); process.exit(1); });
