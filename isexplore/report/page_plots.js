// The plots of a report: the timeline, the heat map, the curve over split counts, and the classes.

const SYMBOLS = { fine: "circle", warning: "triangle-up", severe: "x" };
const MARKS = { fine: "✓", warning: "▲", severe: "✕" };
const MOST_BARS = 40;
const several = data.sets.length > 1;

const scoreAt = (set) => { const i = Math.min(page.splits, set.mean.length) - 1; return { mean: set.mean[i], std: set.std[i], splits: i + 1 }; };
const names = () => data.sets.map((set) => plain(set.name, 60));
const sum = (numbers) => numbers.reduce((total, x) => total + x, 0);

/** The axis of sets: their short names, as many as there is room for. */
function setAxis(chart) {
  const room = Math.max(2, Math.floor(chart.clientWidth / 60));
  const step = Math.ceil(data.sets.length / room);
  const shown = data.sets.map((_, i) => i).filter((i) => i % step === 0 || i === data.sets.length - 1);
  const x = shown.filter((i, k) => k === shown.length - 1 || shown.at(-1) - i >= step / 2);
  return { tickvals: x, ticktext: x.map((i) => plain(shortNames[i], 14)), range: [-0.6, data.sets.length - 0.4], showgrid: false, title: { text: sharedName ? `set: ${plain(sharedName, 40)}…` : "set" } };
}

// "step 100", "step 200", …: what all begin with, up to a space or a sign, is said once.
const sharedName = (() => {
  const all = data.sets.map((set) => set.name);
  let length = 0;
  while (several && all.every((name) => name.length > length + 1 && name[length] === all[0][length])) length += 1;
  return /^.*[\s@/_=:-]/.exec(all[0].slice(0, length))?.[0] ?? "";
})();
const shortNames = data.sets.map((set) => set.name.slice(sharedName.length));

const currentLine = (c) => ({ type: "line", x0: page.set, x1: page.set, yref: "paper", y0: 0, y1: 1, line: { color: c.faint, width: 1, dash: "dash" } });

function timeline(section) {
  const note = h("p", { class: "ix-note" },
    "Score: mean ± standard deviation across splits. ▲ a warning, ✕ something severe. ", h("span", { class: "ix-key ix-key-variety" }), " variety H(y), ", h("span", { class: "ix-key ix-key-doubt" }), " doubt, mean H(y|x)",
    data.reference && h("span", {}, ", ", h("span", { class: "ix-key" }), " the reference's score"), ". Click a point to see that set.");
  section.append(note);
  const x = data.sets.map((_, i) => i);
  return plot(section, {
    signal,
    label: () => `Score, variety and doubt of ${data.sets.length} sets; the current one is ${current().name}.`,
    rows: () => ({
      columns: ["set", "score", "± across splits", "variety", "doubt", "effective classes", "severity", "findings"],
      rows: data.sets.map((set) => [set.name, number(scoreAt(set).mean), number(scoreAt(set).std), number(set.variety, 3), number(set.doubt, 3), number(set.effective, 1),
        set.severity, set.checks.filter((check) => check.severity !== "fine").length]),
    }),
    draw(c) {
      const scores = data.sets.map(scoreAt);
      const hover = "%{customdata}<br>%{y:.3f}";
      const nats = (key, color, name) => ({ type: "scatter", mode: "lines+markers", x, y: data.sets.map((set) => set[key]), yaxis: "y2", customdata: names(), line: { color }, marker: { size: 5 }, hovertemplate: `${hover} nats ${name}<extra></extra>` });
      const reference = data.reference ? scoreAt(data.reference).mean : null;
      return {
        traces: [
          { type: "scatter", mode: "lines+markers", x, y: scores.map((s) => s.mean), customdata: data.sets.map((set) => `${plain(set.name, 60)}, ${set.severity}`), hovertemplate: `${hover}<extra></extra>`,
            error_y: { type: "data", array: scores.map((s) => s.std), thickness: 1, width: 2, color: c.faint }, line: { color: c.text, width: 1.5 },
            marker: { size: data.sets.map((set, i) => (i === page.set ? 13 : 9)), symbol: data.sets.map((set) => SYMBOLS[set.severity]), color: c.text } },
          nats("variety", c.variety, "of variety"), nats("doubt", c.doubt, "of doubt"),
          ...(reference == null ? [] : [{ type: "scatter", mode: "lines", x: [-0.6, x.length - 0.4], y: [reference, reference], line: { color: c.reference, width: 2.5 }, hovertemplate: "reference<br>%{y:.3f}<extra></extra>" }]),
        ],
        layout: {
          height: 280, hovermode: "closest",
          xaxis: { ...setAxis(section), anchor: "y2" },
          yaxis: { title: { text: "score" }, rangemode: "tozero", domain: [0.46, 1] },
          yaxis2: { title: { text: "nats" }, rangemode: "tozero", domain: [0, 0.36], color: c.text, gridcolor: c.line, zerolinecolor: c.line, fixedrange: true, automargin: true },
          shapes: [currentLine(c)],
        },
      };
    },
    on: { click: (event) => choose(event.points[0].x) },
  });
}

