'use strict';

// Draws the timeline and its curves; everything else of the page is there without it. The bars are drawn once for each view, on
// one canvas; what is pointed at and the chain are on a second one above it, so that pointing redraws no bars.

const data = JSON.parse(document.getElementById('data').textContent);
const find = (id) => document.getElementById(id);
const STAGES = ['fetch', 'run', 'store', 'executor'];
const STAGE_COLOURS = [1, 2, 3, 4];
const COLOURS = 12;
const AXIS = 22; // pixels above the lanes
const MARGIN = 110; // pixels left of them, for their names
const HEIGHT = 620; // pixels that all lanes together should have
const LEAST_MS = 5; // the closest view

class Timeline {
  constructor({ span, programs, lanes, jobs, chain }) {
    Object.assign(this, { span: Math.max(span, 1), programs, lanes, jobs, chain });
    this.lanesCanvas = find('lanes');
    this.marksCanvas = find('marks');
    this.laneHeight = Math.max(5, Math.min(20, Math.floor(HEIGHT / lanes.length)));
    this.height = AXIS + lanes.length * this.laneHeight + 4;
    this.rows = lanes.map(() => []);
    jobs.lane.forEach((lane, index) => this.rows[lane].push(index));
    // The axis begins a little before the first job when the boot is long; the whole boot is seen by zooming out.
    this.first = 0;
    this.from = 0;
    this.to = this.span;
    this.selected = -1;
    this.only = -1;
    this.byStage = false;
    this.showChain = true;
    this.listeners = [];
    this.readColours();
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(name).trim();
    this.colour = (name) => value(`--${name}`);
    this.programColours = this.programs.map((_, index) => value(`--c${index % COLOURS}`));
    this.stageColours = STAGE_COLOURS.map((index) => value(`--p${index}`));
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.width = Math.max(300, find('drawing').clientWidth);
    for (const canvas of [this.lanesCanvas, this.marksCanvas]) {
      canvas.width = this.width * ratio;
      canvas.height = this.height * ratio;
      canvas.style.height = `${this.height}px`;
      canvas.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.draw();
  }

  x(ms) {
    return MARGIN + ((ms - this.from) / (this.to - this.from)) * (this.width - MARGIN - 8);
  }

  ms(x) {
    return this.from + ((x - MARGIN) / (this.width - MARGIN - 8)) * (this.to - this.from);
  }

  y(lane) {
    return AXIS + lane * this.laneHeight;
  }

  draw() {
    const context = this.lanesCanvas.getContext('2d');
    context.clearRect(0, 0, this.width, this.height);
    this.drawAxis(context);
    this.drawNames(context);
    context.save();
    context.beginPath();
    context.rect(MARGIN, AXIS, this.width - MARGIN, this.height);
    context.clip();
    context.fillStyle = this.colour('idle');
    this.lanes.forEach(([, since, until], lane) => {
      context.fillRect(this.x(since), this.y(lane) + 1, Math.max(1, this.x(until) - this.x(since)), this.laneHeight - 2);
    });
    this.rows.forEach((row, lane) => this.drawLane(context, row, lane));
    context.restore();
    this.drawMarks();
    for (const listener of this.listeners) listener();
  }

  drawAxis(context) {
    const step = stepOf((this.to - this.from) / Math.max(2, (this.width - MARGIN) / 110));
    context.fillStyle = this.colour('soft');
    context.strokeStyle = this.colour('rule');
    context.font = '12px system-ui, sans-serif';
    context.textAlign = 'center';
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      context.fillText(clock(at, step), this.x(at), 14);
      context.beginPath();
      context.moveTo(this.x(at), AXIS - 4);
      context.lineTo(this.x(at), this.height);
      context.stroke();
    }
  }

  drawNames(context) {
    context.textAlign = 'left';
    context.fillStyle = this.colour('soft');
    const every = Math.max(1, Math.ceil(13 / this.laneHeight));
    let last = '';
    this.lanes.forEach(([name], lane) => {
      if (lane % every || name === last) return;
      last = name;
      context.fillText(name.length > 15 ? `${name.slice(0, 14)}…` : name, 6, this.y(lane) + Math.min(this.laneHeight, 14));
    });
  }

