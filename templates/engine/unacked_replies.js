'use strict';

// Replies that the engine has taken and the journal does not hold safely yet: they stay at the broker until then.

class UnackedReplies {
  constructor(journal) {
    this.journal = journal;
    this.replies = new Map(); // whose jobs are not in the journal yet, by the job's number
    this.unsettled = []; // whose jobs are, until the journal is safe
  }

  add(number, delivery) {
    this.replies.set(number, delivery);
  }

  // The journal tells how this job ended.
  written(number) {
    const delivery = this.replies.get(number);
    if (delivery) this.unsettled.push({ ...delivery, position: this.journal.position });
    this.replies.delete(number);
  }

  // Acknowledges what is safe, as far as it came over the present channel: an earlier one has delivered it anew.
  settle(present) {
    const saved = this.journal.saved();
    const safe = this.unsettled.findIndex(({ position }) => position > saved);
    for (const { channel, reply } of this.unsettled.splice(0, safe < 0 ? this.unsettled.length : safe)) {
      if (channel === present) channel.ack(reply);
    }
  }
}

module.exports = { UnackedReplies };
