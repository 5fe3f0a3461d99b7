// The explorer: the chooser above, four panels on one screen, findings and conventions below; they stack where narrow.

const AREAS = ["chooser", "header", "marginal", "entropy", "protocol", "gallery", "findings", "conventions"];

export default {
  async render({ model, el, host, signal }) {
    const { root } = (await host.getWidget(model.get("runtime"))).exports;
    await root({ model, el, host, signal }, AREAS, { onEscape: () => model.send({ kind: "clear" }) });
  },
};