  drawLane(context, row, lane) {
    const { start, end, program, ended } = this.jobs;
    const height = this.laneHeight - 2;
    const gap = this.laneHeight > 8 ? 1 : 0;
    for (const index of row) {
      if (end[index] < this.from || start[index] > this.to) continue;
      const left = this.x(start[index]);
      const width = Math.max(0.7, this.x(end[index]) - left - gap);
      context.globalAlpha = this.only >= 0 && program[index] !== this.only ? 0.15 : 1;
      if (this.byStage) this.drawStages(context, index, left, this.y(lane) + 1, height);
      else {
        context.fillStyle = this.programColours[program[index]];
        context.fillRect(left, this.y(lane) + 1, width, height);
      }
      if (ended[index]) {
        context.fillStyle = this.colour('mark');
        context.fillRect(left, this.y(lane) + 1, Math.min(width, 3), height);
        if (ended[index] === 2) context.fillRect(left, this.y(lane) + height - 1, width, 2);
      }
    }
    context.globalAlpha = 1;
  }

  drawStages(context, index, left, top, height) {
    const { start, end, fetch, run, store } = this.jobs;
    const scale = (this.width - MARGIN - 8) / (this.to - this.from);
    const whole = Math.max(end[index] - start[index], 0);
    const parts = [fetch[index], run[index], store[index]];
    parts.push(Math.max(0, whole - parts[0] - parts[1] - parts[2]));
    parts.forEach((ms, stage) => {
      context.fillStyle = this.stageColours[stage];
      context.fillRect(left, top, Math.max(ms * scale, 0), height);
      left += ms * scale;
    });
  }

  drawMarks() {
    const context = this.marksCanvas.getContext('2d');
    context.clearRect(0, 0, this.width, this.height);
    context.save();
    context.beginPath();
    context.rect(MARGIN, AXIS, this.width - MARGIN, this.height);
    context.clip();
    const { start, end, lane } = this.jobs;
    const middle = (index) => this.y(lane[index]) + this.laneHeight / 2;
    if (this.showChain && this.chain.length) {
      context.strokeStyle = this.colour('chain');
      context.lineWidth = 1.5;
      context.beginPath();
      for (const index of this.chain) {
        context.lineTo(this.x(start[index]), middle(index));
        context.lineTo(this.x(end[index]), middle(index));
      }
      context.stroke();
    }
    if (this.selected >= 0) {
      const left = this.x(start[this.selected]);
      context.strokeStyle = this.colour('ink');
      context.lineWidth = 2;
      context.strokeRect(left - 1, this.y(lane[this.selected]), Math.max(4, this.x(end[this.selected]) - left + 2), this.laneHeight);
    }
    context.restore();
  }

  at(x, y) {
    const lane = Math.floor((y - AXIS) / this.laneHeight);
    const row = this.rows[lane];
    return row && x >= MARGIN ? this.nearest(row, this.ms(x), (this.ms(x + 3) - this.ms(x))) : -1;
  }

  // The job of a lane at a time, or one that is not farther away.
  nearest(row, ms, away) {
    const { start, end } = this.jobs;
    let low = 0;
    let high = row.length;
    while (low < high) {
      const half = (low + high) >> 1;
      if (start[row[half]] <= ms) low = half + 1;
      else high = half;
    }
    let best = -1;
    let distance = away;
    for (const index of [row[low - 1], row[low]]) {
      if (index === undefined) continue;
      const far = Math.max(start[index] - ms, ms - end[index], 0);
      if (far <= distance) [best, distance] = [index, far];
    }
    return best;
  }

  select(index, isShown = true) {
    if (index < 0 || index === this.selected) return;
    this.selected = index;
    const { start, end } = this.jobs;
    const away = end[index] < this.from || start[index] > this.to;
    if (away && isShown) this.view(start[index] - (this.to - this.from) / 2, this.to - this.from);
    else this.drawMarks();
    find('job').textContent = this.words(index);
  }

