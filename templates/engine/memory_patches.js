'use strict';

// Spares memory that the engine takes while it begins, beside the 10 kB for each process that it keeps.

const mustache = require('mustache');
const { RedisClient } = require('redis');

const MOST_UNDER_WAY = 1000;

// The agent has filled in the variables. To look for them again would make an object of each character of the workflow.
mustache.render = (workflow) => workflow;

// All commands that store a workflow and read it come at once, and the library writes each of them down. Here only so many are
// under way; the others wait, in their order, as the engine gave them.
const { internal_send_command: send, return_reply: answer, return_error: refuse, flush_and_error: flush } = RedisClient.prototype;

RedisClient.prototype.internal_send_command = function (command) {
  this.held = this.held || [];
  const isFull = this.held.length || this.command_queue.length >= MOST_UNDER_WAY;
  if (!this.ready || !isFull) return send.call(this, command);
  this.held.push(command);
  return false;
};

// Whatever makes room lets the next ones go. Without a connection the library takes them all, and knows what to do with them.
function makesRoom(original) {
  return function (...args) {
    original.apply(this, args);
    if (!this.held || !this.held.length || this.command_queue.length > MOST_UNDER_WAY / 2) return;
    const next = this.held.splice(0, this.ready ? MOST_UNDER_WAY - this.command_queue.length : Infinity);
    this.cork();
    for (const command of next) send.call(this, command);
    this.uncork();
  };
}

Object.assign(RedisClient.prototype, {
  return_reply: makesRoom(answer),
  return_error: makesRoom(refuse),
  flush_and_error: makesRoom(flush),
});
