'use strict';

// Which processes of a workflow are done, and which never can be because one before them has failed. Numbers begin with 1.

class Graph {
  constructor({ processes, signals }) {
    const named = new Map(signals.map((signal, index) => [signal.name, index]));
    const index = (reference) => (typeof reference === 'string' ? named.get(reference) : reference);
    this.isControl = signals.map((signal) => Boolean(signal.control));
    this.outs = [[], ...processes.map((process) => process.outs.map(index))];
    this.readers = signals.map(() => []);
    processes.forEach((process, position) => process.ins.forEach((one) => this.readers[index(one)].push(position + 1)));
    this.done = new Set();
    this.lost = new Set();
  }

  // The outputs of a process that its function is given: no control signals, each once.
  fileOuts(number) {
    return [...new Set(this.outs[number])].filter((signal) => !this.isControl[signal]);
  }

  // A process has failed: whatever waits for it is lost too.
  fail(number) {
    const waiting = [number];
    while (waiting.length) {
      const next = waiting.pop();
      if (this.lost.has(next)) continue;
      this.lost.add(next);
      for (const signal of this.outs[next]) waiting.push(...this.readers[signal]);
    }
  }

  // Whether nothing is left that could run.
  isExhausted() {
    return this.done.size + this.lost.size >= this.outs.length - 1;
  }
}

module.exports = { Graph };
