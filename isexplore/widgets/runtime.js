// What every view shares: a DOM builder, numbers, colours, plots with their tables, heat maps. It stands in one module
// with loadPlotly, which returns Plotly, or promises it.

let Plotly = null; // until something is drawn
let loading = null;
const NEAR = "1000px";

/** Build an element. Text is always set as text, so a name with HTML in it stays a name. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

let lastId = 0;
const freshId = () => `isexplore-${++lastId}`;

/** A control with its name in front of it. */
function labelled(text, control) {
  control.id ||= freshId();
  return h("span", { class: "ix-control" }, h("label", { for: control.id }, text), control);
}

/** Replace a select's options, [value, text] each, and keep the chosen one in view. */
function fillSelect(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.options !== key) {
    select.replaceChildren(...options.map(([id, text]) => h("option", { value: id }, text)));
    select.dataset.options = key;
  }
  select.value = value ?? "";
}

// A format is made once: that takes much longer than to use it.
const formats = {};
const formatOf = (digits, options) => (formats[digits] ??= new Intl.NumberFormat("en", options));
const number = (value, digits = 2) => formatOf(digits, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
const count = (value) => formatOf("any").format(value);

/** Wait until the page has nothing else to do, a fifth of a second at most. */
const idle = () => new Promise((done) => { if (window.requestIdleCallback) requestIdleCallback(done, { timeout: 200 }); else setTimeout(done, 50); });

/**
 * Call `redraw` whenever the colours of an element are no longer those it was drawn with, until the signal aborts.
 * Returns a function to call at each drawing.
 */
function onTheme(element, redraw, signal) {
  let drawn = "";
  let until = 0;
  let again = 0;
  const now = () => JSON.stringify(colours(element));
  const look = () => {
    if (signal.aborted) return;
    if (drawn && drawn !== now()) redraw();
    clearTimeout(again);
    if (performance.now() < until) again = setTimeout(look, 100);
  };
  // The name of the theme changes before its style sheet is there: look for ten seconds.
  const start = () => { until = performance.now() + 10000; look(); };
  const observer = new MutationObserver(start);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light", "class"] });
  signal.addEventListener("abort", () => { clearTimeout(again); observer.disconnect(); });
  start();
  return () => { drawn = now(); };
}

/** A name as Plotly must be told it: it reads a little HTML, and a name must not become markup. */
function plain(name, most) {
  const short = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  return short.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The meaning of colours, as the style sheet gives them for the current theme. */
function colours(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(`--ix-${name}`).trim();
  return {
    text: read("text"), faint: read("faint"), line: read("line"), surface: read("surface"), font: read("font"),
    variety: read("variety"), doubt: read("doubt"), reference: read("reference"),
  };
}

/** A table of numbers that says in text what a plot shows; it is filled only while it is open. */
function twin(title) {
  const body = h("div", { class: "ix-twin-body", tabindex: "0", role: "region", "aria-label": title });
  let rows = () => ({ columns: [], rows: [] });
  const fill = () => {
    if (!details.open) return;
    const data = rows();
    body.replaceChildren(h("table", {},
      h("thead", {}, h("tr", {}, ...data.columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...data.rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, String(cell))))))));
  };
  const details = h("details", { class: "ix-twin", ontoggle: fill }, h("summary", {}, "as a table"), body);
  return { element: details, update(next) { rows = next; fill(); } };
}

/**
 * A Plotly chart with its text twin.
 * draw(colours) gives { traces, layout }, label() the sentence for screen readers, rows() the table.
 * One that is `patient` lets others go first: what people look at while they move a slider is then painted sooner.
 */
