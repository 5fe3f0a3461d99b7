// Several sets: their course above, what is found, the comparison, and the explorer of the current one below.

const AREAS = ["timeline", "heat", "findings", "compare", "pairs", "explorer"];

export default {
  async render({ model, el, host, signal }) {
    const { h, root } = (await host.getWidget(model.get("runtime"))).exports;
    const shown = h("p", { class: "ix-shown", "aria-live": "polite" });
    const waiting = h("p", { class: "ix-waiting", role: "status" });
    const error = h("p", { class: "ix-error", role: "alert" });
    const element = await root({ model, el, host, signal }, AREAS, {
      onEscape: () => model.send({ kind: "clear" }),
      isShown: () => !model.get("waiting"),
    });
    if (signal.aborted) return;
    const explorer = element.querySelector(":scope > .ix-grid > .ix-area-explorer");
    explorer.before(shown);
    element.prepend(error, waiting);
    const update = () => {
      error.textContent = model.get("error");
      error.hidden = !model.get("error");
      shown.textContent = model.get("shown");
      shown.hidden = Boolean(model.get("waiting"));
      // Numbers of one set must not be read under the name of another.
      explorer.inert = model.get("stale");
      explorer.classList.toggle("ix-stale", model.get("stale"));
      waiting.textContent = model.get("waiting");
      waiting.hidden = !model.get("waiting");
    };
    model.on("change", update);
    signal.addEventListener("abort", () => model.off("change", update));
    update();
    // Everything is there by now: what may keep all processors busy begins once it is painted.
    const look = () => { if (!signal.aborted) model.send({ kind: "look" }); };
    if (window.requestIdleCallback) requestIdleCallback(look, { timeout: 3000 }); else setTimeout(look, 1000);
  },
};
