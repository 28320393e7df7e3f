'use strict';

// The jobs of a run at the broker: one connection, one confirm channel and one reply queue serve all of them. A job that failed
// gets no callback, so that nothing behind it runs.

const amqplib = require('amqplib');
const fs = require('fs');
const { exists, parsed, withTuning } = require('./broker.js');

const HOUR_MS = 3600 * 1000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;
const SETTLE_MS = 1000;
const CONSUMER = 'engine';

class Jobs {
  constructor({ url, queue, run, resumed, failures, journal }) {
    this.url = url;
    this.queue = queue;
    this.run = run;
    this.resumed = resumed;
    this.failures = failures;
    this.journal = journal;
    this.replies = this.nameOfReplies();
    this.pending = new Map();
    this.early = new Map(); // replies to jobs of an engine that was lost, which this one has not come to yet
    this.taken = new Map(); // replies whose jobs are not in the journal yet
    this.unsettled = []; // replies that are, until the journal is safe
    this.failed = 0;
    this.onFailure = () => {};
    this.connection = null;
    this.channel = null;
    this.hadReplyQueue = resumed;
    this.closing = false;
    setInterval(() => this.settle(), SETTLE_MS).unref();
  }

  submit({ number, message, outs, callback }) {
    if (this.closing) return;
    const { id } = message;
    this.pending.set(id, { number, message, outs, callback, confirmed: this.journal.sent.has(number) });
    const delivery = this.early.get(id);
    if (delivery) {
      this.early.delete(id);
      this.take(id, delivery);
    } else if (!this.channel) this.start();
    else if (!this.pending.get(id).confirmed) this.publish(id);
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
      const channel = await connection.createConfirmChannel();
      channel.on('error', (error) => console.log(`The broker closed the channel: ${error.message}`));
      channel.on('close', () => this.leave(connection));
      if (this.hadReplyQueue && !(await exists(connection, this.replies))) this.forgetSent();
      if (!(await exists(connection, this.queue))) await channel.assertQueue(this.queue, { durable: true });
      await channel.assertQueue(this.replies, { durable: true, arguments: { 'x-expires': HOUR_MS } });
      // Exclusive: of two engines of one run, the second waits until the first is gone. Registered first: the library takes
      // replies that come with the answer to "consume" for those of a stranger.
      const consumer = (reply) => this.receive(channel, reply);
      channel.registerConsumer(CONSUMER, consumer);
      await channel.consume(this.replies, consumer, { exclusive: true, consumerTag: CONSUMER });
      if (!this.hadReplyQueue) this.journal.write(['replies', this.replies]);
      this.hadReplyQueue = true;
      this.connection = connection;
      this.channel = channel;
    } catch (error) {
      connection.close().catch(() => {});
      throw error;
    }
    for (const [id, job] of this.pending) if (!job.confirmed) this.publish(id);
  }

  // The first queue of a run, or the one that its journal names last.
  nameOfReplies() {
    const { queues } = this.journal;
    return queues.at(-1) || `hyperflow.replies.${this.run}`;
  }

  // A broker that lost our queue lost our jobs with it, or executors drop them. Their replies would go to the old name: under
  // a new one none of those that may still wait runs beside its successor.
  forgetSent() {
    this.journal.sent.clear();
    for (const job of this.pending.values()) job.confirmed = false;
    this.replies = `hyperflow.replies.${this.run}.${Math.max(this.journal.queues.length, 1) + 1}`;
    this.hadReplyQueue = false;
  }

  lost(connection) {
    if (this.connection !== connection || this.closing) return;
    console.log('The connection to the broker is lost, coming back.');
    this.connection = null;
    this.channel = null;
    this.started = this.connect();
  }

  // Gives a connection up; lost() follows. One that never got so far as to be ours may close when another is.
  leave(connection) {
    if (this.connection === connection) this.channel = null;
    connection.close().catch(() => {});
  }

  publish(id) {
    const job = this.pending.get(id);
    const about = { replyTo: this.replies, correlationId: id, timestamp: Math.floor(Date.now() / 1000) };
    const properties = { persistent: true, contentType: 'application/json', ...about };
    this.channel.sendToQueue(this.queue, Buffer.from(JSON.stringify(job.message)), properties, (error) => {
      if (!this.pending.has(id)) return;
      if (!error) {
        job.confirmed = true;
        this.journal.write(['sent', job.number]);
      } else if (this.channel) this.publish(id);
    });
  }

  receive(channel, reply) {
    if (!reply) {
      this.leave(this.connection); // our queue was deleted: open() makes it again
      return;
    }
    const id = reply.properties.correlationId;
    const delivery = { channel, reply };
    if (this.pending.has(id)) this.take(id, delivery);
    else if (this.resumed && !this.journal.isAnswered(this.numberOf(id))) this.early.set(id, delivery);
    else channel.ack(reply); // a second reply to a job that was delivered twice
  }

  numberOf(id) {
    return Number(id.slice(this.run.length + 1));
  }

  take(id, delivery) {
    const { number, message, outs, callback } = this.pending.get(id);
    this.pending.delete(id);
    this.taken.set(number, delivery);
    const result = parsed(delivery.reply.content.toString());
    if (result.exit_status === 0) callback(null, outs);
    else this.fail(number, message, result);
  }

  fail(number, { id, name, executable, args }, { exit_status, stderr, exceptions, executor, attempts }) {
    this.failed += 1;
    const record = { id, name, executable, args, exit_status, stderr, exceptions, executor, attempts };
    fs.appendFileSync(this.failures, JSON.stringify(record) + '\n');
    console.log(`Job ${name} (${executable}) failed with exit code ${exit_status}.`);
    this.journal.write(['failed', number]);
    this.written(number);
    this.onFailure(number);
  }

  // The journal tells how this job ended; its reply stays at the broker until the journal is safe.
  written(number) {
    const delivery = this.taken.get(number);
    if (delivery) this.unsettled.push({ ...delivery, position: this.journal.position });
    this.taken.delete(number);
  }

  settle() {
    const saved = this.journal.saved();
    const safe = this.unsettled.findIndex(({ position }) => position > saved);
    for (const { channel, reply } of this.unsettled.splice(0, safe < 0 ? this.unsettled.length : safe)) {
      if (channel === this.channel) channel.ack(reply);
    }
  }

  // Deletes the reply queue: executors drop what is left of a run whose queue is gone.
  async close() {
    this.closing = true;
    if (!this.channel) return;
    await this.channel.deleteQueue(this.replies).catch(() => {});
    await this.connection.close().catch(() => {});
  }
}

module.exports = { Jobs };
