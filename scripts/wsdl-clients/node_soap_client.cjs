// Sends a Lead and an Opportunity with node-soap, from the WSDL of an endpoint.

const soap = require('soap');

async function main(url) {
  const client = await soap.createClientAsync(url + (url.includes('?') ? '&wsdl' : '?wsdl'));
  // `ens` is the prefix that the WSDL has for the types of records.
  const record = (type, fields) => ({ attributes: { 'xsi:type': `ens:${type}` }, ...fields });
  const [answer] = await client.notificationsAsync({
    OrganizationId: '00D000000000062EAA',
    ActionId: '04k000000000001EAA',
    SessionId: null,
    Notification: [
      {
        Id: '04l00000000N001EAA',
        sObject: record('Lead', {
          Id: '00Q000000000001EAA',
          Colour__c: 'Blå & <grün>',
          Name: 'Ann',
        }),
      },
      {
        Id: '04l00000000N002EAA',
        sObject: record('Opportunity', {
          Id: '006000000000001EAA',
          Amount: '1250.5',
          Colour__c: 'rouge',
        }),
      },
    ],
  });
  if (answer.Ack !== true) {
    throw new Error(`not acknowledged: ${JSON.stringify(answer)}`);
  }
  console.log('node-soap: acknowledged');
}

const [, , url] = process.argv;
if (!url) {
  console.error('usage: node-soap URL');
  process.exit(1);
}
main(url).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
