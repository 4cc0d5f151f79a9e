// One frame: only what is in view, and what would cover one another once.

let width = 0, height = 0, waiting = 0;
const colors = {};
const pen = canvas.getContext("2d");
const x = (t) => GUTTER + ((t - view.from) / (view.until - view.from)) * (width - GUTTER - 8);
const time = (px) => view.from + ((px - GUTTER) / (width - GUTTER - 8)) * (view.until - view.from);
const head = () => OVERVIEW + AXIS + faultStrips() * FAULT;
const y = (lane) => (laneRow[lane] < 0 ? -1e4 : head() + laneRow[lane] - view.top);
const clock = (micros, step = 1) => {
  const at = micros + data.from;
  if (step >= 1e6) return `${(at / 1e6).toLocaleString("en", { maximumFractionDigits: 0 })} s`;
  const places = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step / 1e6))));
  return `${(at / 1e6).toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places })} s`;
};
const first = () => {
  let run = 0;
  while (run < ends.length && ends[run] < view.from) run++;
  return run * RUN;
};
const lower = (times, t) => {
  let [a, b] = [0, times.length];
  while (a < b) { const half = (a + b) >> 1; times[half] < t ? (a = half + 1) : (b = half); }
  return a;
};
// The two ends on the canvas; what is lost ends short of its receiver.
const line = (i) => {
  const [x0, y0, y1] = [x(arrows.sent[i]), y(arrows.from[i]), y(arrows.to[i])];
  if (!lost.has(i)) return [x0, y0, x(end(i)), y1];
  return [x0, y0, x0 + 14, y0 + Math.max(-34, Math.min(34, (y1 - y0) * 0.45))];
};
const ink = (kind) => colors[variable(kind)];
const inks = () => {
  const style = getComputedStyle(root);
  for (const name of [...FAMILIES.map((one) => one[1]), "--surface", "--grid", "--axis", "--soft", "--phase", "--bad", "--line"])
    colors[name] = style.getPropertyValue(name).trim();
};
const redraw = () => { if (!waiting) waiting = requestAnimationFrame(draw); };

const draw = () => {
  waiting = 0;
  const began = performance.now();
  const scale = window.devicePixelRatio || 1;
  [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
    density = null;
  }
  view.top = Math.max(0, Math.min(view.top, rows.height - (height - head() - 4)));
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  inks();
  pen.fillStyle = colors["--surface"];
  pen.fillRect(0, 0, width, height);
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  lanes();
  pen.save();
  pen.beginPath();
  pen.rect(GUTTER, head(), width - GUTTER, height - head());
  pen.clip();
  const lines = drawArrows(), dots = drawMarks();
  chosenOnTop();
  pen.restore();
  axis();
  faults();
  overview();
  Object.assign(canvas.dataset, { arrows: lines, marks: dots, shown: count(arrowShown) + count(markShown),
    from: Math.round(view.from), until: Math.round(view.until), frame: (performance.now() - began).toFixed(1) });
};
const count = (flags) => flags.reduce((sum, flag) => sum + flag, 0);

const lanes = () => {
  for (const row of rows) {
    const top = head() + row.y - view.top;
    if (top > height || top + ROW < head()) continue;
    if (row.region !== undefined) {
      pen.fillStyle = colors["--phase"];
      pen.fillRect(0, top, width, REGION);
      pen.fillStyle = colors["--text"];
      pen.font = "600 12px system-ui, sans-serif";
      pen.fillText(row.region, 8, top + REGION / 2, GUTTER - 12);
      pen.font = "12px system-ui, sans-serif";
      continue;
    }
    pen.fillStyle = colors["--grid"];
    pen.fillRect(GUTTER, top + row.tall / 2 - 0.5, width - GUTTER, 1);
    pen.fillStyle = colors["--muted"];
    if (row.named) pen.fillText(name(row.lane).split("/").pop(), 18, top + Math.max(7, row.tall / 2), GUTTER - 24);
  }
};

