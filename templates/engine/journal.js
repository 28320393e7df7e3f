'use strict';

// What became of the jobs of a run, a line of JSON each: ["replies", queue] where they are answered, ["sent", number],
// ["failed", number], and the engine's own ["fired", workflow, number, firing, outs]. A later attempt begins with the lines of
// the earlier ones.

const fs = require('fs');

class Journal {
  constructor(path) {
    this.path = path;
    this.outputs = {}; // of the firings of earlier attempts, by number and firing
    this.sent = new Set(); // jobs of a lost engine that nobody has answered
    this.answered = new Set();
    this.queues = []; // for replies, the last one is in use
    const lines = fs.existsSync(path) ? fs.readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
    for (const line of lines) this.read(JSON.parse(line));
    this.position = lines.length ? fs.statSync(path).size : 0; // in bytes
    this.stream = fs.createWriteStream(path, { flags: 'a' });
  }

  read([what, ...rest]) {
    if (what === 'replies') this.queues.push(rest[0]);
    if (what === 'sent') this.sent.add(rest[0]);
    if (what === 'failed') this.sent.delete(rest[0]);
    if (what !== 'fired') return;
    const [, number, firing, outs] = rest;
    if (outs) this.outputs[`${number}_${firing}`] = outs;
    this.sent.delete(Number(number));
    this.answered.add(Number(number));
  }

  write(entry) {
    const line = JSON.stringify(entry) + '\n';
    this.position += Buffer.byteLength(line);
    this.stream.write(line);
    if (entry[0] === 'failed') this.answered.add(entry[1]);
    if (entry[0] === 'replies') this.queues.push(entry[1]);
  }

  // Writes that a process has fired, unless an earlier attempt did.
  fired([what, workflow, number, firing, outs]) {
    this.answered.add(Number(number));
    if (!(`${number}_${firing}` in this.outputs)) this.write([what, workflow, number, firing, outs]);
  }

  isAnswered(number) {
    return this.answered.has(number);
  }

  // The bytes that the agent has put into the bucket.
  saved() {
    const told = `${this.path}.saved`;
    return fs.existsSync(told) ? Number(fs.readFileSync(told, 'utf8')) : 0;
  }

  close() {
    return new Promise((resolve) => this.stream.end(resolve));
  }
}

module.exports = { Journal };
