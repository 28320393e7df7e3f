'use strict';

// The functions of a workflow's processes: the engine looks for them here, in the workflow's directory, before its own. Jobs go
// to our amqpCommand, which sends names, ids and all options along; all others are called so that their failures are seen.

const fs = require('fs');
const path = require('path');

const { calls, jobs } = require(path.join(path.dirname(require.main.filename), 'context.js'));

function amqpCommand(ins, outs, context, callback) {
  const { executable, args, env, shell, stdout, stderr, options } = context.executor;
  const message = {
    id: `${jobs.run}-${context.procId}`,
    name: context.name,
    run: jobs.run,
    executable,
    args: args || [],
    env: env || {},
    shell: Boolean(shell),
    inputs: ins.map((signal) => signal),
    outputs: outs.map((signal) => signal),
    options: { ...options },
    stdout,
    stderr,
  };
  jobs.submit({ number: Number(context.procId), message, outs, callback });
}

// The engine's own ends the engine, whatever else is under way.
function exit(ins, outs, context, callback) {
  callback(null, outs);
}

// Other functions: the user's own functions.js, kept under another name, then the engine's. Loaded when first asked for.
const userFunctions = path.join(__dirname, 'functions.user.js');
const own = Object.assign(Object.create(null), { amqpCommand });

function found(name) {
  const users = fs.existsSync(userFunctions) ? require(userFunctions) : {};
  const engines = () => require('@hyperflow/hyperflow/functions');
  return users[name] || (name === 'exit' ? exit : Object.hasOwn(engines(), name) && engines()[name]);
}

module.exports = new Proxy(own, {
  get(target, name) {
    if (name in target || typeof name !== 'string') return target[name];
    const f = found(name);
    return f && ((ins, outs, context, callback) => calls.run(f, ins, outs, context, callback));
  },
});
