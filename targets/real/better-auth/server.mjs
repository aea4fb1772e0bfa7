// better-auth with its two-factor plugin, as its documentation sets it up, for Stepproof to test.
//
// Starts from an empty in-memory SQLite database, listens on 127.0.0.1 only, sends its codes by SMTP to the given mail
// host, prints one line `ready http://127.0.0.1:PORT`, and leaves on SIGTERM. Every flag has an environment variable of
// the same name (`--smtp-port` is `SMTP_PORT`).
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";

import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { multiSession, twoFactor } from "better-auth/plugins";
import nodemailer from "nodemailer";

const settings = readSettings();
const origin = `http://127.0.0.1:${settings.port}`;

const mail = nodemailer.createTransport({
  host: settings.smtpHost,
  port: settings.smtpPort,
  secure: false,
  ignoreTLS: true,
  pool: true,
});

function send(to, subject, text) {
  return mail.sendMail({ from: "no-reply@better-auth.test", to, subject, text });
}

const auth = betterAuth({
  appName: "better-auth under test",
  baseURL: origin,
  secret: randomBytes(32).toString("base64url"),
  database: new DatabaseSync(":memory:"),
  logger: { level: "error" },
  emailAndPassword: {
    enabled: true,
    sendResetPassword: ({ user, token }) => send(user.email, "Reset your password", `Reset token: ${token}`),
  },
  plugins: [
    twoFactor({
      otpOptions: {
        sendOTP: ({ user, otp }) => send(user.email, "Your sign-in code", `Your code is ${otp}`),
        period: settings.codeSeconds / 60,
      },
      twoFactorCookieMaxAge: settings.challengeSeconds,
    }),
    multiSession(),
  ],
});

await (await getMigrations(auth.options)).runMigrations();

const server = createServer(toNodeHandler(auth));
server.listen(settings.port, "127.0.0.1", () => console.log(`ready ${origin}`));

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
    mail.close();
    process.exit(0);
  });
}

function readSettings() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: process.env.PORT ?? "3000" },
      "smtp-host": { type: "string", default: process.env.SMTP_HOST ?? "127.0.0.1" },
      "smtp-port": { type: "string", default: process.env.SMTP_PORT ?? "1025" },
      "code-seconds": { type: "string", default: process.env.CODE_SECONDS ?? "180" },
      "challenge-seconds": { type: "string", default: process.env.CHALLENGE_SECONDS ?? "600" },
    },
  });
  return {
    port: positive("port", values.port),
    smtpHost: values["smtp-host"],
    smtpPort: positive("smtp-port", values["smtp-port"]),
    codeSeconds: positive("code-seconds", values["code-seconds"]),
    challengeSeconds: positive("challenge-seconds", values["challenge-seconds"]),
  };
}

function positive(name, text) {
  const number = Number(text);
  if (!(number > 0)) {
    console.error(`--${name} wants a positive number, not ${JSON.stringify(text)}`);
    process.exit(2);
  }
  return number;
}
