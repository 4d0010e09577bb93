// What users of @sendgrid/mail write, with only the base URL and the key changed. Prints what each call answered.
import mail from '@sendgrid/mail';
import client from '@sendgrid/client';

const [baseUrl, key] = process.argv.slice(2);

function useKey(key) {
  mail.setApiKey(key);
  client.setDefaultRequest('baseUrl', baseUrl);     // after the key, which sets it back
}

mail.setClient(client);
useKey(key);

const letter = { from: { email: 'hello@acme.test', name: 'Acme' }, subject: 'Hello', text: 'It works.', html: '<p>It works.</p>' };
const answers = {};

async function call(name, send) {
  try {
    const answer = await send();
    const responses = Array.isArray(answer[0]) ? answer.map(one => one[0]) : [answer[0]];
    answers[name] = responses.map(response => ({ status: response.statusCode, id: response.headers['x-message-id'], body: response.body }));
  } catch (error) {
    answers[name] = { code: error.code, message: error.message, errors: error.response?.body?.errors };
  }
}

await call('single', () => mail.send({ ...letter, to: 'single@peer.test' }));
await call('together', () => mail.send({ ...letter, to: ['one@peer.test', { email: 'two@peer.test', name: 'Two' }], cc: 'three@peer.test' }));
await call('separately', () => mail.sendMultiple({ ...letter, to: ['four@peer.test', 'five@peer.test'] }));
await call('several', () => mail.send([{ ...letter, to: 'six@peer.test' }, { ...letter, to: 'seven@peer.test' }]));
await call('personalized', () => mail.send({
  ...letter,
  personalizations: [{ to: 'eight@peer.test', subject: 'For eight' }, { to: [{ email: 'nine@peer.test' }], customArgs: { run: '9' } }],
}));
await call('attached', () => mail.send({
  ...letter,
  to: 'attached@peer.test',
  attachments: [{ content: Buffer.from('a,b\n1,2').toString('base64'), filename: 'numbers.csv', type: 'text/csv', disposition: 'attachment' }],
  categories: ['reports'],
  replyTo: 'help@acme.test',
  headers: { 'X-Run': '7' },
  trackingSettings: { clickTracking: { enable: false, enableText: false } },
}));
await call('scheduled', () => mail.send({ ...letter, to: 'scheduled@peer.test', sendAt: Math.floor(Date.now() / 1000) + 3600 }));
await call('sandboxed', () => mail.send({ ...letter, to: 'sandboxed@peer.test', mailSettings: { sandboxMode: { enable: true } } }));
await call('refused', () => mail.send({ ...letter, to: 'ada at peer.test' }));
useKey('sg_live_00000000000000000000000000000000');
await call('unauthorized', () => mail.send({ ...letter, to: 'ada@peer.test' }));
console.log(JSON.stringify(answers));
