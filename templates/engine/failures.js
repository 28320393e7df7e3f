'use strict';

// The jobs that have failed for good, a line of JSON each, as the result tells them: of bounded size, whatever they printed.

const fs = require('fs');
const { endOf } = require('./printed.js');

const OUTPUT_BYTES = 4 * 1024; // of both streams of a job
const WORDS_BYTES = 4 * 1024; // of its arguments, and of its sentences
const MOST_BYTES = 4e6; // of all lines; those behind it have neither output nor arguments

class Failures {
  constructor(path) {
    this.path = path;
    this.count = 0;
    this.size = 0;
  }

  write({ id, name, executable, args }, { exit_status, stdout, stderr, exceptions, executor, attempts }) {
    this.count += 1;
    const about = { id, name, executable, exit_status, attempts, executor };
    const why = firstOf(exceptions || [], WORDS_BYTES);
    const full = { ...about, args: firstOf(args || [], WORDS_BYTES), exceptions: why, ...ends(stdout, stderr) };
    let line = JSON.stringify(full) + '\n';
    if (this.size + line.length > MOST_BYTES) line = JSON.stringify({ ...about, args: [], exceptions: firstOf(why, 200) }) + '\n';
    this.size += line.length;
    fs.appendFileSync(this.path, line);
  }
}

// The ends of both streams; what one leaves of its half is the other's.
function ends(stdout, stderr) {
  const [out, err] = [stdout, stderr].map((text) => Buffer.byteLength(typeof text === 'string' ? text : ''));
  const half = OUTPUT_BYTES / 2;
  return {
    stdout: endOf(stdout, Math.max(half, OUTPUT_BYTES - err)),
    stderr: endOf(stderr, Math.max(half, OUTPUT_BYTES - out)),
  };
}

// The first words that have room, and dots if there are more.
function firstOf(words, most) {
  const every = Array.isArray(words) ? words.map(String) : [String(words)];
  let left = most;
  const end = every.findIndex((word) => (left -= Buffer.byteLength(word)) < 0);
  if (end < 0) return every;
  const kept = end ? every.slice(0, end) : [every[0].slice(0, most / 4)];
  return [...kept, '...'];
}

module.exports = { Failures };
