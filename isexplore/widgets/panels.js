// What every widget shares, beside runtime.js in one module: Plotly from the kernel, panels, and whole widgets.

let source = ""; // of Plotly

/** Load what the kernel brought along: the first plot needs it. */
async function loadPlotly() {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    return (await import(url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

let moving = null; // while somebody moves through many pictures: until those that are looked at are painted

/** Let the panels that come `first` draw before the others, until a promise is kept, or half a second has gone. */
function goFirst(painted) {
  const mine = Promise.race([painted, new Promise((done) => setTimeout(done, 500))]).finally(() => { if (moving === mine) moving = null; });
  moving = mine;
}

const TILE = 40; // pixels of the longer side of a strip's images

/** Some images in a line, cut out of one picture: those for which there is no room are left out. */
function strip(title) {
  const element = h("div", { class: "ix-strip", role: "img" });
  let shown = null; // what is asked for, last
  async function draw(data, { names, width, height }) {
    const picture = await createImageBitmap(new Blob([data], { type: "image/png" }));
    if (data !== shown) return; // others are asked for by now
    const ratio = window.devicePixelRatio || 1;
    const scale = TILE / Math.max(width, height);
    const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
    element.style.setProperty("--ix-tile", `${down}px`);
    element.setAttribute("aria-label", `${title}: ${names.join(", ")}`);
    element.replaceChildren(...names.map((name, i) => {
      const canvas = h("canvas", { title: name, width: Math.round(across * ratio), height: Math.round(down * ratio), style: `width: ${across}px; height: ${down}px` });
      const pen = canvas.getContext("2d");
      pen.imageSmoothingEnabled = scale < 1;
      pen.drawImage(picture, i * width, 0, width, height, 0, 0, canvas.width, canvas.height);
      return canvas;
    }));
  }
  return {
    element,
    /** Show the images of a picture, or none. */
    show(data, said) {
      if (data === shown) return;
      shown = data;
      element.hidden = !said?.names.length;
      if (element.hidden) element.replaceChildren();
      else draw(data, said).catch(console.error);
    },
  };
}

/** A panel: a titled section that draws `view` now and at each change, with a place for errors. */
function panel({ model, el, signal }, title, build, { first = false } = {}) {
  const begin = () => {
    // On a busy machine the page may be here before the first picture.
    if (signal.aborted || !Object.keys(model.get("view")).length) return;
    model.off("change:view", begin);
    const id = freshId();
    const alert = h("p", { class: "ix-error", role: "alert" });
    const heading = h("h3", { id }, title);
    const section = h("section", { class: "ix-panel", "aria-labelledby": id }, heading);
    el.append(section);
    const update = build(section, heading);
    section.append(alert);
    const showError = () => { alert.textContent = model.get("error"); alert.hidden = !model.get("error"); };
    let waits = false;
    const follow = async () => {
      if (waits) return; // it draws the latest picture then
      waits = !first && moving != null;
      const most = performance.now() + 500; // with a key held down there is always a next move
      while (waits && moving && performance.now() < most) await moving;
      if (waits) await idle();
      waits = false;
      if (!signal.aborted) update();
    };
    model.on("change:view", follow);
    model.on("change:error", showError);
    signal.addEventListener("abort", () => { model.off("change:view", follow); model.off("change:error", showError); });
    showError();
    update();
  };
  model.on("change:view", begin);
  signal.addEventListener("abort", () => model.off("change:view", begin));
  begin();
}

/**
 * A whole widget: an area for each child that the model names, shown as soon as it is there and `isShown` says so.
 * Returns the element, and a function to call when what is shown changes.
 */
async function root({ model, el, host, signal }, names, { onEscape = () => {}, isShown = () => true } = {}) {
  const cells = Object.fromEntries(names.map((name) => [name, h("div", { class: `ix-area-${name}` })]));
  // JupyterLab's own shortcuts would take the arrow keys; Ctrl+S and the like stay its own.
  const onkeydown = (event) => {
    if (event.key === "Escape") onEscape();
    if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
  };
  const notice = h("p", { class: "ix-error", role: "alert", hidden: true }, "Not connected to a kernel any more: run this cell again.");
  const grid = h("div", { class: "ix-grid" }, ...Object.values(cells));
  const element = h("div", { class: "isexplore", onkeydown }, notice, grid);
  el.append(element);

  // After a restart the kernel knows nothing of this widget: better to say so than to look alive.
  const own = await model.widget_manager.get_model(model.get("runtime").replace("anywidget:", ""));
  if (signal.aborted) return element;
  const showLife = () => { notice.hidden = own.comm_live !== false; grid.inert = own.comm_live === false; };
  own.on("comm_live_update", showLife);
  signal.addEventListener("abort", () => own.off("comm_live_update", showLife));
  showLife();

  const rendered = new Set();
  async function show(name) {
    const reference = model.get(name);
    cells[name].hidden = !reference || !isShown(name);
    if (!reference || rendered.has(name) || signal.aborted) return;
    rendered.add(name);
    const child = await host.getWidget(reference);
    await child.render({ el: cells[name], signal });
    await new Promise((done) => setTimeout(done)); // what has come meanwhile goes first
  }
  // One after the other, and what people see first comes first: each part has two seconds to load, while others draw.
  let showing = Promise.resolve();
  const showAll = () => {
    for (const name of names) showing = showing.then(() => show(name)).catch((error) => { if (!signal.aborted) console.error(error); });
    return showing;
  };
  model.on("change", showAll);
  signal.addEventListener("abort", () => model.off("change", showAll));
  await showAll();
  return element;
}

export default {
  initialize({ model }) {
    source = model.get("plotly");
    return { h, labelled, fillSelect, number, count, plain, onTheme, plot, twin, heatmap, strip, panel, goFirst, root, freshId };
  },
};