const drawArrows = () => {
  const [from, until] = [first(), lower(arrows.sent, view.until + 1)];
  const inView = [];
  for (let i = from; i < until; i++) if (arrowShown[i] && end(i) >= view.from) inView.push(i);
  const dense = inView.length > DENSE, seen = new Set(), lines = new Map(), wide = 4 * Math.ceil(inView.length / 6000);
  const focus = only.checked || chosen ? false : violation !== null && violation !== undefined;
  let drawn = 0;
  for (const i of inView) {
    const flags = arrows.flags[i];
    if (flags & TIMER) { if (!dense) tick(i); continue; }
    const [x0, y0, x1, y1] = line(i);
    if (Math.max(y0, y1) < head() || Math.min(y0, y1) > height) continue;
    const special = flags & PAST || chain.has(i);
    if (dense && !special) {
      const same = (arrows.from[i] * 65536 + arrows.to[i]) * 8192 + Math.floor(x0 / wide) * 2 + (lost.has(i) ? 1 : 0);
      if (seen.has(same)) continue;
      seen.add(same);
    }
    drawn++;
    const dashed = flags & COPIED || flags & DAMAGED || (!arrived(i) && !lost.has(i));
    const style = `${special ? 2 : 0}${dashed ? 1 : 0}${lost.has(i) ? "x" : ""}${arrows.kind[i]}`;
    if (!lines.has(style)) lines.set(style, { kind: arrows.kind[i], special, dashed, lost: lost.has(i), list: [] });
    lines.get(style).list.push([x0, y0, x1, y1]);
  }
  const batches = [...lines.values()].sort((a, b) => a.special - b.special);
  for (const { kind, special, dashed, lost, list } of batches) {
    pen.strokeStyle = pen.fillStyle = lost ? colors["--errors"] : ink(kind);
    pen.globalAlpha = special ? 1 : dense ? 0.22 : focus ? 0.38 : 0.75;
    pen.lineWidth = special ? 2.2 : 1;
    pen.setLineDash(dashed ? [4, 3] : []);
    pen.beginPath();
    for (const [x0, y0, x1, y1] of list) {
      if (y0 === y1) { pen.moveTo(x0, y0); pen.quadraticCurveTo((x0 + x1) / 2, y0 - 12, x1, y1); continue; }
      pen.moveTo(x0, y0);
      pen.lineTo(x1, y1);
    }
    pen.stroke();
    pen.setLineDash([]);
    if (lost) for (const [, , x1, y1] of list) cross(x1, y1, 3.5);
    else if (!dense && (special || drawn < 600)) for (const one of list) point(one);
  }
  pen.globalAlpha = 1;
  return drawn;
};
const point = ([x0, y0, x1, y1]) => {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x1 - 7 * Math.cos(angle - 0.4), y1 - 7 * Math.sin(angle - 0.4));
  pen.lineTo(x1 - 7 * Math.cos(angle + 0.4), y1 - 7 * Math.sin(angle + 0.4));
  pen.fill();
};
const tick = (i) => {
  pen.strokeStyle = colors["--muted"];
  pen.lineWidth = arrows.flags[i] & PAST || chain.has(i) ? 2 : 1;
  pen.beginPath();
  pen.moveTo(x(arrows.sent[i]), y(arrows.from[i]) - 6);
  pen.lineTo(x(arrows.sent[i]), y(arrows.from[i]) + 6);
  pen.stroke();
};
const cross = (cx, cy, r) => {
  pen.lineWidth = 1.8;
  pen.beginPath();
  pen.moveTo(cx - r, cy - r); pen.lineTo(cx + r, cy + r);
  pen.moveTo(cx + r, cy - r); pen.lineTo(cx - r, cy + r);
  pen.stroke();
};

const drawMarks = () => {
  const [from, until] = [lower(marks.at, view.from), lower(marks.at, view.until + 1)];
  let inView = 0, drawn = 0;
  for (let i = from; i < until; i++) inView += markShown[i];
  const dense = inView > DENSE, seen = new Set();
  for (let i = from; i < until; i++) {
    if (!markShown[i]) continue;
    const [px, py] = [x(marks.at[i]), y(marks.lane[i])];
    if (py < head() - 8 || py > height + 8) continue;
    const special = marks.flags[i] & PAST;
    if (dense && !special) {
      const same = (marks.lane[i] * 1024 + (px >> 2)) * 512 + marks.kind[i] % 512;
      if (seen.has(same)) continue;
      seen.add(same);
    }
    drawn++;
    if (dense && !special) {
      pen.globalAlpha = 0.7;
      pen.fillStyle = ink(marks.kind[i]);
      pen.fillRect(px - 1.5, py - 3, 3, 6);
      continue;
    }
    pen.globalAlpha = 1;
    shape(SHAPES[data.texts[marks.kind[i]]], px, py, special ? 6 : 4, ink(marks.kind[i]));
  }
  pen.globalAlpha = 1;
  if (typeof violation === "number") {
    const [px, py] = [x(marks.at[violation]), y(marks.lane[violation])];
    pen.strokeStyle = colors["--bad"];
    pen.lineWidth = 1;
    pen.setLineDash([5, 4]);
    pen.strokeRect(px, head(), 0, height);
    pen.setLineDash([]);
    pen.lineWidth = 3;
    pen.beginPath();
    pen.arc(px, py, 10, 0, 7);
    pen.stroke();
  }
  return drawn;
};
const shape = (form, px, py, r, color) => {
  pen.fillStyle = pen.strokeStyle = color;
  pen.beginPath();
  const turns = { up: [3, -90], down: [3, 90], square: [4, 45], diamond: [4, 0] }[form];
  if (form === "cross") return cross(px, py, r);
  if (form === "star") {
    for (let i = 0; i < 10; i++) {
      const [angle, far] = [(i * 36 - 90) * (Math.PI / 180), (i % 2 ? 0.8 : 1.9) * r];
      pen.lineTo(px + far * Math.cos(angle), py + far * Math.sin(angle));
    }
  } else if (turns) {
    for (let i = 0; i < turns[0]; i++) {
      const angle = (turns[1] + (360 / turns[0]) * i) * (Math.PI / 180);
      pen.lineTo(px + r * 1.25 * Math.cos(angle), py + r * 1.25 * Math.sin(angle));
    }
  } else pen.arc(px, py, r * 0.6, 0, 7);
  pen.fill();
};
const chosenOnTop = () => {
  if (!chosen) return;
  pen.strokeStyle = colors["--text"];
  pen.lineWidth = 2;
  pen.beginPath();
  if (chosen.mark !== undefined) pen.arc(x(marks.at[chosen.mark]), y(marks.lane[chosen.mark]), 8, 0, 7);
  else {
    const [x0, y0, x1, y1] = line(chosen.arrow);
    pen.moveTo(x0, y0); pen.lineTo(x1, y1);
  }
  pen.stroke();
};

