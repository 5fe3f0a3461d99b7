// The playground: a choice of three places, and the panels of the one that is open.

const PLACES = {
  contrived: ["head", "formula", "controls", "curve", "matrix", "shares", "doubts", "compare"],
  digits: ["digits", "header", "marginal", "entropy", "protocol", "gallery"],
  attack: ["attack"],
};

export default {
  async render({ model, el, host, signal }) {
    const { h, root, freshId } = (await host.getWidget(model.get("runtime"))).exports;
    const group = freshId();
    const radios = model.get("places").map(([key, title]) => {
      const radio = h("input", { type: "radio", name: group, value: key, id: freshId(), onchange: () => { model.set("place", key); model.save_changes(); } });
      return [radio, h("label", { for: radio.id }, title)];
    });
    const status = h("span", { class: "ix-unit", role: "status" });
    const error = h("p", { class: "ix-error", role: "alert" });
    const bar = h("div", { class: "ix-controls ix-places", role: "radiogroup", "aria-label": "place" },
      ...radios.map((pair) => h("span", { class: "ix-control" }, ...pair)), status);

    const open = () => model.get("place");
    const element = await root({ model, el, host, signal }, Object.values(PLACES).flat(), { isShown: (name) => PLACES[open()].includes(name) });
    if (signal.aborted) return;
    element.prepend(bar, error);
    const update = () => {
      element.dataset.place = open();
      for (const [radio] of radios) radio.checked = radio.value === open();
      status.textContent = PLACES[open()].some((name) => model.get(name)) || model.get("error") ? "" : "opening …";
      error.textContent = model.get("error");
      error.hidden = !model.get("error");
    };
    model.on("change", update);
    signal.addEventListener("abort", () => model.off("change", update));
    update();
  },
};
