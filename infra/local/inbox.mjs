// Loaded into the mail server before it starts: requests under another name than
// this machine's, or from another site's page, get no answer of its own.
import { Server } from 'node:http';

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;
const emit = Server.prototype.emit;

Server.prototype.emit = function (event, request, response) {
  if (event !== 'request') return emit.apply(this, arguments);
  const { host = '', origin } = request.headers;
  if (!loopback.test(host)) return response.writeHead(421).end('This server serves its own machine alone.\n');
  if (origin && origin !== `http://${host}`) return response.writeHead(403).end('This request came from another site.\n');
  return emit.apply(this, arguments);
};
