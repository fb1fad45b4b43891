// Receives outbound messages with node-soap.
//
//     node receiver.cjs PORT [DATABASE]
//
// With a database, each message is one SQLite transaction that is on the disk
// before it is acknowledged.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const soap = require('soap');

const [port, database] = process.argv.slice(2);

function recorder(file) {
  const Database = require('better-sqlite3');
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(`CREATE TABLE IF NOT EXISTS notifications (id TEXT PRIMARY KEY, record_id TEXT,
           visitor_id TEXT, title TEXT, amount REAL, currency TEXT, modified INTEGER) WITHOUT ROWID`);
  const insert = db.prepare('INSERT OR IGNORE INTO notifications VALUES (?, ?, ?, ?, ?, ?, ?)');
  return db.transaction((notifications) => {
    for (const { Id, sObject } of notifications) {
      insert.run(Id, sObject.Id, sObject.Infinity_VID__c, sObject.Name, sObject.Amount,
                 sObject.CurrencyIsoCode, sObject.LastModifiedDate.getTime());
    }
  }).immediate;
}

const record = database && recorder(database);

function notifications(message) {
  if (record) record([message.Notification].flat());
  return { Ack: true };
}

const wsdl = fs.readFileSync(path.join(__dirname, '..', 'outbound.wsdl'), 'utf8');
const server = http.createServer();
server.keepAliveTimeout = 0;
server.listen(Number(port), '127.0.0.1', () => {
  soap.listen(server, {
    path: '/callback/v1/salesforce/events',
    services: { NotificationService: { Notification: { notifications } } },
    xml: wsdl,
    // The answer in one piece, with its length.
    enableChunkedEncoding: false,
  });
});
