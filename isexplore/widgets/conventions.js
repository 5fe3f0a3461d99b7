// Panel: what other code prints on the same predictions, a row a convention.

export default {
  async render({ model, el, host, signal }) {
    const { h, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");

    panel({ model, el, signal }, "Conventions: what other code prints on these predictions", (section) => {
      const button = h("button", { type: "button", onclick: () => model.send({ kind: view().isOpen ? "close" : "open" }) });
      const status = h("span", { class: "ix-unit", role: "status" });
      const columns = [["convention"], ["prints", "ix-figure"], ["±", "ix-figure"], ["against whole set", "ix-figure"]];
      const body = h("tbody", {});
      const table = h("table", {}, h("thead", {}, h("tr", {}, ...columns.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)))), body);
      const scroll = h("div", { class: "ix-conventions", tabindex: "0", role: "region", "aria-label": "Conventions" }, table);
      section.append(h("div", { class: "ix-controls" }, button, status), scroll);

      return () => {
        const v = view();
        button.textContent = v.isOpen ? "Put away" : "Compare";
        button.setAttribute("aria-expanded", String(v.isOpen));
        status.textContent = !v.isOpen ? "libraries, tutorials and articles, each by its own rules" : v.busy ? "computing …" : v.caption;
        scroll.hidden = !v.isOpen || !v.rows.length;
        scroll.classList.toggle("ix-stale", v.busy);
        body.replaceChildren(...v.rows.flatMap((row) => [
          h("tr", {},
            h("th", { scope: "row" }, row.name),
            h("td", { class: "ix-figure" }, row.value),
            h("td", { class: "ix-figure" }, row.spread),
            h("td", { class: "ix-figure" }, row.against)),
          h("tr", { class: "ix-words" }, h("td", { colspan: "4" }, `${row.difference} `,
            row.note ? h("span", { class: "ix-why" }, row.note) : null,
            h("details", { class: "ix-remark" }, h("summary", {}, "more"), `${row.remark} Source: ${row.source}.`.trim()))),
        ]));
      };
    });
  },
};
