'use strict';

// Names of signals that the engine cannot take: it puts signals under their names into arrays and objects, where a name like
// "1" or "map" replaces what is there. The engine sees another name, and jobs and functions the right one.

const KEY = 'hfecsName'; // of a signal: its right name

function isTaken(name) {
  return /^\d+$/.test(name) || name in Array.prototype;
}

// The workflow with all such names hidden.
function hidden(workflow) {
  const hide = (signal) => (isTaken(signal.name) ? { ...signal, name: `signal ${signal.name}`, [KEY]: signal.name } : signal);
  return { ...workflow, signals: workflow.signals.map(hide) };
}

// A copy of a signal with its right name.
function shown(signal) {
  const { [KEY]: name, ...rest } = signal;
  return name === undefined ? rest : { ...rest, name };
}

// A list of signals as a function may have it: the same objects with their right names.
function revealed(signals) {
  const list = Array.prototype.slice.call(signals);
  for (const signal of list) {
    if (signal[KEY] !== undefined) signal.name = signal[KEY];
    if (!isTaken(signal.name)) list[signal.name] = signal;
  }
  return list;
}

// Hides the names again before the engine has the signals back.
function concealed(signals) {
  for (const signal of signals ? Array.prototype.slice.call(signals) : []) {
    if (signal[KEY] !== undefined) signal.name = `signal ${signal[KEY]}`;
  }
  return signals;
}

module.exports = { concealed, hidden, revealed, shown };
