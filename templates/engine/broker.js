'use strict';

// Talking to RabbitMQ, apart from the jobs: connections whose broker owes an answer for too long are given up.

const amqplib = require('amqplib');

const FRAME_BYTES = 131072; // RabbitMQ 4.1 and later refuse the library's 4096
const HEARTBEAT_SECONDS = 30; // a connection that is silent for two to three of them is lost
const NOT_FOUND = 404;

function withTuning(url) {
  const tuned = new URL(url);
  tuned.searchParams.set('frameMax', FRAME_BYTES);
  if (!tuned.searchParams.has('heartbeat')) tuned.searchParams.set('heartbeat', HEARTBEAT_SECONDS);
  return tuned.href;
}

// A connection that is given up unless ready() is called on it within so many milliseconds.
async function connected(url, ms) {
  const connection = await amqplib.connect(withTuning(url), { noDelay: true, timeout: ms });
  connection.on('error', () => {}); // 'close' follows
  const late = setTimeout(() => giveUp(connection), ms);
  connection.ready = () => clearTimeout(late);
  connection.on('close', () => {
    connection.gone = true;
    connection.ready();
  });
  return connection;
}

// Ends a connection without the broker: whatever waits for an answer hears that there will be none.
function giveUp(connection) {
  connection.connection.stream.destroy(new Error('the broker owes an answer'));
}

// Ends a connection, with the broker's consent if that comes within so many milliseconds.
function close(connection, ms) {
  const late = setTimeout(() => giveUp(connection), ms);
  return new Promise((resolve) => {
    connection.on('close', resolve);
    connection.close().catch(resolve); // it is closed already
  }).then(() => clearTimeout(late));
}

// Asks on a connection of its own, within so many milliseconds: the broker closes the channel when there is no such queue,
// and the library neither agrees to that nor refrains from using the channel's number again.
async function exists(url, queue, ms) {
  const connection = await connected(url, ms);
  let refusal = null;
  try {
    const channel = await connection.createChannel();
    channel.on('error', (error) => (refusal = error));
    await channel.checkQueue(queue);
    return true;
  } catch (error) {
    if (!refusal) throw error;
    return refusal.code !== NOT_FOUND;
  } finally {
    close(connection, ms);
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

module.exports = { close, connected, exists, giveUp, parsed };
