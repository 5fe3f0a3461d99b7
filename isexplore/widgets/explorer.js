// The explorer: the chooser above, and four panels on one screen; they stack where it is narrow.

export default {
  async render({ model, el, host, signal }) {
    const { h } = (await host.getWidget(model.get("runtime"))).exports;
    const cells = {};
    for (const name of ["chooser", "header", "marginal", "entropy", "protocol", "gallery"]) cells[name] = h("div", { class: `ix-area-${name}` });
    // JupyterLab's own shortcuts would take the arrow keys; Ctrl+S and the like stay its own.
    const keep = (event) => { if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); };
    el.append(h("div", { class: "isexplore", onkeydown: keep }, h("div", { class: "ix-grid" }, ...Object.values(cells))));

    const rendered = new Set();
    async function show(name) {
      const reference = model.get(name);
      cells[name].hidden = !reference;
      if (!reference || rendered.has(name) || signal.aborted) return;
      rendered.add(name);
      const child = await host.getWidget(reference);
      await child.render({ el: cells[name], signal });
    }
    const showAll = () => Promise.all(Object.keys(cells).map(show));
    model.on("change", showAll);
    signal.addEventListener("abort", () => model.off("change", showAll));
    await showAll();
  },
};
