'use strict';

// What the jobs of a run printed, a line of JSON for each try: {"job", "name", "try", "ended", "executor", "exit_status", "why",
// "stdout", "stderr"}. A later attempt of the run goes on with the lines of the earlier ones.

const fs = require('fs');

const SUCCEEDED_BYTES = 4 * 1024; // of each stream
const FAILED_BYTES = 64 * 1024;
const MOST_BYTES = 100e6; // of all lines; then nothing more is written
const OUTPUT_BYTES = 95e6; // of all lines; those behind it have no output, and say so
const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 10;

class Printed {
  constructor(path) {
    this.told = new Set(); // by earlier attempts: the broker delivers replies again that a lost engine had taken
    this.file = fs.openSync(path, 'a+');
    this.size = this.read();
  }

  // Reads the lines that are there; returns their bytes.
  read() {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let [size, rest] = [0, Buffer.alloc(0)];
    for (let count; (count = fs.readSync(this.file, chunk, 0, CHUNK_BYTES, size)); size += count) {
      const content = Buffer.concat([rest, chunk.subarray(0, count)]);
      let start = 0;
      for (let end; (end = content.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
        this.told.add(identityOf(content.toString('utf8', start, end)));
      }
      rest = Buffer.from(content.subarray(start));
    }
    return size;
  }

  // Writes all tries that a reply tells of, before anything else is told of the job.
  tell(job, name, { tries, attempts, ended, executor, exit_status, exceptions, stdout, stderr }) {
    for (const one of Array.isArray(tries) ? tries : []) {
      if (one) this.write({ job, name, try: one.number, ended: one.ended, executor, exit_status: one.exit_status }, one.problem, one);
    }
    this.write({ job, name, try: attempts || 1, ended, executor, exit_status }, (exceptions || []).join(' '), { stdout, stderr });
  }

  write(about, why, { stdout, stderr }) {
    if (about.ended && this.told.has(identity(about))) return;
    const most = about.exit_status === 0 && !why ? SUCCEEDED_BYTES : FAILED_BYTES;
    const facts = { ...about, why: endOf(why, most) };
    let line = lineOf({ ...facts, stdout: endOf(stdout, most), stderr: endOf(stderr, most) });
    if (this.size + line.length > OUTPUT_BYTES) line = lineOf({ ...facts, cut: true });
    if (this.size + line.length > MOST_BYTES) return;
    fs.writeSync(this.file, line); // not later: what the journal tells is in here already
    this.size += line.length;
  }
}

// Anybody may have written into the bucket where the lines were.
function identityOf(line) {
  try {
    return identity(JSON.parse(line));
  } catch {
    return '';
  }
}

function identity({ job, try: number, ended, executor }) {
  return `${job} ${number} ${ended} ${executor}`;
}

function lineOf(facts) {
  return Buffer.from(JSON.stringify(facts) + '\n');
}

// The last so many bytes of a text, from the start of a character.
function endOf(text, most) {
  if (typeof text !== 'string' || !text) return '';
  const content = Buffer.from(text);
  let start = Math.max(0, content.length - most);
  while ((content[start] & 0xc0) === 0x80) start += 1;
  return content.toString('utf8', start);
}

module.exports = { Printed, endOf };
