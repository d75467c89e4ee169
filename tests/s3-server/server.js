// node server.js FOLDER: an S3-compatible store with the bucket "files" in FOLDER, on a free port of 127.0.0.1. Prints
// {"port": …} when it listens; ends with its standard input. Key S3RVER, secret S3RVER.
const S3rver = require('s3rver');

const server = new S3rver({
  port: 0,
  address: '127.0.0.1',
  silent: true,
  directory: process.argv[2],
  configureBuckets: [{ name: 'files' }],
});
server.run().then(({ port }) => console.log(JSON.stringify({ port })));
process.stdin.on('end', () => process.exit(0)).resume();
