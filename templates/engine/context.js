'use strict';

// The run that this process is for: its journal, its jobs and its function calls, shared by run.js and functions.js.

const { Calls } = require('./calls.js');
const { Jobs } = require('./jobs.js');
const { Journal } = require('./journal.js');

const journal = new Journal(process.env.HFECS_JOURNAL);
const jobs = new Jobs({
  url: process.env.AMQP_URL,
  queue: process.env.AMQP_QUEUE,
  run: process.env.RUN_ID,
  resumed: Number(process.env.HFECS_ATTEMPT) > 1,
  failures: process.env.HFECS_FAILURES,
  journal,
  answerMs: 1000 * Number(process.env.HFECS_ANSWER_SECONDS || 0), // 0 for the usual time
});

const calls = new Calls(jobs);

module.exports = { calls, jobs, journal };
