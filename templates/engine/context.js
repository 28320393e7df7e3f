'use strict';

// The run that this process is for: its journal, its jobs and its function calls, shared by run.js and functions.js.

const fs = require('fs');
const { Calls } = require('./calls.js');
const { Jobs } = require('./jobs.js');
const { Failures } = require('./failures.js');
const { Journal } = require('./journal.js');
const { Printed } = require('./printed.js');
const { JobRecord } = require('./record.js');

const journal = new Journal(process.env.HFECS_JOURNAL);
const record = new JobRecord(process.env.RECORD_FILE, Number(process.env.HFECS_ATTEMPT));
const jobs = new Jobs({
  url: process.env.AMQP_URL,
  queue: process.env.AMQP_QUEUE,
  run: process.env.RUN_ID,
  resumed: Number(process.env.HFECS_ATTEMPT) > 1,
  failures: new Failures(process.env.HFECS_FAILURES),
  journal,
  printed: new Printed(process.env.PRINTED_FILE),
  record,
  answerMs: 1000 * Number(process.env.HFECS_ANSWER_SECONDS || 0), // 0 for the usual time
});

const calls = new Calls(jobs);

// Where jobs of this run find the files that were uploaded: keys in the bucket, by names.
const places = process.env.HFECS_PLACES ? JSON.parse(fs.readFileSync(process.env.HFECS_PLACES, 'utf8')) : { keys: {} };

// The keys of the files of a signal, for a job with these options; those of another place have none.
function keysOf({ name, files }, { storage, bucket, prefix }) {
  if (!['s3', 'cloud'].includes(storage) || bucket !== places.bucket || prefix !== places.prefix) return {};
  const names = (files === undefined ? [name] : String(files).split(':')).filter((one) => Object.hasOwn(places.keys, one));
  return Object.fromEntries(names.map((one) => [one, places.keys[one]]));
}

module.exports = { calls, jobs, journal, keysOf };
