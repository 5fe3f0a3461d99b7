// The explorer: the chooser above, four panels on one screen, the conventions below; they stack where it is narrow.

const AREAS = ["chooser", "header", "marginal", "entropy", "protocol", "gallery", "conventions"];

export default {
  async render({ model, el, host, signal }) {
    const { root } = (await host.getWidget(model.get("runtime"))).exports;
    await root({ model, el, host, signal }, AREAS, { onEscape: () => model.send({ kind: "clear" }) });
  },
};
