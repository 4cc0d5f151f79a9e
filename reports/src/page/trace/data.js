// The data of the diagram, read from the page. `Columns` in trace.rs says what it means.

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
const fault = data.fault !== null && data.fault <= whole ? data.fault : null;
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
const variables = new Map();
for (const kind of [...arrowKinds, ...markKinds])
  variables.set(kind, FAMILIES.find(([name]) => name.test(data.texts[kind]))[1]);
const variable = (kind) => variables.get(kind);
const hidden = new Set([...arrowKinds, ...markKinds].filter((kind) => QUIET.has(data.texts[kind])));
