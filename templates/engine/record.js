'use strict';

// The record of the jobs of a run, a line of JSON for each try, in the shape of src/hfecs/record/model.py. What only the executor
// knows of a try, it tells in its reply. A later attempt of the run goes on with the lines of the earlier ones.

const fs = require('fs');

class JobRecord {
  constructor(path, attempt) {
    this.attempt = attempt;
    this.told = new Set(); // the broker delivers replies again that a lost engine had taken
    for (const line of fs.existsSync(path) ? fs.readFileSync(path, 'utf8').split('\n') : []) this.told.add(identityOf(line));
    this.file = fs.openSync(path, 'a');
  }

  // Writes all tries that a reply tells of; `ready` and `sent` are milliseconds since 1970, if they are known.
  tell(number, { ready, sent }, { lost, tries, exit_status, exceptions, facts }) {
    const whole = { number, ...objectOf(facts) };
    if (this.told.has(identity(whole))) return;
    const about = { number, attempt: this.attempt, ready: seconds(ready), sent: seconds(sent) };
    let order = 0;
    for (const why of arrayOf(lost)) this.write({ ...about, order: (order += 1), why: textOf(why) || 'its executor was lost' });
    for (const one of arrayOf(tries).map(objectOf)) {
      this.write({ ...about, order: (order += 1), ...objectOf(one.facts), exit_status: one.exit_status, why: textOf(one.problem) });
    }
    const why = textOf(arrayOf(exceptions).join(' '));
    this.write({ ...about, order: order + 1, ...objectOf(facts), exit_status, why });
  }

  // Writes the call of a function, on the engine's machine.
  tellCall({ number, began }, exit_status, why) {
    const times = { ready: seconds(began), started: seconds(began), ended: seconds(Date.now()) };
    const execution = { began: times.started, seconds: (Date.now() - began) / 1000 };
    this.write({ number, attempt: this.attempt, ...times, execution, exit_status, why: textOf(why), worker: 'engine' });
  }

  write(facts) {
    fs.writeSync(this.file, JSON.stringify(facts) + '\n'); // not later: what the journal tells is in here already
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

// Of a try that ended at an executor; others have none.
function identity({ number, worker, slot, started }) {
  return started === undefined ? '' : `${number} ${worker} ${slot} ${started}`;
}

const LONGEST = 1000;
const seconds = (ms) => (ms === undefined ? undefined : ms / 1000);
const textOf = (text) => (typeof text === 'string' && text ? text.slice(0, LONGEST) : undefined);
const arrayOf = (list) => (Array.isArray(list) ? list : []);
const objectOf = (object) => (object && typeof object === 'object' ? object : {});

module.exports = { JobRecord };
