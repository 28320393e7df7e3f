'use strict';

// Runs one workflow: node run.js DAG. Exit code 0 when it has finished and every job succeeded, 1 when a job failed, 3 when
// nothing can happen any more. With HFECS_KEEP_GOING=true what does not depend on a failed job is finished first.

require('./memory_patches.js');

const fs = require('fs');
const path = require('path');
const Mustache = require('mustache');
const { RedisClient } = require('redis');
const Engine = require('@hyperflow/hyperflow/engine2');
const { hflowRun } = require('@hyperflow/hyperflow/common/wfRun.js');
const { Graph } = require('./graph.js');
const names = require('./names.js');
const { calls, jobs, journal } = require('./context.js');

const STOPPED = 143; // as a shell tells it: ended by SIGTERM
const STALLED = 3;
const TICK_MS = 250 * Number(process.env.HFECS_STALL_SECONDS || 20); // a step of the engine takes milliseconds
const IDLE_TICKS = 4;
const FUNCTION_MS = 1000 * Number(process.env.HFECS_FUNCTION_SECONDS || 3600);
const POLL = 'srandmember'; // the engine's command to Redis that is none of its steps

const dag = path.resolve(process.argv[2]);
const { graph, functionNames } = prepared(JSON.parse(fs.readFileSync(dag, 'utf8'))); // which is large, and not kept
const keepGoing = process.env.HFECS_KEEP_GOING === 'true';
let ending = false;
let journaling = true;
let idleTicks = 0;
let movedAt = Date.now();

// What is needed of the workflow; its file becomes what the engine can read. The modules that it declares for functions are our
// functions.js's business.
function prepared(workflow) {
  const declared = Array.isArray(workflow.functions) ? workflow.functions : [];
  calls.modules = new Map(declared.map(({ name, module }) => [name, String(module)]));
  const readable = names.hidden(workflow);
  delete readable.functions;
  fs.writeFileSync(dag, JSON.stringify(readable));
  return { graph: new Graph(workflow), functionNames: new Set(workflow.processes.map((process) => process.function)) };
}

// The agent has filled in the variables: what is left of braces belongs to a text.
Mustache.render = (text) => text;

// The engine's own --persist loses its last lines, because the engine ends the process without waiting for them; its own
// "recover" wants the directory of the earlier run. What it does with the outputs that it recovers is what we need.
const runInstance = Engine.prototype.runInstance;
Engine.prototype.runInstance = function (callback) {
  if (jobs.resumed) {
    Object.assign(this.config, { recovery: true, recoveryData: { outputs: journal.outputs, settings: {} } });
  }
  this.eventServer.on('persist', (_, entry) => {
    if (journaling && entry[0] === 'fired') fired(entry);
  });
  heedTheLiving(this.tasks);
  return runInstance.call(this, callback);
};

// A process whose only inputs are control signals begins without them: one that comes after its end would end the engine.
function heedTheLiving(tasks) {
  const sessions = Object.getPrototypeOf(tasks[1]);
  const { fireCustomEvent } = sessions;
  sessions.fireCustomEvent = function (message) {
    if (this.getCurrentState()) fireCustomEvent.call(this, message);
  };
}

function fired(entry) {
  const number = Number(entry[2]);
  journal.fired(entry);
  jobs.unacked.written(number);
  graph.done.add(number);
  endIfExhausted();
}

Engine.prototype.workflowFinished = function () {
  end(jobs.failed ? 1 : 0, 'The workflow has finished.');
};

jobs.onFailure = (number) => {
  graph.fail(number);
  if (keepGoing) endIfExhausted();
  else end(1, 'The workflow has failed.');
};

function endIfExhausted() {
  if (jobs.failed && graph.isExhausted()) end(1, 'The workflow has failed; all that did not depend on failed jobs is done.');
}

// An engine that has no job and no function under way, and goes from no step to the next, waits for a signal that nobody sends.
// If only functions are under way, they have a limited time to call back.
function tick() {
  if (jobs.pending.size) movedAt = Date.now();
  if (Date.now() - movedAt > FUNCTION_MS) calls.giveUp(FUNCTION_MS / 1000);
  idleTicks = jobs.pending.size || calls.running.size ? 0 : idleTicks + 1;
  if (idleTicks > IDLE_TICKS) end(jobs.failed ? 1 : STALLED, 'Nothing can happen any more.');
}
setInterval(tick, TICK_MS);

const send = RedisClient.prototype.internal_send_command;
RedisClient.prototype.internal_send_command = function (command) {
  if (command.command !== POLL) {
    idleTicks = 0;
    movedAt = Date.now();
  }
  return send.call(this, command);
};

calls.readersOf = (number, position) => graph.readers[graph.fileOuts(number)[position]] || [];

// The engine's process ends here and nowhere else: what a function does about it is that function's own end.
const exit = process.exit.bind(process);
process.exit = (code) => calls.exit(Number(code) || 0);
process.on('uncaughtException', (error) => {
  if (calls.uncaught(error)) return;
  console.log(error.stack || error);
  end(1, 'The engine has failed.');
});

process.on('SIGTERM', () => end(STOPPED, 'The workflow was stopped.'));

async function end(code, words) {
  if (ending) return;
  ending = true;
  await jobs.close();
  journaling = false;
  await journal.close();
  console.log(words);
  exit(code);
}

const functions = require(path.join(path.dirname(dag), 'functions.js'));
const unknown = [...functionNames].filter((name) => !functions[name]);
if (unknown.length) {
  console.log(`Neither the engine nor functions.js has the functions ${unknown.join(', ')}.`);
  exit(1);
}

const options = { run: true, '<workflow_dir_or_file>': dag, '--var': [] };
hflowRun(options, () => {});
