// A TLS client that ends its own direction and goes on reading, or hears the server's end and goes on writing.
// Usage: node half_close.js PORT AUTHORITY VERSION first|second; says how many bytes it heard.
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