const choose = (x) => { if (Number.isInteger(x)) goTo(x); }; // the reference's line lies between sets, too

function heatMap(section) {
  section.append(h("p", { class: "ix-note" }, "How often each class is drawn in each set: the stronger the colour, the more. A class that goes is a line that ends. Click a cell to see that set."));
  const top = Math.max(...data.sets.map((set) => Math.max(...set.share)));
  const few = data.classes.length <= MOST_BARS;
  return plot(section, {
    signal,
    label: () => `Share of each of ${data.classes.length} classes in each set, as a heat map; the current set is ${current().name}.`,
    rows: () => ({ columns: ["class", ...data.sets.map((set) => set.name)], rows: data.classes.map((name, c) => [name, ...data.sets.map((set) => number(set.share[c], 3))]) }),
    draw(c) {
      return {
        traces: [{
          type: "heatmap", z: data.classes.map((_, k) => data.sets.map((set) => set.share[k])), zmin: 0, zmax: top, colorscale: [[0, c.surface], [1, c.variety]], xgap: several && data.sets.length < 60 ? 1 : 0, ygap: few ? 1 : 0,
          customdata: data.classes.map((name) => data.sets.map((set) => `${plain(name, 40)}<br>${plain(set.name, 60)}`)), hovertemplate: "%{customdata}<br>p(y) %{z:.4f}<extra></extra>",
          colorbar: { thickness: 8, outlinewidth: 0, title: { text: "p(y)", side: "right" }, tickfont: { color: c.text } },
        }],
        layout: {
          height: 280,
          xaxis: setAxis(section),
          yaxis: { title: { text: "class" }, autorange: "reversed", showgrid: false, ...(few ? { tickvals: data.classes.map((_, k) => k), ticktext: data.classes.map((name) => plain(name, 16)) } : {}) },
          shapes: [{ type: "rect", x0: page.set - 0.5, x1: page.set + 0.5, yref: "paper", y0: 0, y1: 1, line: { color: c.text, width: 2 } }],
        },
      };
    },
    on: { click: (event) => choose(event.points[0].x) },
  });
}