  words(index) {
    const { number, name, program, ready, start, end, fetch, run, store, exit, memory, processor, arguments: said } = this.jobs;
    const title = `${name[index] || this.programs[program[index]]} #${number[index]}`;
    const parts = [`${title} on ${this.lanes[this.jobs.lane[index]][0]}: began at ${words(start[index])}, took ${words(end[index] - start[index])}`];
    if (ready[index] >= 0) parts.push(`waited ${words(Math.max(0, start[index] - ready[index]))}`);
    parts.push(`fetch ${words(fetch[index])} (${size(this.jobs.in[index])}), run ${words(run[index])}, store ${words(store[index])} (${size(this.jobs.out[index])})`);
    if (processor[index] >= 0) parts.push(`processor ${words(processor[index])}`);
    if (memory[index] >= 0) parts.push(`memory ${size(memory[index])}`);
    if (exit[index] !== 0) parts.push(exit[index] === null ? 'no exit code' : `exit code ${exit[index]}`);
    return `${parts.join('; ')}. ${this.programs[program[index]]} ${said[index]}`;
  }

  move(step) {
    if (this.selected < 0) return this.select(this.rows.find((row) => row.length)?.[0] ?? -1);
    const row = this.rows[this.jobs.lane[this.selected]];
    this.select(row[row.indexOf(this.selected) + step] ?? -1);
  }

  moveLane(step) {
    if (this.selected < 0) return this.move(0);
    const middle = (this.jobs.start[this.selected] + this.jobs.end[this.selected]) / 2;
    for (let lane = this.jobs.lane[this.selected] + step; lane >= 0 && lane < this.rows.length; lane += step)
      if (this.rows[lane].length) return this.select(this.nearest(this.rows[lane], middle, Infinity));
  }

  follow() {
    const place = this.chain.indexOf(this.selected);
    this.select(this.chain[(place + 1) % this.chain.length] ?? -1);
  }

  zoom(factor, around) {
    const width = Math.min(this.span, Math.max(LEAST_MS, (this.to - this.from) * factor));
    const share = (around - this.from) / (this.to - this.from);
    this.view(around - share * width, width);
  }

  view(from, width) {
    this.from = Math.max(0, Math.min(from, this.span - width));
    this.to = this.from + width;
    this.draw();
  }
}

// Steps of an axis that people count in, in milliseconds.
function stepOf(least) {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 12e5, 18e5, 36e5, 72e5, 144e5, 432e5, 864e5];
  return steps.find((step) => step >= least) || Math.ceil(least / 864e5) * 864e5;
}

function clock(ms, step) {
  if (step < 1000) return `${+(ms / 1000).toFixed(3)} s`;
  const seconds = Math.round(ms / 1000);
  if (step < 6e4) return seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`;
}

function words(ms) {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 1e5) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.round((seconds % 3600) / 60)).padStart(2, '0')} min`;
}

function size(kilobytes) {
  const [number, unit] = kilobytes < 1000 ? [kilobytes, 'kB'] : kilobytes < 1e6 ? [kilobytes / 1e3, 'MB'] : [kilobytes / 1e6, 'GB'];
  return `${Number.isInteger(number) ? number : number.toFixed(1)} ${unit}`;
}

function showLegend(timeline) {
  const entries = timeline.byStage
    ? STAGES.map((name, index) => [name, `part-${STAGE_COLOURS[index]}`])
    : timeline.programs.map((name, index) => [name, `colour-${index % COLOURS}`]);
  find('colour-legend').replaceChildren(
    ...entries.map(([name, kind]) => {
      const entry = document.createElement('li');
      const swatch = document.createElement('span');
      swatch.className = `swatch ${kind}`;
      entry.append(swatch, name);
      return entry;
    }),
  );
}

