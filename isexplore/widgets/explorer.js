// The explorer: the chooser above, four panels on one screen, the conventions below; they stack where it is narrow.

export default {
  async render({ model, el, host, signal }) {
    const { h } = (await host.getWidget(model.get("runtime"))).exports;
    const cells = {};
    for (const name of ["chooser", "header", "marginal", "entropy", "protocol", "gallery", "conventions"]) cells[name] = h("div", { class: `ix-area-${name}` });
    // JupyterLab's own shortcuts would take the arrow keys; Ctrl+S and the like stay its own.
    const onkeydown = (event) => {
      if (event.key === "Escape") model.send({ kind: "clear" });
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    };
    const notice = h("p", { class: "ix-error", role: "alert", hidden: true }, "Not connected to a kernel any more: run this cell again.");
    const grid = h("div", { class: "ix-grid" }, ...Object.values(cells));
    el.append(h("div", { class: "isexplore", onkeydown }, notice, grid));

    // After a restart the kernel knows nothing of this widget: better to say so than to look alive.
    const own = await model.widget_manager.get_model(model.get("runtime").replace("anywidget:", ""));
    const showLife = () => { notice.hidden = own.comm_live !== false; grid.inert = own.comm_live === false; };
    own.on("comm_live_update", showLife);
    signal.addEventListener("abort", () => own.off("comm_live_update", showLife));
    showLife();

    const rendered = new Set();
    async function show(name) {
      const reference = model.get(name);
      cells[name].hidden = !reference;
      if (!reference || rendered.has(name) || signal.aborted) return;
      rendered.add(name);
      const child = await host.getWidget(reference);
      await child.render({ el: cells[name], signal });
    }
    const showAll = () => Promise.all(Object.keys(cells).map(show)).catch((error) => { if (!signal.aborted) console.error(error); });
    if (signal.aborted) return;
    model.on("change", showAll);
    signal.addEventListener("abort", () => model.off("change", showAll));
    await showAll();
  },
};
