// What is shown: the filters, and where that puts the lanes.

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
