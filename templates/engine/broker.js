'use strict';

// What RabbitMQ and the executors expect, apart from the jobs.

const FRAME_BYTES = 131072; // RabbitMQ 4.1 and later refuse the library's 4096
const HEARTBEAT_SECONDS = 30;

function withTuning(url) {
  const tuned = new URL(url);
  tuned.searchParams.set('frameMax', FRAME_BYTES);
  tuned.searchParams.set('heartbeat', HEARTBEAT_SECONDS);
  return tuned.href;
}

// Asks on a channel of its own, which the broker closes when there is no such queue. No other may be opened after it: the
// library would give it the same number before the broker has heard of the end.
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

module.exports = { exists, parsed, withTuning };
