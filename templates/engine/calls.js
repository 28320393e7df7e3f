'use strict';

// The JavaScript functions of a workflow, called one process at a time. One that fails fails its process: it gets no callback
// into the engine, which would drop the error. process.exit ends the process that calls it, not the engine.

const { AsyncLocalStorage } = require('async_hooks');
const { concealed, revealed } = require('./names.js');

// How many signals the engine makes of the data of one.
function elements(data) {
  return data ? Object.keys(Object(data)).length : 1;
}

class Exit extends Error {}

class Calls {
  constructor(jobs) {
    this.jobs = jobs;
    this.running = new Set();
    this.current = new AsyncLocalStorage();
    this.modules = new Map(); // that a workflow declares for functions, by the functions' names
    this.readersOf = () => []; // of the n-th output of a process; run.js knows the graph
  }

  // Calls `f` as the engine would, for the process that `context` names.
  run(f, engineIns, engineOuts, context, callback) {
    const [ins, outs] = [revealed(engineIns), revealed(engineOuts)];
    const call = { number: Number(context.procId), name: context.name, program: f.name, outs, callback, began: Date.now() };
    this.running.add(call);
    const answer = (error, results, options) => (error ? this.fail(call, error) : this.succeed(call, results, options));
    this.current.run(call, () => {
      try {
        Promise.resolve(f(ins, outs, context, answer)).catch((error) => this.fail(call, error));
      } catch (error) {
        this.fail(call, error);
      }
    });
  }

  succeed(call, results, options) {
    const isTooMuch = ({ data }, position) => elements(data) > 1 && this.readersOf(call.number, position).length;
    const many = results ? Array.prototype.find.call(results, isTooMuch) : undefined;
    if (many) {
      return this.fail(call, `it wrote ${elements(many.data)} data elements to ${many.name}, and each process runs once`);
    }
    if (!this.end(call)) return;
    this.jobs.record.tellCall(call, 0);
    call.callback(null, concealed(results), options);
  }

  fail(call, error) {
    if (error instanceof Exit || !this.end(call)) return;
    const { number, name, program } = call;
    const text = error instanceof Error ? error.message : String(error);
    const message = { id: `${this.jobs.run}-${number}`, name, executable: program || name, args: [] };
    const stderr = error instanceof Error ? error.stack : '';
    const ended = new Date().toISOString();
    this.jobs.record.tellCall(call, null, `The function failed: ${text}`);
    this.jobs.fail(number, message, { exit_status: null, stderr, ended, exceptions: [`The function failed: ${text}`] });
  }

  // What has not called back, and has had its time.
  giveUp(seconds) {
    for (const call of [...this.running]) this.fail(call, `it has not called back for ${seconds} seconds`);
  }

  // Whether this is the first end of a call.
  end(call) {
    return this.running.delete(call);
  }

  // What process.exit does in a function: with 0 the process is done, with another code it has failed.
  exit(code) {
    const call = this.current.getStore();
    if (!call || !this.running.has(call)) return;
    if (code) this.fail(call, `it called process.exit(${code})`);
    else this.succeed(call, call.outs);
    throw new Exit('process.exit');
  }

  // An exception that nobody caught: whether it was a function's.
  uncaught(error) {
    const call = this.current.getStore();
    if (call) this.fail(call, error);
    return Boolean(call) || error instanceof Exit;
  }
}

module.exports = { Calls };
