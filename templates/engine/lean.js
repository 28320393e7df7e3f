'use strict';

// Spares memory that the engine takes while it begins, beside the 10 kB for each process that it keeps.

const mustache = require('mustache');
const { RedisClient } = require('redis');

const MOST_UNDER_WAY = 1000;

// The agent has filled in the variables. To look for them again would make an object of each character of the workflow.
mustache.render = (workflow) => workflow;

// All commands that store a workflow and read it come at once, and the library writes each of them down. Here only so many are
// under way; the others wait, in their order, as the engine gave them.
const { internal_send_command: send, return_reply: answer } = RedisClient.prototype;

RedisClient.prototype.internal_send_command = function (command) {
  this.held = this.held || [];
  if (!this.held.length && this.command_queue.length < MOST_UNDER_WAY) return send.call(this, command);
  this.held.push(command);
  return false;
};

RedisClient.prototype.return_reply = function (reply) {
  answer.call(this, reply);
  if (!this.held || !this.held.length || this.command_queue.length > MOST_UNDER_WAY / 2) return;
  this.cork();
  for (const command of this.held.splice(0, MOST_UNDER_WAY - this.command_queue.length)) send.call(this, command);
  this.uncork();
};
