"""The engine's Redis commands, of which memory_patches.js lets only so many be under way, with the real Redis."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from end_to_end.sites import SECONDS
from hfecs.agents.engine.settings import node_modules
from hfecs.agents.engine.workflow_run import private_redis
from hfecs.templating import template_path

pytestmark = pytest.mark.end_to_end

COUNT = 5_000

PROGRAM = """
require(process.argv[1]);
const client = require('redis').createClient({ path: process.argv[2] });
const told = { done: 0, failed: 0, inOrder: true, mostUnderWay: 0 };
let last = -1;
client.on('error', () => {});
client.once('ready', () => {
  for (let number = 0; number < COUNT; number++) {
    COMMAND
    told.mostUnderWay = Math.max(told.mostUnderWay, client.command_queue.length);
  }
  AFTER
});
function answered(number, error) {
  told[error ? 'failed' : 'done'] += 1;
  if (number < last) told.inOrder = false;
  last = number;
  if (told.done + told.failed === COUNT) {
    console.log(JSON.stringify(told));
    process.exit();
  }
}
"""
SET = "client.set(`key${number}`, 'value', (error) => answered(number, error));"
NO_SUCH = "client.send_command('NONE', [], (error) => answered(number, error));"


def told(command: str, after: str = "") -> dict[str, int]:
    """What becomes of 5,000 commands that are given at once."""
    program = PROGRAM.replace("COUNT", str(COUNT)).replace("COMMAND", command).replace("AFTER", after)
    lean = str(template_path("engine/memory_patches.js"))
    environment = {**os.environ, "NODE_PATH": str(node_modules({}))}
    with private_redis() as address:
        words = ["node", "-e", program, lean, str(address)]
        ended = subprocess.run(words, env=environment, capture_output=True, timeout=SECONDS, check=True)
    answer: dict[str, int] = json.loads(ended.stdout)
    return answer


def test_commands_are_done_in_their_order_with_no_more_than_a_thousand_under_way() -> None:
    assert told(SET) == {"done": COUNT, "failed": 0, "inOrder": True, "mostUnderWay": 1_000}


def test_commands_that_redis_refuses_fail_and_keep_none_waiting() -> None:
    assert told(NO_SUCH) == {"done": 0, "failed": COUNT, "inOrder": True, "mostUnderWay": 1_000}


def test_a_lost_connection_fails_what_was_under_way_and_the_rest_goes_over_the_next_one() -> None:
    after_loss = told(SET, after="client.stream.destroy();")

    assert after_loss == {"done": COUNT - 1_000, "failed": 1_000, "inOrder": True, "mostUnderWay": 1_000}
