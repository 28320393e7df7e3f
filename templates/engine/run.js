'use strict';

// Runs one workflow: node run.js DAG. Exit code 0 when it has finished and every job succeeded, 1 when a job failed.

const fs = require('fs');
const path = require('path');
const Engine = require('@hyperflow/hyperflow/engine2');
const { hflowRun } = require('@hyperflow/hyperflow/common/wfRun.js');

const STOPPED = 143; // as a shell tells it: ended by SIGTERM

const dag = path.resolve(process.argv[2]);
const { jobs } = require(path.join(path.dirname(dag), 'functions.js'));
const journal = fs.createWriteStream(process.env.HFECS_JOURNAL, { flags: 'a' });
let ending = false;
let journaling = true;

// The engine's own --persist loses its last lines, because the engine ends the process without waiting for them.
const runInstance = Engine.prototype.runInstance;
Engine.prototype.runInstance = function (callback) {
  this.eventServer.on('persist', function () {
    if (journaling) journal.write(JSON.stringify(arguments) + '\n');
  });
  return runInstance.call(this, callback);
};

Engine.prototype.workflowFinished = function () {
  end(jobs.failed ? 1 : 0, 'The workflow has finished.');
};

jobs.onFailure = () => end(1, 'The workflow has failed.');
process.on('SIGTERM', () => end(STOPPED, 'The workflow was stopped.'));

async function end(code, words) {
  if (ending) return;
  ending = true;
  await jobs.close();
  journaling = false;
  await new Promise((resolve) => journal.end(resolve));
  console.log(words);
  process.exit(code);
}

const options = { run: true, '<workflow_dir_or_file>': dag, '--var': [] };
hflowRun(options, () => {});
