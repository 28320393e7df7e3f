'use strict';

// The functions of a workflow's processes: the engine looks for them here, in the workflow's directory, before its own. Jobs go
// to our amqpCommand, which sends names, ids and all options along.

const fs = require('fs');
const path = require('path');

const { jobs } = require(path.join(path.dirname(require.main.filename), 'context.js'));

function amqpCommand(ins, outs, context, callback) {
  const { executable, args, env, stdout, stderr, options } = context.executor;
  const message = {
    id: `${jobs.run}-${context.procId}`,
    name: context.name,
    run: jobs.run,
    executable,
    args: args || [],
    env: env || {},
    inputs: ins.map((signal) => signal),
    outputs: outs.map((signal) => signal),
    options: { ...options },
    stdout,
    stderr,
  };
  jobs.submit({ number: Number(context.procId), message, outs, callback });
}

// Other functions: the user's own functions.js, kept under another name, then the engine's. Loaded when first asked for.
const userFunctions = path.join(__dirname, 'functions.user.js');
const own = { amqpCommand };

module.exports = new Proxy(own, {
  get(target, name) {
    if (name in target || typeof name !== 'string') return target[name];
    const users = fs.existsSync(userFunctions) ? require(userFunctions) : {};
    return users[name] || require('@hyperflow/hyperflow/functions')[name];
  },
});
