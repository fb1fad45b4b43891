// Works on Leads of a pretend org with jsforce.
"use strict";

const assert = require("node:assert/strict");
const { createSign } = require("node:crypto");
const { readFileSync } = require("node:fs");
const jsforce = require("jsforce");

function encoded(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** A JWT that logs in. */
function assertion(simulator, audience) {
  const claims = {
    iss: simulator.client_id,
    sub: simulator.username,
    aud: audience,
    exp: Math.floor(Date.now() / 1000) + 120,
  };
  const signed = `${encoded({ alg: "RS256" })}.${encoded(claims)}`;
  const key = readFileSync(simulator.key_file);
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(key, "base64url")}`;
}

function connection(simulator) {
  return new jsforce.Connection({
    version: "66.0",
    loginUrl: simulator.login_url,
    instanceUrl: simulator.login_url,
    oauth2: {
      loginUrl: simulator.login_url,
      clientId: simulator.client_id,
      clientSecret: simulator.client_secret,
    },
  });
}

const JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async function main(path) {
  const simulator = JSON.parse(readFileSync(path, "utf8"));

  const conn = connection(simulator);
  const user = await conn.authorize({
    grant_type: JWT,
    assertion: assertion(simulator, "https://login.salesforce.com"),
  });
  assert.equal(user.organizationId, simulator.organization_id);
  assert.equal((await conn.identity()).username, simulator.username);
  await assert.rejects(
    connection(simulator).authorize({
      grant_type: JWT,
      assertion: assertion(simulator, "https://test.salesforce.com"),
    }),
    /audience is invalid/,
  );
  const other = connection(simulator);
  await other.authorize({ grant_type: "client_credentials" });

  const leads = conn.sobject("Lead");
  const all = await conn.query("SELECT Id, Name FROM Lead", { autoFetch: true, maxFetch: 1000 });
  assert.equal(all.totalSize, 450);
  assert.equal(all.records.length, 450);
  const [first, second] = all.records.map((row) => row.Id);
  const one = await other.sobject("Lead").find({ Id: first }, ["Id", "Name"]).execute();
  assert.equal(one[0].Id, first);

  const updated = await leads.update({ Id: first, Infinity_Channel__c: "PPC" });
  assert.equal(updated.success, true);
  assert.equal((await leads.retrieve(first)).Infinity_Channel__c, "PPC");
  const results = await leads.update([
    { Id: first, Infinity_Source__c: "google" },
    { Id: second, Title: "x".repeat(129) },
  ]);
  assert.deepEqual(results.map((result) => result.success), [true, false]);
  assert.equal(results[1].errors[0].statusCode, "STRING_TOO_LONG");
  const rows = await leads.retrieve([first, second], { fields: ["Id", "Infinity_Source__c"] });
  assert.equal(rows[0].Infinity_Source__c, "google");

  const described = await leads.describe();
  const company = described.fields.find((field) => field.name === "Company");
  assert.equal(company.length, 255);

  const made = await leads.create({ LastName: "New", Company: "Example" });
  assert.equal(made.success, true);
  assert.equal((await leads.destroy(made.id)).success, true);

  await assert.rejects(
    async () => leads.update({ Id: first, Nonsense__c: 1 }),
    { errorCode: "INVALID_FIELD" },
  );
  await assert.rejects(async () => conn.query("SELECT Id FRM Lead"), {
    errorCode: "MALFORMED_QUERY",
  });
  assert.equal(conn.limitInfo.apiUsage.limit, 15000);

  await fetch(`${simulator.login_url}/__sim/sessions/expire`, { method: "POST" });
  await assert.rejects(async () => leads.retrieve(first), /refresh session/);
  await other.authorize({ grant_type: "client_credentials" });
  assert.equal((await other.sobject("Lead").retrieve(first)).Id, first);
  console.log("jsforce: done");
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
