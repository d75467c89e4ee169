// A mail server that does what the tests ask for, over a real socket.
//
//   node server.js '{"user": "u", "password": "p", "tls": {"cert": "…", "key": "…"}, "size": 1000, …}'
//
// Says {"port": N} when it listens, {"content": id} when a mail is over and not yet answered, and
// {"accepted": {…}} for each mail that it keeps. The first word of a recipient's address, which may end in a number N
// (the tries for which it holds; for ever without one), says what happens to its mails:
//
//   busyN     451 at RCPT             gone      550 at RCPT            leavingN  421 at RCPT
//   cutN      line lost at RCPT       lostN     line lost after the end of the mail, which is not kept
//   keptN     line lost after the end of the mail, which is kept
//   rejectedN 554 after the mail      slowN     takes N ms             heldN     waits for "release" on standard input
//
// Options: refuseConnection and refuseSender (a reply's code), mailsPerConnection (then 421), maxClients.
'use strict';
const { SMTPServer } = require('smtp-server');
const options = JSON.parse(process.argv[2] || '{}');
const tries = new Map();
const held = [];
const mailsOf = new Map();

const say = (value) => process.stdout.write(JSON.stringify(value) + '\n');
const refusal = (code, text) => Object.assign(new Error(text), { responseCode: code });

function behaviourOf(address) {
  const [, word, count] = /^([a-z]+?)(\d*)[.@]/.exec(address) || [, 'plain', ''];
  return { word, count: Number(count || Infinity) };
}

// Counted per recipient and step.
function isStillOn(address, behaviour) {
  const tried = (tries.get(address) || 0) + 1;
  tries.set(address, tried);
  return tried <= behaviour.count;
}

function cut(session) {
  for (const connection of server.connections) {
    if (connection.session.id === session.id) connection._socket.destroy();
  }
}

function close(session, callback, text) {
  callback(refusal(421, text));
  for (const connection of server.connections) {
    if (connection.session.id === session.id) connection._socket.end();
  }
}

const server = new SMTPServer({
  name: 'test.invalid',
  authOptional: !options.user,
  allowInsecureAuth: true,
  authMethods: options.authMethods || ['PLAIN', 'LOGIN'],
  disabledCommands: [...(options.tls ? [] : ['STARTTLS']), ...(options.user ? [] : ['AUTH'])],
  ...(options.tls && typeof options.tls === 'object' ? options.tls : {}),
  size: options.size,
  maxClients: options.maxClients,
  closeTimeout: 100,
  disableReverseLookup: true,
  onConnect(session, callback) {
    callback(options.refuseConnection ? refusal(options.refuseConnection, 'come back later') : null);
  },
  onAuth(auth, session, callback) {
    if (auth.username === options.user && auth.password === options.password) callback(null, { user: auth.username });
    else callback(refusal(535, '5.7.8 wrong credentials'));
  },
  onMailFrom(address, session, callback) {
    const mails = (mailsOf.get(session.id) || 0) + 1;
    mailsOf.set(session.id, mails);
    if (options.mailsPerConnection && mails > options.mailsPerConnection) close(session, callback, '4.7.0 enough for one connection');
    else callback(options.refuseSender ? refusal(options.refuseSender, '5.7.1 not your address') : null);
  },
  onRcptTo(recipient, session, callback) {
    const behaviour = behaviourOf(recipient.address);
    const isAtRecipient = ['busy', 'gone', 'leaving', 'cut'].includes(behaviour.word);
    if (!isAtRecipient || !isStillOn(recipient.address, behaviour)) return callback();
    if (behaviour.word === 'busy') callback(refusal(451, '4.3.0 try again'));
    else if (behaviour.word === 'gone') callback(refusal(550, '5.1.1 no such mailbox'));
    else if (behaviour.word === 'leaving') close(session, callback, '4.3.2 going down');
    else cut(session);
  },
  onData(stream, session, callback) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      const recipient = session.envelope.rcptTo[0].address;
      const behaviour = behaviourOf(recipient);
      const data = Buffer.concat(chunks);
      const id = (/^message-id:\s*<([^>]*)>/im.exec(data.toString('latin1')) || [])[1];
      const keep = () => say({ accepted: { id, to: recipient, from: session.envelope.mailFrom.address, secure: session.secure, user: session.user, data: data.toString('base64') } });
      const accept = () => { keep(); callback(null, 'kept'); };
      say({ content: id });
      switch (behaviour.word) {
        case 'lost': return isStillOn(recipient, behaviour) ? cut(session) : accept();
        case 'kept': return isStillOn(recipient, behaviour) ? (keep(), cut(session)) : accept();
        case 'rejected': return isStillOn(recipient, behaviour) ? callback(refusal(554, '5.6.0 content refused')) : accept();
        case 'slow': return setTimeout(accept, behaviour.count);
        case 'held': return held.push(accept);
        default: return accept();
      }
    });
  },
});

server.on('error', (error) => process.stderr.write(`${error.message}\n`));
server.listen(options.port || 0, '127.0.0.1', () => say({ port: server.server.address().port }));
process.stdin.on('data', (text) => {
  if (String(text).includes('release')) held.splice(0).forEach((accept) => accept());
});
process.stdin.on('end', () => process.exit(0));
