// Panel: the histogram of per-image conditional entropy; dragging a range selects images.

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, number, count, plot, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const select = (low, high) => model.send({ kind: "range", low, high });

    panel({ model, el, signal }, "Doubt: how unsure is the network about each image, H(y|x)", (section) => {
      const chart = plot(section, {
        signal,
        label: () => {
          const v = view();
          return `Histogram of the conditional entropy of ${count(v.n)} images, in nats. Mean ${number(v.mean, 3)}; most possible ${number(v.most, 3)}.`;
        },
        rows: () => {
          const v = view();
          return {
            columns: ["from (nats)", "to (nats)", "images", "selected"],
            rows: v.counts.map((n, i) => [number(v.edges[i], 3), number(v.edges[i + 1], 3), count(n), v.selected ? count(v.selected[i]) : "–"]),
          };
        },
        draw: (c) => {
          const v = view();
          const x = v.counts.map((_, i) => (v.edges[i] + v.edges[i + 1]) / 2);
          const width = v.edges[1] - v.edges[0];
          const range = v.counts.map((_, i) => `${number(v.edges[i], 3)} to ${number(v.edges[i + 1], 3)} nats`);
          const bars = (y, opacity, name) => ({
            type: "bar", x, y, width, name, customdata: range, hovertemplate: `%{y:,} ${name}<br>H(y|x) %{customdata}<extra></extra>`,
            marker: { color: c.doubt, opacity, line: { width: 0 } }, selectedpoints: null, unselected: { marker: { opacity } },
          });
          return {
            traces: v.selected ? [bars(v.counts, 0.25, "images"), bars(v.selected, 1, "selected images")] : [bars(v.counts, 1, "images")],
            layout: {
              barmode: "overlay", bargap: 0, hovermode: "x", dragmode: "select", selectdirection: "h",
              xaxis: { title: { text: "H(y|x), nats per image" }, range: [0, v.edges.at(-1)] },
              yaxis: { title: { text: "images" }, type: v.logarithmic ? "log" : "linear", rangemode: "tozero" },
              shapes: [{ type: "line", x0: v.mean, x1: v.mean, y0: 0, y1: 1, yref: "paper", line: { color: c.text, width: 1.5, dash: "dot" } }],
              annotations: [{ x: v.mean, y: 1, yref: "paper", yanchor: "top", xanchor: "left", xshift: 4, showarrow: false, text: `mean ${number(v.mean)}` }],
            },
          };
        },
        on: {
          selected: (event) => { if (event?.range?.x) select(Math.min(...event.range.x), Math.max(...event.range.x)); },
          click: (event) => { const i = event.points[0].pointIndex; select(view().edges[i], view().edges[i + 1]); },
        },
      });

      const field = () => h("input", { type: "number", step: "any", min: "0", class: "ix-number" });
      const low = field();
      const high = field();
      // An empty field is the end of the data.
      const submit = (event) => {
        event.preventDefault();
        const { edges } = view();
        select(low.value === "" ? edges[0] : Number(low.value), high.value === "" ? edges.at(-1) : Number(high.value));
      };
      const logarithmic = h("input", { type: "checkbox", onchange: () => model.send({ kind: "logarithmic", value: logarithmic.checked }) });
      section.append(h("form", { class: "ix-controls", onsubmit: submit },
        labelled("from", low), labelled("to", high), h("span", { class: "ix-unit" }, "nats"),
        h("button", { type: "submit" }, "Select this range"), labelled("log scale", logarithmic)));

      let written = "";
      return () => {
        const v = view();
        const [from, to] = v.range ?? [v.edges[0], v.edges.at(-1)];
        if (written !== `${from} ${to}`) { // else a person may be typing there
          written = `${from} ${to}`;
          low.value = (Math.floor(1000 * from) / 1000).toFixed(3); // rounded outwards, so that the ends stay inside
          high.value = (Math.ceil(1000 * to) / 1000).toFixed(3);
        }
        logarithmic.checked = v.logarithmic;
        chart.update();
      };
    });
  },
};
