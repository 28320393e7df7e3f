'use strict';

// Runs one workflow: node run.js DAG. Exit code 0 when it has finished and every job succeeded, 1 when a job failed. With
// HFECS_KEEP_GOING=true what does not depend on a failed job is finished first.

require('./memory_patches.js');

const fs = require('fs');
const path = require('path');
const Engine = require('@hyperflow/hyperflow/engine2');
const { hflowRun } = require('@hyperflow/hyperflow/common/wfRun.js');
const { Graph } = require('./graph.js');
const { jobs, journal } = require('./context.js');

const STOPPED = 143; // as a shell tells it: ended by SIGTERM

const dag = path.resolve(process.argv[2]);
const graph = new Graph(JSON.parse(fs.readFileSync(dag, 'utf8')));
const keepGoing = process.env.HFECS_KEEP_GOING === 'true';
let ending = false;
let journaling = true;

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
  jobs.taken.written(number);
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

process.on('SIGTERM', () => end(STOPPED, 'The workflow was stopped.'));

async function end(code, words) {
  if (ending) return;
  ending = true;
  await jobs.close();
  journaling = false;
  await journal.close();
  console.log(words);
  process.exit(code);
}

const options = { run: true, '<workflow_dir_or_file>': dag, '--var': [] };
hflowRun(options, () => {});