// The curves lie on the same axis as the timeline. Each has its own height, that of its most in the whole run.
function showCurves(timeline, curves) {
  const shapes = curves.map(({ name, points }, index) => {
    const most = points.reduce((least, [, number]) => Math.max(least, number), 0);
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    caption.textContent = `${name}, at most ${most.toLocaleString('en')}`;
    const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    drawing.setAttribute('role', 'img');
    drawing.setAttribute('aria-label', `${name} over time, at most ${most}`);
    drawing.setAttribute('preserveAspectRatio', 'none');
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.style.stroke = `var(--c${index})`;
    drawing.append(path);
    figure.append(caption, drawing);
    let line = '';
    let before = 0;
    for (const [at, number] of [...points, [timeline.span, points.at(-1)?.[1] ?? 0]]) {
      line += `${line ? 'L' : 'M'}${at} ${most - before}L${at} ${most - number}`;
      before = number;
    }
    path.setAttribute('d', line);
    return { figure, drawing, most };
  });
  find('curves').replaceChildren(...shapes.map(({ figure }) => figure));
  const place = () => {
    const scale = (timeline.to - timeline.from) / (timeline.width - MARGIN - 8);
    for (const { drawing, most } of shapes)
      drawing.setAttribute('viewBox', `${timeline.from - MARGIN * scale} ${-0.05 * most} ${timeline.width * scale} ${1.15 * Math.max(most, 1)}`);
  };
  timeline.listeners.push(place);
}

function listen(timeline) {
  const drawing = find('drawing');
  let dragged = null;
  const point = (event) => {
    const box = drawing.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  drawing.addEventListener('pointerdown', (event) => {
    dragged = point(event)[0];
    drawing.setPointerCapture(event.pointerId);
  });
  drawing.addEventListener('pointermove', (event) => {
    const [x, y] = point(event);
    if (dragged === null) return timeline.select(timeline.at(x, y), false);
    if (Math.abs(x - dragged) < 2) return;
    timeline.view(timeline.from + timeline.ms(dragged) - timeline.ms(x), timeline.to - timeline.from);
    dragged = x;
  });
  for (const kind of ['pointerup', 'pointercancel']) drawing.addEventListener(kind, () => (dragged = null));
  drawing.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      timeline.zoom(event.deltaY > 0 ? 1.25 : 0.8, timeline.ms(point(event)[0]));
    },
    { passive: false },
  );
  const middle = () => {
    const { start, end } = timeline.jobs;
    const chosen = timeline.selected;
    return chosen >= 0 ? (start[chosen] + end[chosen]) / 2 : (timeline.from + timeline.to) / 2;
  };
  const closer = () => timeline.zoom(0.6, middle());
  const wider = () => timeline.zoom(1 / 0.6, middle());
  const whole = () => timeline.view(0, timeline.span);
  const keys = {
    ArrowRight: () => timeline.move(1),
    ArrowLeft: () => timeline.move(-1),
    ArrowDown: () => timeline.moveLane(1),
    ArrowUp: () => timeline.moveLane(-1),
    '+': closer,
    '=': closer,
    '-': wider,
    c: () => timeline.follow(),
    C: () => timeline.follow(),
    Home: whole,
  };
  drawing.addEventListener('keydown', (event) => {
    if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  find('closer').addEventListener('click', closer);
  find('wider').addEventListener('click', wider);
  find('whole').addEventListener('click', whole);
  find('colours').addEventListener('change', ({ target }) => {
    timeline.byStage = target.value === 'stage';
    showLegend(timeline);
    timeline.draw();
  });
  find('only').addEventListener('change', ({ target }) => {
    timeline.only = target.selectedIndex - 1;
    timeline.draw();
  });
  find('show-chain').addEventListener('change', ({ target }) => {
    timeline.showChain = target.checked;
    timeline.drawMarks();
  });
  document.addEventListener('click', ({ target }) => {
    const number = Number(target.dataset?.job);
    if (number) timeline.select(timeline.jobs.number.lastIndexOf(number));
  });
  window.addEventListener('resize', () => timeline.resize());
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    timeline.readColours();
    timeline.draw();
  });
}

if (find('drawing')) {
  const began = performance.now();
  const timeline = new Timeline(data);
  showLegend(timeline);
  showCurves(timeline, data.curves);
  listen(timeline);
  timeline.resize();
  document.documentElement.dataset.drawn = Math.round(performance.now() - began);
  window.timeline = timeline;
}
