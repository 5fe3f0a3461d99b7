// Panel: the score against the number of splits, in file order or shuffled.

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, number, count, plot, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");

    panel({ model, el, signal }, "Protocol: the same images, cut into more splits", (section) => {
      const chart = plot(section, {
        signal,
        label: () => {
          const v = view();
          return `Score against the number of splits, ${v.order}. ${v.splits} splits: ${number(v.mean, 3)}, spread ${number(v.std, 3)}. Whole set: ${number(v.overall, 3)}.`;
        },
        rows: () => {
          const v = view();
          return { columns: ["splits", "mean score", "± across splits"], rows: v.counts.map((s, i) => [s, number(v.means[i], 3), number(v.stds[i], 3)]) };
        },
        draw: (c) => {
          const v = view();
          const band = (sign) => v.means.map((mean, i) => Math.max(1, mean + sign * v.stds[i])); // no score is below 1
          return {
            traces: [
              { type: "scatter", mode: "lines", x: v.counts, y: band(-1), line: { width: 0 }, hoverinfo: "skip" },
              { type: "scatter", mode: "lines", x: v.counts, y: band(1), line: { width: 0 }, fill: "tonexty", fillcolor: "rgba(128,128,128,0.25)", hoverinfo: "skip" },
              {
                type: "scatter", mode: "lines", x: v.counts, y: v.means, customdata: v.stds, line: { color: c.text, width: 2 },
                hovertemplate: "%{x} splits: %{y:.3f} ± %{customdata:.3f}<extra></extra>",
              },
              {
                type: "scatter", mode: "markers", x: [v.splits], y: [v.mean], marker: { size: 10, color: c.surface, line: { color: c.text, width: 2.5 } },
                error_y: { type: "data", array: [v.std], color: c.text, thickness: 1.5, width: 4 }, hoverinfo: "skip",
              },
            ],
            layout: {
              xaxis: { title: { text: "number of splits" }, range: [0, v.counts.at(-1) + 1] },
              yaxis: { title: { text: "Inception Score" } },
              shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: v.overall, y1: v.overall, line: { color: c.text, width: 1, dash: "dot" } }],
              annotations: [{ xref: "paper", x: 1, xanchor: "right", y: v.overall, yanchor: "bottom", showarrow: false, text: `whole set ${number(v.overall)}` }],
            },
          };
        },
        on: { click: (event) => slide(event.points[0].x) },
      });

      // A trait, not a message: the widget manager sends only the latest while the kernel is busy.
      const slide = (splits) => { model.set("splits", Math.round(splits)); model.save_changes(); };
      const readout = h("output", { class: "ix-readout" });
      const slider = h("input", { type: "range", min: "1", step: "1", oninput: () => { readout.textContent = slider.value; slide(Number(slider.value)); } });
      const seed = h("input", { type: "number", min: "0", max: "4294967295", step: "1", required: true, value: "2020", class: "ix-number" });
      const shuffle = () => model.send({ kind: "shuffle", seed: Number(seed.value) });
      const fileOrder = h("button", { type: "button", onclick: () => model.send({ kind: "shuffle", seed: null }) }, "File order");
      const note = h("p", { class: "ix-note" });
      let shuffledWith = null;
      section.append(
        h("div", { class: "ix-controls" }, labelled("splits", slider), readout),
        h("form", { class: "ix-controls", onsubmit: (event) => { event.preventDefault(); shuffle(); } },
          h("button", { type: "submit" }, "⟳ Shuffle"), labelled("with seed", seed), fileOrder),
        note);

      return () => {
        const v = view();
        slider.max = String(v.counts.at(-1));
        if (document.activeElement !== slider || Number(slider.value) === v.splits) {
          slider.value = String(v.splits);
          readout.textContent = String(v.splits);
        }
        if (v.seed !== shuffledWith && v.seed != null) seed.value = String(v.seed); // else a person may be typing there
        shuffledWith = v.seed;
        fileOrder.disabled = v.fileOrder;
        const of = `${count(v.splits)} ${v.splits === 1 ? "split" : "splits"} of ${v.perSplit} ${v.perSplit === "1" ? "image" : "images"}`;
        note.textContent = v.splits === 1
          ? `${of}: ${number(v.mean)}. The order does not matter.`
          : `${of} in ${v.order}: ${number(v.mean)} ± ${number(v.std)}. ± is the spread across splits, not a standard error.`;
        chart.update();
      };
    });
  },
};
