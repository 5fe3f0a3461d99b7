// Panel: the histogram of the images' conditional entropies.

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, number, count, plot, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");

    panel({ model, el, signal }, "Doubt: how unsure each row is, H(p(y|x))", (section) => {
      const range = (v, i) => `${number(v.edges[i], 3)} to ${number(v.edges[i + 1], 3)} nats`;
      const chart = plot(section, {
        patient: true,
        signal,
        label: () => {
          const v = view();
          const mean = v.mean == null ? "" : ` Mean ${number(v.mean, 3)}.`;
          return `Histogram of the conditional entropies of ${count(v.n)} images, from 0 to ln C = ${number(v.most, 3)} nats.${mean}`;
        },
        rows: () => {
          const v = view();
          return {
            columns: ["from (nats)", "to (nats)", "images"],
            rows: v.counts.map((n, i) => [number(v.edges[i], 3), number(v.edges[i + 1], 3), count(n)]),
          };
        },
        draw: (c) => {
          const v = view();
          const filled = [...v.counts.keys()].filter((i) => v.counts[i]);
          const bars = {
            type: "bar", x: filled.map((i) => (v.edges[i] + v.edges[i + 1]) / 2), y: filled.map((i) => v.counts[i]), width: v.edges[1] - v.edges[0],
            marker: { color: c.doubt, line: { width: 0 } },
            customdata: filled.map((i) => range(v, i)), hovertemplate: "%{y:,} images<br>H %{customdata}<extra></extra>",
          };
          const mean = v.mean == null ? {} : {
            shapes: [{ type: "line", x0: v.mean, x1: v.mean, y0: 0, y1: 1, yref: "paper", line: { color: c.text, width: 1.5, dash: "dot" } }],
            annotations: [{ x: v.mean, y: 1, yref: "paper", yanchor: "bottom", xanchor: v.mean < v.most / 2 ? "left" : "right", showarrow: false, text: `mean ${number(v.mean)}` }],
          };
          return {
            traces: [bars],
            layout: {
              margin: { l: 46, r: 8, t: 18, b: 34 }, // the mean is written above
              bargap: 0, hovermode: "x",
              xaxis: { title: { text: "H(p(y|x)), nats an image; at most ln C" }, range: [0, v.most] },
              yaxis: { title: { text: "images" }, type: logarithmic.checked ? "log" : "linear", rangemode: "tozero" },
              ...mean,
            },
          };
        },
      });
      const logarithmic = h("input", { type: "checkbox", onchange: () => chart.update() });
      section.append(h("div", { class: "ix-controls" }, labelled("log scale", logarithmic)));
      return () => chart.update();
    });
  },
};
