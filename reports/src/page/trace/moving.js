// Moving about, and choosing one thing at a time.

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
  // What an oracle found in the state at the end has no straight way: all that led to it is shown.
  if (start === at) {
    const past = arrows.flags.findIndex((flags) => flags & PAST && !(flags & TIMER));
    if (past >= 0) start = arrows.sent[past];
  }
  const span = Math.max(200, at - start);
  show(start - span * 0.4, at + span * 0.3);
  choose({ mark: violation });
};
// So few messages can be told apart: from shortly before a moment until there are that many.
const READABLE = 120;
const toMoment = (at) => {
  let last = lower(arrows.sent, at);
  for (let left = READABLE; left > 0 && last < arrows.n - 1; last++) if (arrowShown[last] && !(arrows.flags[last] & TIMER)) left--;
  const span = Math.max(200, (arrows.sent[last] ?? whole) - at);
  show(at - span * 0.15, at + span);
};
const toFault = () => { if (fault !== null) toMoment(fault); };

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
  + "arrows, + −, 0 all, v violation, f first fault, n p next and previous, c cause, / search, Esc." }));
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
  v: toViolation, f: toFault, n: () => next(1), p: () => next(-1), c: follow, "/": () => search.focus(), Escape: () => choose(null),
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
else toMoment(fault ?? 0);
root.dataset.ready = "true";
