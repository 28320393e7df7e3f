'use strict';

// The jobs of a run at the broker: one connection, one confirm channel and one reply queue serve all of them. A job that failed
// gets no callback, so that nothing behind it runs.

const { close, connected, exists, giveUp, parsed } = require('./broker.js');
const { UnackedReplies } = require('./unacked_replies.js');

const HOUR_MS = 3600 * 1000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;
const SETTLE_MS = 1000;
const ANSWER_MS = 60 * 1000; // so long the broker may take for an answer, unless it says that it takes nothing at present
const CLOSING_MS = 8 * 1000; // less than the agent leaves an engine that it has told to end
const CONSUMER = 'engine';

class Jobs {
  constructor({ url, queue, run, resumed, failures, journal, printed, record, answerMs }) {
    this.url = url;
    this.answerMs = answerMs || ANSWER_MS;
    this.queue = queue;
    this.run = run;
    this.resumed = resumed;
    this.failures = failures;
    this.journal = journal;
    this.printed = printed;
    this.record = record;
    this.replies = journal.queues.at(-1) || `hyperflow.replies.${run}`;
    this.pending = new Map();
    this.early = new Map(); // replies to jobs of an engine that was lost, which this one has not come to yet
    this.unacked = new UnackedReplies(journal);
    this.onFailure = () => {};
    this.connection = this.channel = null;
    this.hadReplyQueue = resumed;
    this.takesSince = 0; // in milliseconds of the clock
    this.confirmedAt = 0;
    this.closing = false;
    setInterval(() => this.unacked.settle(this.channel), SETTLE_MS).unref();
    // What has arrived while the engine was busy is read before it looks.
    setInterval(() => setImmediate(() => this.look()), this.answerMs / 4).unref();
  }

  submit({ number, message, outs, callback }) {
    if (this.closing) return;
    const { id } = message;
    const confirmed = this.journal.sent.has(number); // by an engine that was lost
    this.pending.set(id, { number, message, outs, callback, confirmed, ready: confirmed ? undefined : Date.now() });
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
    if (this.hadReplyQueue && !(await exists(this.url, this.replies, this.answerMs))) this.forgetSent();
    const isThere = await exists(this.url, this.queue, this.answerMs);
    const connection = await connected(this.url, this.answerMs);
    connection.on('close', () => this.lost(connection));
    connection.on('blocked', () => (this.takesSince = Infinity));
    connection.on('unblocked', () => (this.takesSince = Date.now()));
    try {
      const channel = await connection.createConfirmChannel();
      channel.on('error', (error) => console.log(`The broker closed the channel: ${error.message}`));
      channel.on('close', () => this.leave(connection));
      if (!isThere) await channel.assertQueue(this.queue, { durable: true });
      await channel.assertQueue(this.replies, { durable: true, arguments: { 'x-expires': HOUR_MS } });
      // Exclusive: of two engines of one run, the second waits until the first is gone. Registered first: the library takes
      // replies that come with the answer to "consume" for those of a stranger.
      const consumer = (reply) => this.receive(channel, reply);
      channel.registerConsumer(CONSUMER, consumer);
      await channel.consume(this.replies, consumer, { exclusive: true, consumerTag: CONSUMER });
      this.takeOver(connection, channel);
    } catch (error) {
      if (this.connection === connection) this.connection = this.channel = null;
      close(connection, this.answerMs);
      throw error;
    }
  }

  // From now on jobs go over this connection, unless it was lost since its last answer.
  takeOver(connection, channel) {
    if (connection.gone) throw new Error('the connection was lost');
    connection.ready();
    if (!this.hadReplyQueue) this.journal.write(['replies', this.replies]);
    this.hadReplyQueue = true;
    this.takesSince = 0;
    this.connection = connection;
    this.channel = channel;
    for (const [id, job] of this.pending) if (!job.confirmed) this.publish(id);
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
    this.connection = this.channel = null;
    this.started = this.connect();
  }

  // Gives a connection up; lost() follows. One that never got so far as to be ours may close when another is.
  leave(connection) {
    if (this.connection === connection) this.channel = null;
    connection.gone = true;
    close(connection, this.answerMs);
  }

  publish(id) {
    const job = this.pending.get(id);
    job.published = Date.now();
    const about = { replyTo: this.replies, correlationId: id, timestamp: Math.floor(Date.now() / 1000) };
    const properties = { persistent: true, contentType: 'application/json', ...about };
    const confirmed = (error) => {
      this.confirmedAt = Date.now();
      if (!this.pending.has(id)) return;
      if (!error) {
        job.confirmed = true;
        this.journal.write(['sent', job.number]);
      } else if (this.channel) this.publish(id);
    };
    try {
      this.channel.sendToQueue(this.queue, Buffer.from(JSON.stringify(job.message)), properties, confirmed);
    } catch {
      giveUp(this.connection); // it is about to close: the job goes over the next one
    }
  }

  receive(channel, reply) {
    if (!reply) return this.leave(this.connection); // our queue was deleted: open() makes it again
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
    const { number, message, outs, callback, ready, published } = this.pending.get(id);
    this.pending.delete(id);
    this.unacked.add(number, delivery);
    const result = parsed(delivery.reply.content.toString());
    this.record.tell(number, { ready, sent: published }, result);
    delivery.reply.content = null; // it waits for the journal, and may be large
    if (result.exit_status !== 0) return this.fail(number, message, result);
    this.printed.tell(number, message.name, result);
    callback(null, outs);
  }

  get failed() {
    return this.failures.count;
  }

  fail(number, message, result) {
    this.printed.tell(number, message.name, result);
    this.failures.write(message, result);
    console.log(`Job ${message.name} (${message.executable}) failed with exit code ${result.exit_status}.`);
    this.journal.write(['failed', number]);
    this.unacked.written(number);
    this.onFailure(number);
  }

  // A broker that lives, and confirms nothing of what it was sent, is left. One that is slow with many jobs is not.
  look() {
    const before = Date.now() - this.answerMs;
    const isLate = ({ confirmed, published }) =>
      !confirmed && Math.max(published, this.takesSince, this.confirmedAt) < before;
    if (this.connection && [...this.pending.values()].some(isLate)) giveUp(this.connection);
  }

  // Deletes the reply queue: executors drop what is left of a run whose queue is gone. A broker that does not answer does not
  // keep the engine: the queue expires.
  async close() {
    this.closing = true;
    if (!this.channel) return;
    setTimeout(() => giveUp(this.connection), Math.min(this.answerMs, CLOSING_MS));
    await this.channel.deleteQueue(this.replies).catch(() => {});
    await close(this.connection, CLOSING_MS);
  }
}

module.exports = { Jobs };
