// The rival: better-auth with its organization plugin, on SQLite in WAL mode, as
// its documentation sets it up. It fills an organization, makes people with
// sessions, and answers /ready with what the clients need, as JSON.
import { createServer } from "node:http";
import { createHmac } from "node:crypto";
import Database from "better-sqlite3";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { organization } from "better-auth/plugins";

const [port, members, guests] = [process.env.PORT, +process.env.MEMBERS, +process.env.GUESTS];
const secret = "a-secret-of-32-bytes-or-more-0123456789";
const database = new Database(`${process.env.DATA_DIR}/rival.db`);
database.pragma("journal_mode = WAL");
const options = {
  baseURL: `http://127.0.0.1:${port}`, secret, database,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  logger: { level: "error" },
  plugins: [organization({ membershipLimit: 1e9, invitationLimit: 1e9, sendInvitationEmail: async () => {} })],
};
await (await getMigrations(options)).runMigrations();
const auth = betterAuth(options);
const { internalAdapter, adapter, authCookies } = await auth.$context;

const name = authCookies.sessionToken.name;
const person = (email) => internalAdapter.createUser({ email, name: "Jo Doe", emailVerified: true });
async function cookie(user) {
  const { token } = await internalAdapter.createSession(user.id);
  const signature = createHmac("sha256", secret).update(token).digest("base64");
  return `${name}=${encodeURIComponent(`${token}.${signature}`)}`;
}
const owner = await person("ada@corp.com");
const admin = await cookie(owner);
const { id } = await auth.api.createOrganization({ body: { name: "Nexus", slug: "nexus", userId: owner.id } });
database.exec("BEGIN");
for (let n = 0; n < members; n++) {
  const { id: userId } = await person(`person-${n}@corp.com`);
  await adapter.create({ model: "member", data: { organizationId: id, userId, role: "member", createdAt: new Date() } });
}
const cookies = [];
for (let n = 0; n < guests; n++) {
  cookies.push(await cookie(await person(`john-${n}@corp.com`)));
}
database.exec("COMMIT");
const ready = JSON.stringify({ organizationId: id, admin, cookies });
const handle = toNodeHandler(auth);
createServer((req, res) => (req.url === "/ready" ? res.end(ready) : handle(req, res))).listen(+port, "127.0.0.1");