function plot(parent, { draw, label, rows, on = {}, patient = false, signal }) {
  const chart = h("div", { class: "ix-plot", role: "img" });
  const table = twin("The plot's numbers");
  parent.append(chart, table.element);
  let bound = false;
  let painting = false;
  let stale = false;
  let near = false; // in sight, or a scroll away: what is further is drawn when it comes near
  let missed = false;

  const base = (c, layout) => {
    const axis = { color: c.text, gridcolor: c.line, linecolor: c.line, zerolinecolor: c.line, fixedrange: true, automargin: true };
    return {
      height: 184, margin: { l: 46, r: 8, t: 6, b: 34 }, autosize: true, showlegend: false, bargap: 0.06,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: c.font, size: 11, color: c.text },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: c.faint, activecolor: c.text },
      hoverlabel: { font: { family: c.font, size: 12 } },
      dragmode: false, selections: [],
      ...layout,
      xaxis: { ...axis, ...layout.xaxis }, yaxis: { ...axis, ...layout.yaxis },
    };
  };
  const config = { displaylogo: false, responsive: false, displayModeBar: "hover", modeBarButtons: [["toImage"]], doubleClick: false };

  async function paint() {
    if (signal.aborted || !chart.isConnected || !chart.clientWidth) return;
    missed = !near;
    if (missed) return;
    Plotly ??= await (loading ??= loadPlotly());
    if (signal.aborted) return;
    const c = colours(chart);
    drawn();
    const { traces, layout } = draw(c);
    // While the revision is the same, Plotly moves shapes and annotations and leaves the rest, which takes much longer.
    const datarevision = JSON.stringify([traces, { ...layout, shapes: 0, annotations: 0 }]);
    await Plotly.react(chart, traces, { ...base(c, layout), datarevision }, config);
    if (bound) return;
    bound = true;
    for (const [event, handler] of Object.entries(on)) chart.on(`plotly_${event}`, handler);
  }
  function update() {
    chart.setAttribute("aria-label", label());
    table.update(rows);
    stale = true;
    if (!painting) repaint();
  }
  // One paint at a time, and then only the latest picture.
  async function repaint() {
    painting = true;
    try {
      while (stale) {
        if (patient) await idle();
        stale = false;
        await paint();
      }
    } catch (error) {
      if (!signal.aborted) console.error(error);
    } finally {
      painting = false;
    }
  }
  const drawn = onTheme(chart, update, signal);
  const resized = new ResizeObserver(() => update());
  resized.observe(chart);
  const sight = new IntersectionObserver((entries) => {
    near = entries.at(-1).isIntersecting;
    if (near && missed) update();
  }, { rootMargin: NEAR, scrollMargin: NEAR });
  sight.observe(chart);
  signal.addEventListener("abort", () => { resized.disconnect(); sight.disconnect(); Plotly?.purge(chart); });
  return { update, chart };
}

/**
 * Paint probabilities on a canvas, from its background for 0 to its text's colour for 1. The colours go by the cube
 * root, so that a thousandth is seen, too. `cells` are two bytes each, row by row; `cuts` are lines across, in rows.
 * Returns the probability in a row and a column.
 */
function heatmap(canvas, { cells, rows, columns, cuts }) {
  const levels = new Uint16Array(cells.buffer.slice(cells.byteOffset, cells.byteOffset + cells.byteLength));
  if (canvas.clientWidth) { // else it is not on screen: it must keep its size
    const ratio = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: Math.round(canvas.clientWidth * ratio), height: Math.round(canvas.clientHeight * ratio) });
    const small = h("canvas", { width: columns, height: rows });
    const image = new ImageData(columns, rows);
    levels.forEach((level, i) => { image.data[4 * i + 3] = 255 * Math.cbrt(level / 65535); });
    small.getContext("2d").putImageData(image, 0, 0);
    const style = getComputedStyle(canvas);
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    pen.globalCompositeOperation = "source-in"; // what was painted so far is only how opaque each cell is
    pen.fillStyle = style.color;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.globalCompositeOperation = "source-over";
    // A line with room on both sides is seen on light and dark cells.
    for (const [thick, colour] of [[3, style.backgroundColor], [1, style.color]]) {
      pen.fillStyle = colour;
      for (const cut of cuts) pen.fillRect(0, Math.round((cut * canvas.height) / rows - (thick * ratio) / 2), canvas.width, thick * ratio);
    }
  }
  return (row, column) => levels[row * columns + column] / 65535;
}