function curve(section) {
  const note = h("p", { class: "ix-note" });
  section.append(note);
  const chart = plot(section, {
    signal,
    label: () => { const s = scoreAt(current()); return `Score against the number of splits; at ${s.splits} it is ${number(s.mean)} ± ${number(s.std)}.`; },
    rows: () => ({ columns: ["splits", "score", "± across splits"], rows: current().mean.map((mean, i) => [i + 1, number(mean, 3), number(current().std[i], 3)]) }),
    draw(c) {
      const { mean, std } = current();
      const { splits } = scoreAt(current());
      const x = mean.map((_, i) => i + 1);
      return {
        traces: [
          { type: "scatter", mode: "lines", x: [...x, ...x.toReversed()], y: [...mean.map((m, i) => m + std[i]), ...mean.map((m, i) => m - std[i]).toReversed()], fill: "toself", fillcolor: c.line, line: { width: 0 }, hoverinfo: "skip" },
          { type: "scatter", mode: "lines", x, y: mean, line: { color: c.text }, hovertemplate: "%{x} splits<br>%{y:.3f}<extra></extra>" },
          { type: "scatter", mode: "markers", x: [splits], y: [mean[splits - 1]], marker: { size: 11, color: c.text }, hoverinfo: "skip" },
        ],
        layout: {
          height: 230, hovermode: "x", xaxis: { title: { text: "number of splits" }, range: [0, x.length + 1] }, yaxis: { title: { text: "score" } },
          shapes: [{ type: "line", x0: splits, x1: splits, yref: "paper", y0: 0, y1: 1, line: { color: c.faint, width: 1, dash: "dash" } }],
        },
      };
    },
  });
  return { update() {
    note.textContent = `The same images in more splits score lower: each split has fewer images. The band is ± the standard deviation across splits.`;
    chart.update();
  } };
}

function marginal(section) {
  const note = h("p", { class: "ix-note" });
  section.append(note);
  const expected = () => data.reference?.share ?? data.classes.map(() => 1 / data.classes.length);
  const shown = () => {
    const all = data.classes.map((_, k) => k);
    if (all.length <= MOST_BARS) return all;
    const far = all.map((k) => Math.abs(current().share[k] - expected()[k]));
    return all.toSorted((a, b) => far[b] - far[a]).slice(0, MOST_BARS);
  };
  const chart = plot(section, {
    signal,
    label: () => `Share of each class in ${current().name} against ${data.reference ? "the reference" : "equal shares"}.`,
    rows: () => ({ columns: ["class", "p(y)", "expected", "images"], rows: data.classes.map((name, k) => [name, number(current().share[k], 4), number(expected()[k], 4), count(current().counts[k])]) }),
    draw(c) {
      const order = shown();
      const x = order.map((_, i) => i);
      const y = order.map((k) => expected()[k]);
      const width = Math.max(6, Math.min(26, (0.8 * section.clientWidth) / x.length));
      const line = (thick, color) => ({ type: "scatter", mode: "markers", x, y, hoverinfo: "skip", marker: { symbol: "line-ew", size: width, line: { color, width: thick } } });
      const letters = sum(order.map((k) => Math.min(data.classes[k].length, 16) + 1));
      return {
        traces: [
          { type: "bar", x, y: order.map((k) => current().share[k]), marker: { color: c.variety }, customdata: order.map((k) => [plain(data.classes[k], 40), current().counts[k], expected()[k]]), hovertemplate: "%{customdata[0]}<br>p(y) %{y:.4f}<br>expected %{customdata[2]:.4f}<br>%{customdata[1]:,} images<extra></extra>" },
          line(5, c.surface), line(2.5, c.reference),
        ],
        layout: {
          height: 230, bargap: 0.2, hovermode: "x", hoverdistance: -1,
          xaxis: { title: { text: "class" }, range: [-0.6, x.length - 0.4], showgrid: false, tickvals: x, ticktext: order.map((k) => plain(data.classes[k], 16)), tickangle: 7 * letters > section.clientWidth - 60 ? -60 : 0 },
          yaxis: { title: { text: "p(y)" }, rangemode: "tozero" },
        },
      };
    },
  });
  return { update() {
    const part = data.classes.length > MOST_BARS ? ` The ${MOST_BARS} of ${count(data.classes.length)} classes that are furthest from it; the table has all.` : "";
    note.replaceChildren(h("span", { class: "ix-key" }), ` gray line: ${data.reference ? data.reference.name : "equal shares"}.${part}`);
    chart.update();
  } };
}
