// What stands around the diagram: search, filters, the legend and the line that describes.

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
    ...(fault === null ? [] : [button("First fault", "Go to what a fault first did (f)", () => toFault())]),
    element("span", { className: "trace-zoom" }, button("−", "Zoom out (-)", () => zoom(2)),
      button("+", "Zoom in (+)", () => zoom(0.5)), button("All", "Show everything (0)", () => show(0, whole)))),
  element("div", { className: "trace-legend" }, element("span", { textContent: "Messages" }), ...kinds(arrowKinds, true)),
  element("div", { className: "trace-legend" }, element("span", { textContent: "Records" }), ...kinds(markKinds, false)),
  canvas, detail);
