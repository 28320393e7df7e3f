'use strict';

// The functions of a workflow's processes: the engine looks for them here, in the workflow's directory, before its own. Jobs go
// to our amqpCommand, which sends names, ids and all options along; all others are called so that their failures are seen.

const fs = require('fs');
const path = require('path');

const ours = path.dirname(require.main.filename);
const { calls, jobs, keysOf } = require(path.join(ours, 'context.js'));
const { shown } = require(path.join(ours, 'names.js'));

function amqpCommand(ins, outs, context, callback) {
  const { executable, args, env, shell, stdout, stderr, options } = context.executor;
  const located = (signal) => ({ ...signal, hfecsKeys: keysOf(signal, options) });
  const message = {
    id: `${jobs.run}-${context.procId}`,
    name: context.name,
    run: jobs.run,
    executable,
    args: args || [],
    env: env || {},
    shell: Boolean(shell),
    inputs: Array.prototype.map.call(ins, shown).map(located),
    outputs: Array.prototype.map.call(outs, shown),
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

// Other functions: of the module that the workflow declares for them, of the user's own functions.js, which is kept under
// another name, then the engine's. Loaded when first asked for.
const USERS = 'functions.user.js';
const own = Object.assign(Object.create(null), { amqpCommand });

function exported(file, name) {
  const found = fs.existsSync(path.join(__dirname, file)) ? require(path.join(__dirname, file)) : {};
  return typeof found[name] === 'function' && !(name in Object.prototype) ? found[name] : undefined;
}

function declared(name) {
  const module = (calls.modules.get(name) || 'functions.js').replace(/(\.js)?$/, '.js');
  return exported(path.normalize(module) === 'functions.js' ? USERS : module, name);
}

function found(name) {
  const engines = require('@hyperflow/hyperflow/functions');
  return declared(name) || exported(USERS, name) || (name === 'exit' ? exit : Object.hasOwn(engines, name) && engines[name]);
}

module.exports = new Proxy(own, {
  get(target, name) {
    if (name in target || typeof name !== 'string') return target[name];
    const f = found(name);
    return f && ((ins, outs, context, callback) => calls.run(f, ins, outs, context, callback));
  },
});
