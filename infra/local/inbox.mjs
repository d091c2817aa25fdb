// Loaded into the mail server before it starts: rejects requests for other hosts
// and from other origins.
import { Server } from 'node:http';

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;
const emit = Server.prototype.emit;

Server.prototype.emit = function (event, request, response) {
  if (event !== 'request') return emit.apply(this, arguments);
  const { host = '', origin } = request.headers;
  if (!loopback.test(host)) return response.writeHead(421).end('This server accepts requests for localhost only.\n');
  if (origin && origin !== `http://${host}`) return response.writeHead(403).end('Cross-origin requests are not allowed.\n');
  return emit.apply(this, arguments);
};