const axis = () => {
  pen.fillStyle = colors["--surface"];
  pen.fillRect(0, 0, width, head());
  const span = view.until - view.from, about = span / Math.max(2, (width - GUTTER) / 110);
  const power = 10 ** Math.floor(Math.log10(Math.max(about, 1)));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= about);
  pen.textAlign = "center";
  for (let t = Math.ceil((view.from + data.from) / step) * step - data.from; t <= view.until; t += step) {
    const px = x(t);
    pen.fillStyle = colors["--axis"];
    pen.fillRect(px, OVERVIEW + AXIS - 4, 1, 4);
    pen.globalAlpha = 0.6;
    pen.fillStyle = colors["--grid"];
    pen.fillRect(px, head(), 1, height);
    pen.globalAlpha = 1;
    pen.fillStyle = colors["--muted"];
    if (px > GUTTER + 24 && px < width - 24) pen.fillText(clock(t, step), px, OVERVIEW + 9);
  }
  pen.textAlign = "left";
  pen.fillStyle = colors["--muted"];
  pen.fillText("Simulated time", 8, OVERVIEW + 9);
};
const faults = () => {
  for (const { label, target, from, until, row } of strips) {
    const [x0, x1] = [Math.max(GUTTER, x(from)), Math.min(width - 8, x(until))];
    if (x1 <= x0) continue;
    const top = OVERVIEW + AXIS + row * FAULT;
    pen.globalAlpha = 0.22;
    pen.fillStyle = colors["--fault"];
    pen.fillRect(x0, top + 1, x1 - x0, FAULT - 2);
    pen.globalAlpha = 1;
    if (x1 - x0 < 40) continue;
    pen.fillStyle = colors["--text"];
    pen.font = "11px system-ui, sans-serif";
    pen.save();
    pen.beginPath();
    pen.rect(x0, top, x1 - x0, FAULT);
    pen.clip();
    pen.fillText(target ? `${label}: ${target}` : label, x0 + 5, top + FAULT / 2);
    pen.restore();
    pen.font = "12px system-ui, sans-serif";
  }
  if (strips.length) {
    pen.fillStyle = colors["--muted"];
    pen.fillText("Faults", 8, OVERVIEW + AXIS + FAULT / 2);
  }
};
// How much happens over the whole time, and which part is in view.
const overview = () => {
  const across = width - GUTTER - 8, bins = Math.max(1, Math.floor(across / 2));
  if (!density) {
    density = new Float32Array(bins);
    for (let i = 0; i < arrows.n; i++) if (arrowShown[i]) density[Math.min(bins - 1, ((arrows.sent[i] / whole) * bins) | 0)]++;
    for (let i = 0; i < marks.n; i++) if (markShown[i]) density[Math.min(bins - 1, ((marks.at[i] / whole) * bins) | 0)]++;
  }
  const most = Math.log1p(density.reduce((a, b) => Math.max(a, b), 1));
  pen.fillStyle = colors["--soft"];
  pen.fillRect(GUTTER, 0, across, OVERVIEW - 6);
  pen.fillStyle = colors["--series-8"];
  density.forEach((n, bin) => {
    const tall = (Math.log1p(n) / most) * (OVERVIEW - 8);
    if (n) pen.fillRect(GUTTER + (bin / bins) * across, OVERVIEW - 6 - tall, Math.max(1, across / bins - 0.5), tall);
  });
  const at = (t) => GUTTER + (t / whole) * across;
  if (typeof violation === "number") {
    pen.fillStyle = colors["--bad"];
    pen.fillRect(at(marks.at[violation]) - 1, 0, 2, OVERVIEW - 6);
  }
  pen.strokeStyle = colors["--text"];
  pen.lineWidth = 1.5;
  pen.strokeRect(at(view.from), 0.75, Math.max(3, at(view.until) - at(view.from)), OVERVIEW - 7.5);
  pen.fillStyle = colors["--muted"];
  pen.fillText("Whole trace", 8, (OVERVIEW - 6) / 2);
};
