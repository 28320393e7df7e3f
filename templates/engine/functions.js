'use strict';

// The function behind the jobs of a workflow: the engine takes it from here before its own amqpCommand. One connection, one
// confirm channel and one reply queue serve all jobs; a job that failed gets no callback, so that nothing behind it runs.

const amqplib = require('amqplib');
const fs = require('fs');
const path = require('path');

const HOUR_MS = 3600 * 1000;
const FRAME_BYTES = 131072; // RabbitMQ 4.1 and later refuse the library's 4096
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

class Jobs {
  constructor({ url, queue, run, failures }) {
    this.url = url;
    this.queue = queue;
    this.run = run;
    this.failures = failures;
    this.replies = `hyperflow.replies.${run}`;
    this.pending = new Map();
    this.failed = 0;
    this.onFailure = () => {};
    this.connection = null;
    this.channel = null;
    this.hadReplyQueue = false;
    this.closing = false;
  }

  submit(message, outs, callback) {
    if (this.closing) return;
    this.pending.set(message.id, { message, outs, callback, confirmed: false });
    if (this.channel) this.publish(message.id);
    else this.start();
  }

  start() {
    if (!this.started) this.started = this.connect();
  }

  // Waits for the broker, however long it takes to come up or to come back.
  async connect() {
    for (let pause = FIRST_RETRY_MS; !this.closing; pause = Math.min(2 * pause, LAST_RETRY_MS)) {
      try {
        await this.open();
        return;
      } catch (error) {
        if (pause === FIRST_RETRY_MS) console.log(`The broker does not answer (${error.message}), trying again.`);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async open() {
    const connection = await amqplib.connect(withTuning(this.url), { noDelay: true });
    connection.on('error', () => {}); // 'close' follows
    connection.on('close', () => this.lost(connection));
    try {
      const kept = !this.hadReplyQueue || (await exists(connection, this.replies));
      const channel = await connection.createConfirmChannel();
      channel.on('error', (error) => console.log(`The broker closed the channel: ${error.message}`));
      channel.on('close', () => this.leave(connection));
      await channel.assertQueue(this.queue, { durable: true });
      await channel.assertQueue(this.replies, { durable: true, arguments: { 'x-expires': HOUR_MS } });
      await channel.consume(this.replies, (reply) => this.receive(channel, reply));
      // A broker that lost our queue lost our jobs with it.
      if (!kept) for (const job of this.pending.values()) job.confirmed = false;
      this.hadReplyQueue = true;
      this.connection = connection;
      this.channel = channel;
    } catch (error) {
      connection.close().catch(() => {});
      throw error;
    }
    for (const [id, job] of this.pending) if (!job.confirmed) this.publish(id);
  }

  lost(connection) {
    if (this.connection !== connection || this.closing) return;
    console.log('The connection to the broker is lost, coming back.');
    this.connection = null;
    this.channel = null;
    this.started = this.connect();
  }

  // Gives a connection up; lost() follows.
  leave(connection) {
    this.channel = null;
    connection.close().catch(() => {});
  }

  publish(id) {
    const job = this.pending.get(id);
    const about = { replyTo: this.replies, correlationId: id, timestamp: Math.floor(Date.now() / 1000) };
    const properties = { persistent: true, contentType: 'application/json', ...about };
    this.channel.sendToQueue(this.queue, Buffer.from(JSON.stringify(job.message)), properties, (error) => {
      if (!error) job.confirmed = true;
      else if (this.channel && this.pending.has(id)) this.publish(id);
    });
  }

  receive(channel, reply) {
    if (!reply) {
      this.leave(this.connection); // our queue was deleted: open() makes it again
      return;
    }
    channel.ack(reply);
    const job = this.pending.get(reply.properties.correlationId);
    if (!job) return; // a second reply to a job that was delivered twice
    this.pending.delete(reply.properties.correlationId);
    const result = parsed(reply.content.toString());
    if (result.exit_status === 0) job.callback(null, job.outs);
    else this.fail(job.message, result);
  }

  fail({ id, name, executable, args }, { exit_status, stderr, exceptions, executor, attempts }) {
    this.failed += 1;
    const record = { id, name, executable, args, exit_status, stderr, exceptions, executor, attempts };
    fs.appendFileSync(this.failures, JSON.stringify(record) + '\n');
    console.log(`Job ${name} (${executable}) failed with exit code ${exit_status}.`);
    this.onFailure();
  }

  // Deletes the reply queue: executors drop what is left of a run whose queue is gone.
  async close() {
    this.closing = true;
    if (!this.channel) return;
    await this.channel.deleteQueue(this.replies).catch(() => {});
    await this.connection.close().catch(() => {});
  }
}

function withTuning(url) {
  const tuned = new URL(url);
  tuned.searchParams.set('frameMax', FRAME_BYTES);
  tuned.searchParams.set('heartbeat', 30);
  return tuned.href;
}

async function exists(connection, queue) {
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  try {
    await channel.checkQueue(queue);
    await channel.close();
    return true;
  } catch {
    return false;
  }
}

function parsed(text) {
  try {
    const result = JSON.parse(text);
    if (Number.isInteger(result.exit_status)) return result;
  } catch {
    // said below
  }
  return { exit_status: null, stderr: '', exceptions: [`The executor's reply cannot be read: ${text.slice(0, 500)}`] };
}

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
  jobs.submit(message, outs, callback);
}

const jobs = new Jobs({
  url: process.env.AMQP_URL,
  queue: process.env.AMQP_QUEUE,
  run: process.env.RUN_ID,
  failures: process.env.HFECS_FAILURES,
});

// Other functions: the user's own functions.js, kept under another name, then the engine's. Loaded when first asked for.
const userFunctions = path.join(__dirname, 'functions.user.js');
const own = { amqpCommand, jobs };

module.exports = new Proxy(own, {
  get(target, name) {
    if (name in target || typeof name !== 'string') return target[name];
    const users = fs.existsSync(userFunctions) ? require(userFunctions) : {};
    return users[name] || require('@hyperflow/hyperflow/functions')[name];
  },
});
