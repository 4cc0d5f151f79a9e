// The space-time diagram. `Columns` in trace.rs says what the data means.
"use strict";
(() => {
  const root = document.currentScript.previousElementSibling;
  const data = JSON.parse(root.querySelector(".trace-data").textContent);
  const COPIED = 1, DAMAGED = 2, PAST = 4, TIMER = 8;
  const GUTTER = 168, OVERVIEW = 34, AXIS = 22, FAULT = 15, REGION = 20, ROW = 22;
  // A crowd of nodes of a role has lower lanes, of which not every one is named.
  const CROWD = 14, LOW = 6;
  // Beyond so many things in view, those that would cover one another are drawn once.
  const DENSE = 3000;
  const QUIET = new Set(["timer", "log feed", "log position", "account"]);
  const FAMILIES = [
    [/^(request|answer|call|result)$/, "--series-1"], [/^HSM/, "--series-5"],
    [/^(append|change)/, "--series-3"], [/^log/, "--series-8"], [/^Region/, "--series-4"],
    [/^key store/, "--series-7"], [/^decision/, "--text"], [/^fault/, "--fault"],
    [/^planted/, "--errors"], [/./, "--muted"],
  ];
  const SHAPES = { call: "up", result: "down", decision: "square", change: "diamond", fault: "cross",
    "planted bug": "star" };

  // ---- data ----
  const element = (tag, properties = {}, ...inside) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...inside);
    return made;
  };
  const running = (column) => {
    const all = new Float64Array(column.length);
    for (let i = 0, sum = 0; i < all.length; i++) all[i] = sum += column[i];
    return all;
  };
  const whole = Math.max(data.until - data.from, 1);
  const [A, M] = [data.arrows, data.marks];
  const arrows = { n: A[0].length, sent: running(A[0]), took: A[1], from: A[2], to: A[3], kind: A[4],
    text: A[5], back: A[6], request: A[7], flags: A[8] };
  const marks = { n: M[0].length, at: running(M[0]), lane: M[1], kind: M[2], text: M[3], cause: M[4],
    request: M[5], flags: M[6] };
  const lost = new Map(data.lost);
  const violation = data.violation && data.violation[2];
  const arrived = (i) => arrows.took[i] >= 0;
  const end = (i) => (arrived(i) ? arrows.sent[i] + arrows.took[i] : lost.has(i) ? arrows.sent[i] : whole);
  const cause = (i) => (arrows.back[i] ? i - arrows.back[i] : -1);
  // The latest end of each run of arrows: where a search for what is in view may begin.
  const RUN = 256;
  const ends = new Float64Array(Math.ceil(arrows.n / RUN));
  for (let i = 0; i < arrows.n; i++) ends[i >> 8] = Math.max(ends[i >> 8], end(i));

  const regions = [...new Set(data.lanes.map((lane) => lane[1]))];
  const roles = ["client", "host", "hsm", "key-store", "journal", "worker"];
  const order = data.lanes.map((_, lane) => lane).sort((a, b) => {
    const key = (lane) => regions.indexOf(data.lanes[lane][1]) * 16 + roles.indexOf(data.lanes[lane][2]);
    return key(a) - key(b) || a - b;
  });
  const arrowKinds = new Set(arrows.kind), markKinds = new Set(marks.kind);
  const variable = (kind) => FAMILIES.find(([name]) => name.test(data.texts[kind]))[1];
  const hidden = new Set([...arrowKinds, ...markKinds].filter((kind) => QUIET.has(data.texts[kind])));

  // ---- controls ----
  const button = (text, title, click) => element("button", { type: "button", textContent: text, title, onclick: click });
  const options = (first, texts) => [element("option", { value: "", textContent: first }),
    ...texts.map((text) => element("option", { value: text, textContent: text }))];
  const distinct = (values) => [...new Set(values)].sort();
  const name = (lane) => data.lanes[lane][0];
  const search = element("input", { type: "search", placeholder: "Search texts, ids, nodes  ( / )" });
  search.setAttribute("aria-label", "Search texts, ids and nodes");
  const node = element("select", { title: "Nodes" }, ...options("All nodes", [
    ...distinct(data.lanes.map((lane) => `${lane[1]}/`)), ...roles.filter((role) => data.lanes.some((lane) => lane[2] === role)),
    ...order.map(name)]));
  const client = element("select", { title: "Client" }, ...options("All clients",
    distinct(data.requests.filter((one) => one[1]).map((one) => name(one[1] - 1)))));
  const keyList = element("datalist", { id: "trace-keys" }, ...distinct(data.requests.filter((one) => one[3])
    .map((one) => data.texts[one[3] - 1])).map((value) => element("option", { value })));
  const key = element("input", { type: "search", placeholder: "Any key" });
  key.setAttribute("list", "trace-keys");
  key.setAttribute("aria-label", "Key");
  const only = element("input", { type: "checkbox" });
  const canvas = element("canvas", { tabIndex: 0 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Space-time diagram: a lane for each node, time from left to right, "
    + "an arrow for each message. Arrow keys move, plus and minus zoom, n and p go from one thing to the next.");
  const detail = element("div", { className: "trace-detail" });
  detail.setAttribute("aria-live", "polite");
  const chip = (kind, isArrow) => {
    const made = button("", "Show or hide", () => {
      hidden.has(kind) ? hidden.delete(kind) : hidden.add(kind);
      made.setAttribute("aria-pressed", String(!hidden.has(kind)));
      filter();
    });
    made.append(sample(kind, isArrow), data.texts[kind]);
    made.setAttribute("aria-pressed", String(!hidden.has(kind)));
    return made;
  };
  const sample = (kind, isArrow) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 16 12");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(svg.namespaceURI, "path");
    const shapes = { up: "M8 2l4 8H4z", down: "M8 10l4-8H4z", square: "M4 2h8v8H4z", diamond: "M8 1l5 5-5 5-5-5z",
      cross: "M4 2l8 8M12 2l-8 8", star: "M8 0l2 4 4 1-3 3 1 4-4-2-4 2 1-4-3-3 4-1z" };
    const stroked = isArrow || SHAPES[data.texts[kind]] === "cross";
    path.setAttribute("d", isArrow ? "M1 2l13 8M14 5v5H9" : shapes[SHAPES[data.texts[kind]]] || "M8 6m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0");
    path.setAttribute("style", `${stroked ? "fill:none;stroke" : "fill"}:var(${variable(kind)});stroke-width:1.8`);
    svg.append(path);
    return svg;
  };
  const kinds = (of, isArrow) => [...of].sort((a, b) => (data.texts[a] < data.texts[b] ? -1 : 1)).map((kind) => chip(kind, isArrow));
  root.append(
    element("div", { className: "trace-bar" }, search, node, client, key, keyList,
      ...(violation === null || violation === undefined ? [] : [element("label", {}, only, " only what led to the violation"),
        button("Violation", "Go to the violation (v)", () => toViolation())]),
      element("span", { className: "trace-zoom" }, button("−", "Zoom out (-)", () => zoom(2)),
        button("+", "Zoom in (+)", () => zoom(0.5)), button("All", "Show everything (0)", () => show(0, whole)))),
    element("div", { className: "trace-legend" }, element("span", { textContent: "Messages" }), ...kinds(arrowKinds, true)),
    element("div", { className: "trace-legend" }, element("span", { textContent: "Records" }), ...kinds(markKinds, false)),
    canvas, detail);

  // ---- what is shown ----
  const arrowShown = new Uint8Array(arrows.n), markShown = new Uint8Array(marks.n);
  let rows = [], laneRow = new Int16Array(data.lanes.length), density = null, chosen = null, chain = new Set();
  const view = { from: 0, until: whole, top: 0 };

  const filter = () => {
    const text = search.value.trim().toLowerCase(), keyText = key.value.trim().toLowerCase();
    const has = (value) => value.toLowerCase().includes(text);
    const textHit = text && data.texts.map(has), laneHit = text && data.lanes.map((lane) => has(lane[0]));
    const of = (number) => (number ? data.texts[number - 1] : "");
    const requestHit = data.requests.map((one) => !text || has(one[0]) || has(of(one[2])) || has(of(one[3])));
    const requestGood = data.requests.map((one) => (!client.value || (one[1] && name(one[1] - 1) === client.value))
      && (!keyText || of(one[3]).includes(keyText)));
    const keyHit = keyText && data.texts.map((value) => value.toLowerCase().includes(keyText));
    const wanted = node.value;
    const laneGood = data.lanes.map((lane) => !wanted || lane[0] === wanted || lane[2] === wanted || `${lane[1]}/` === wanted);
    const asked = client.value || keyText;
    const good = (request, text, flags, kind) => {
      const past = flags & PAST;
      if (only.checked ? !past : hidden.has(kind) && !past) return false;
      return !asked || (request ? requestGood[request - 1] : false) || (keyText && !client.value && keyHit[text]);
    };
    const hits = (request, words, kind, lane, other) => !text || textHit[words] || textHit[kind]
      || laneHit[lane] || laneHit[other] || (request && requestHit[request - 1]);
    const used = new Uint8Array(data.lanes.length);
    for (let i = 0; i < arrows.n; i++) {
      const [a, b, request, words, kind] = [arrows.from[i], arrows.to[i], arrows.request[i], arrows.text[i], arrows.kind[i]];
      const shown = (laneGood[a] || laneGood[b]) && good(request, words, arrows.flags[i], kind) && hits(request, words, kind, a, b);
      if ((arrowShown[i] = shown ? 1 : 0)) used[a] = used[b] = 1;
    }
    for (let i = 0; i < marks.n; i++) {
      const [lane, request, words, kind] = [marks.lane[i], marks.request[i], marks.text[i], marks.kind[i]];
      const shown = laneGood[lane] && good(request, words, marks.flags[i], kind) && hits(request, words, kind, lane, lane);
      if ((markShown[i] = shown ? 1 : 0)) used[lane] = 1;
    }
    place(text || asked || wanted || only.checked ? used : null);
    density = null;
    redraw();
  };
  // Lanes below one another, a heading before each Region; lanes without anything are left out.
  const place = (used) => {
    rows = [];
    laneRow.fill(-1);
    let y = 0, region = null, last = null, labelled = 0;
    const crowd = (lane) => `${data.lanes[lane][1]} ${data.lanes[lane][2]}`, crowds = new Map();
    for (const lane of order) if (!used || used[lane]) crowds.set(crowd(lane), (crowds.get(crowd(lane)) || 0) + 1);
    for (const lane of order) {
      if (used && !used[lane]) continue;
      if (data.lanes[lane][1] !== region) {
        region = data.lanes[lane][1];
        rows.push({ y, region });
        y += REGION;
      }
      const crowded = crowds.get(crowd(lane)) > CROWD, row = crowded ? LOW : ROW;
      const named = !crowded || crowd(lane) !== last || y - labelled >= 14;
      rows.push({ y, lane, tall: row, named });
      laneRow[lane] = y + row / 2;
      if (named) labelled = y;
      last = crowd(lane);
      y += row;
    }
    rows.height = y;
    const strips = faultStrips();
    const height = OVERVIEW + AXIS + strips * FAULT + Math.max(y, ROW) + 6;
    canvas.style.height = `${Math.min(height, Math.max(320, Math.round(innerHeight * 0.78)))}px`;
  };
  // Faults that overlap go into strips below one another, four at most.
  const strips = [];
  const faultStrips = () => {
    if (strips.length || !data.faults.length) return strips.used || 0;
    const free = [];
    for (const [label, target, from, until] of data.faults) {
      if (until <= data.from || from >= data.until) continue;
      let row = free.findIndex((end) => end <= from);
      if (row < 0) row = free.length < 4 ? free.push(0) - 1 : 3;
      free[row] = until;
      strips.push({ label, target, from: from - data.from, until: until - data.from, row });
    }
    strips.used = free.length;
    return strips.used;
  };

  // ---- drawing ----
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
      frame: (performance.now() - began).toFixed(1) });
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
    const dense = inView.length > DENSE, seen = new Set(), lines = new Map();
    const focus = only.checked || chosen ? false : violation !== null && violation !== undefined;
    let drawn = 0;
    for (const i of inView) {
      const flags = arrows.flags[i];
      if (flags & TIMER) { if (!dense) tick(i); continue; }
      const [x0, y0, x1, y1] = line(i);
      if (Math.max(y0, y1) < head() || Math.min(y0, y1) > height) continue;
      const special = flags & PAST || chain.has(i);
      if (dense && !special) {
        const same = ((arrows.from[i] * 512 + arrows.to[i]) * 2048 + (x0 >> 2)) * 2048 + (x1 >> 2) + (lost.has(i) ? 0.5 : 0);
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
      pen.globalAlpha = special ? 1 : dense ? 0.35 : focus ? 0.38 : 0.75;
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
      pen.globalAlpha = dense && !special ? 0.7 : 1;
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

  // ---- moving about ----
  const show = (from, until) => {
    const span = Math.min(whole, Math.max(20, until - from));
    view.from = Math.max(0, Math.min(from, whole - span));
    view.until = view.from + span;
    redraw();
  };
  const zoom = (factor, about = (view.from + view.until) / 2) =>
    show(about - (about - view.from) * factor, about - (about - view.from) * factor + (view.until - view.from) * factor);
  const pan = (share) => show(view.from + share * (view.until - view.from), view.until + share * (view.until - view.from));
  const bring = (at, lane) => {
    const span = view.until - view.from;
    if (at < view.from + span * 0.05 || at > view.until - span * 0.05) show(at - span / 2, at + span / 2);
    const top = laneRow[lane] - view.top;
    if (laneRow[lane] >= 0 && (top < ROW || top > height - head() - ROW)) view.top = laneRow[lane] - (height - head()) / 2;
    redraw();
  };
  const toViolation = () => {
    if (typeof violation !== "number") return;
    // From the first message of the straight way to the violation: what a client or a long pause began.
    const at = marks.at[violation], timer = (i) => arrows.flags[i] & TIMER;
    let start = at;
    for (let i = marks.cause[violation] - 1; i >= 0; i = cause(i)) {
      if (start - arrows.sent[i] > 5e6 || (timer(i) && data.lanes[arrows.from[i]][2] === "client")) break;
      start = arrows.sent[i];
    }
    const span = Math.max(200, at - start);
    show(start - span * 0.4, at + span * 0.3);
    choose({ mark: violation });
  };

  // ---- one thing at a time ----
  const took = (micros) => (micros < 1e3 ? `${micros} µs` : micros < 1e6 ? `${(micros / 1e3).toPrecision(4)} ms` : `${(micros / 1e6).toPrecision(4)} s`);
  const choose = (what) => {
    chosen = what;
    chain = new Set();
    detail.replaceChildren();
    if (!what) { hint(); return redraw(); }
    const isMark = what.mark !== undefined, i = isMark ? what.mark : what.arrow;
    const from = isMark ? marks : arrows;
    for (let at = isMark ? marks.cause[i] - 1 : i; at >= 0 && chain.size < 500; at = cause(at)) chain.add(at);
    const at = isMark ? marks.at[i] : arrows.sent[i];
    const facts = [["At", clock(at)]];
    if (isMark) facts.push(["Node", name(marks.lane[i])], ["Record", data.texts[marks.text[i]]]);
    else {
      const timer = arrows.flags[i] & TIMER;
      facts.push(timer ? ["Node", name(arrows.from[i])] : ["Way", `${name(arrows.from[i])} → ${name(arrows.to[i])}`]);
      if (data.texts[arrows.text[i]]) facts.push([timer ? "For" : "Says", data.texts[arrows.text[i]]]);
      if (lost.has(i)) facts.push(["Lost", data.texts[lost.get(i)]]);
      else if (!timer) facts.push(["Arrived", arrived(i) ? `after ${took(arrows.took[i])}` : "not before the end of the trace"]);
      if (arrows.flags[i] & COPIED) facts.push(["Copy", "the network made it, as a second message"]);
      if (arrows.flags[i] & DAMAGED) facts.push(["Damaged", "its receiver cannot read it"]);
    }
    const request = from.request[i] && data.requests[from.request[i] - 1];
    if (request) {
      const parts = [request[0], request[2] && data.texts[request[2] - 1], request[1] && `by ${name(request[1] - 1)}`,
        request[3] && `key ${data.texts[request[3] - 1]}`];
      facts.push(["Request", parts.filter(Boolean).join(", ")]);
    }
    if (isMark && i === violation) facts.push(["Violation", `${data.violation[0]}: ${data.violation[1]}`]);
    const before = isMark ? marks.cause[i] - 1 : cause(i);
    const go = [];
    if (before >= 0) go.push(button("← Cause", "Go to what this came of (c)", () => follow()));
    if (request) go.push(button("This request", "Show only this request", () => { search.value = request[0]; filter(); }));
    detail.append(element("strong", { textContent: data.texts[from.kind[i]] }),
      element("dl", {}, ...facts.map(([term, text]) => element("div", {}, element("dt", { textContent: term }), element("dd", { textContent: text })))),
      element("span", { className: "trace-zoom" }, ...go));
    bring(at, isMark ? marks.lane[i] : arrows.from[i]);
  };
  const follow = () => {
    const before = chosen && (chosen.mark !== undefined ? marks.cause[chosen.mark] - 1 : cause(chosen.arrow));
    if (before >= 0 && chosen) choose({ arrow: before });
  };
  const hint = () => detail.replaceChildren(element("span", { textContent:
    "Click something to see what it is and what it came of. Drag to move; scroll over the focused diagram to zoom; keys: "
    + "arrows, + −, 0 all, v violation, n p next and previous, c cause, / search, Esc." }));
  // The next or previous thing that is shown.
  const next = (step) => {
    const now = !chosen ? view.from : chosen.mark !== undefined ? marks.at[chosen.mark] : arrows.sent[chosen.arrow];
    let i = chosen && chosen.mark !== undefined ? chosen.mark + step : lower(marks.at, now) - (step < 0 ? 1 : 0);
    while (i >= 0 && i < marks.n && !markShown[i]) i += step;
    if (i >= 0 && i < marks.n) choose({ mark: i });
  };
  const nearest = (px, py) => {
    let best = null, least = 9;
    for (let i = lower(marks.at, time(px - 12)); i < marks.n && marks.at[i] <= time(px + 12); i++) {
      const far = Math.hypot(x(marks.at[i]) - px, y(marks.lane[i]) - py);
      if (markShown[i] && far < least) [best, least] = [{ mark: i }, far];
    }
    if (best) return best;
    least = 6;
    for (let i = first(); i < arrows.n && arrows.sent[i] <= time(px + 12); i++) {
      if (!arrowShown[i] || end(i) < time(px - 16)) continue;
      const [x0, y0, x1, y1] = line(i), [dx, dy] = [x1 - x0, y1 - y0];
      const along = Math.max(0, Math.min(1, ((px - x0) * dx + (py - y0) * dy) / (dx * dx + dy * dy || 1)));
      const far = Math.hypot(x0 + along * dx - px, y0 + along * dy - py);
      if (far < least) [best, least] = [{ arrow: i }, far];
    }
    return best;
  };

  let drag = null;
  const spot = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  canvas.addEventListener("pointerdown", (event) => {
    const [px, py] = spot(event);
    drag = { px, py, view: { ...view }, moved: false, over: py < OVERVIEW };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [px, py] = spot(event);
    if (!drag) return;
    drag.moved ||= Math.hypot(px - drag.px, py - drag.py) > 3;
    const span = drag.view.until - drag.view.from;
    if (drag.over) {
      const at = ((px - GUTTER) / (width - GUTTER - 8)) * whole;
      show(at - span / 2, at + span / 2);
    } else if (drag.moved) {
      const by = ((px - drag.px) / (width - GUTTER - 8)) * span;
      view.top = drag.view.top - (py - drag.py);
      show(drag.view.from - by, drag.view.until - by);
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    const [px, py] = spot(event), was = drag;
    drag = null;
    if (was && !was.moved && !was.over && py > head()) choose(nearest(px, py));
    else if (was && was.over && !was.moved) {
      const [at, span] = [((px - GUTTER) / (width - GUTTER - 8)) * whole, view.until - view.from];
      show(at - span / 2, at + span / 2);
    }
  });
  canvas.addEventListener("dblclick", (event) => zoom(0.4, time(spot(event)[0])));
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return;
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 800);
    else zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), time(spot(event)[0]));
  }, { passive: false });
  const keys = {
    ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2),
    ArrowUp: () => { view.top -= 3 * ROW; redraw(); }, ArrowDown: () => { view.top += 3 * ROW; redraw(); },
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => show(0, whole), Home: () => show(0, whole),
    v: toViolation, n: () => next(1), p: () => next(-1), c: follow, "/": () => search.focus(), Escape: () => choose(null),
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const control of [search, key]) control.addEventListener("input", filter);
  for (const control of [node, client, only]) control.addEventListener("change", filter);
  new ResizeObserver(redraw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  // Paper is light, whatever the screen is.
  for (const moment of ["beforeprint", "afterprint"]) addEventListener(moment, () => { place(null); filter(); draw(); });

  hint();
  filter();
  if (typeof violation === "number") toViolation();
  root.dataset.ready = "true";
})();
