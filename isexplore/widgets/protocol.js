// Panel: the score against the number of splits, the rules for them, and the order of the images.

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, count, plot, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const images = (text) => `${text} ${text === "1" ? "image" : "images"}`;

    panel({ model, el, signal }, "Protocol: the same images, cut into more splits", (section) => {
      const chart = plot(section, {
        signal,
        label: () => {
          const v = view();
          return `Score against the number of splits, ${v.order}. ${v.splits} splits: ${number(v.mean, 3)}, spread ${number(v.std, 3)}. Whole set: ${number(v.overall, 3)}.`;
        },
        rows: () => {
          const v = view();
          const before = v.fileMeans ? ["mean in file order"] : [];
          return {
            columns: ["splits", "mean score", "± across splits", ...before],
            rows: v.counts.map((s, i) => [s, number(v.means[i], 3), number(v.stds[i], 3), ...(v.fileMeans ? [number(v.fileMeans[i], 3)] : [])]),
          };
        },
        draw: (c) => {
          const v = view();
          const band = (sign) => v.means.map((mean, i) => Math.max(1, mean + sign * v.stds[i])); // no score is below 1
          const before = { type: "scatter", mode: "lines", x: v.counts, y: v.fileMeans, line: { color: c.reference, width: 1.5, dash: "dash" }, hovertemplate: "in file order: %{y:.3f}<extra></extra>" };
          return {
            traces: [
              { type: "scatter", mode: "lines", x: v.counts, y: band(-1), line: { width: 0 }, hoverinfo: "skip" },
              { type: "scatter", mode: "lines", x: v.counts, y: band(1), line: { width: 0 }, fill: "tonexty", fillcolor: "rgba(128,128,128,0.25)", hoverinfo: "skip" },
              ...(v.fileMeans ? [before] : []),
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
              xaxis: { title: { text: "number of splits" }, range: [0, v.counts.at(-1) * 1.02 + 0.5] },
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
      const shuffler = h("button", { type: "submit" }, "⟳ Shuffle");
      const fileOrder = h("button", { type: "button", onclick: () => model.send({ kind: "shuffle", seed: null }) }, "File order");
      const busy = h("span", { class: "ix-unit", role: "status" });
      const rule = h("select", { onchange: () => model.send({ kind: "rule", value: rule.value }) });
      const spread = h("select", { onchange: () => model.send({ kind: "spread", value: spread.value }) });
      const result = h("p", { class: "ix-printed", "aria-live": "polite" });
      const loss = h("table", { class: "ix-factors", "aria-label": "Why the mean of the splits differs from the whole set" });
      const order = h("p", { class: "ix-note ix-order", role: "status" });
      let shuffledWith = null;
      section.append(
        h("div", { class: "ix-controls" }, labelled("splits", slider), readout),
        h("form", { class: "ix-controls", onsubmit: (event) => { event.preventDefault(); shuffle(); } },
          shuffler, labelled("with seed", seed), fileOrder, busy),
        order,
        h("div", { class: "ix-controls" }, labelled("cut by", rule), labelled("± is", spread)),
        result, loss);

      const showBusy = () => { busy.textContent = model.get("busy"); shuffler.disabled = Boolean(model.get("busy")); };
      model.on("change:busy", showBusy);
      signal.addEventListener("abort", () => model.off("change:busy", showBusy));
      showBusy();

      return () => {
        const v = view();
        slider.max = String(v.counts.at(-1));
        if (document.activeElement !== slider || Number(slider.value) === v.splits) {
          slider.value = String(v.splits);
          readout.textContent = String(v.splits);
        }
        if (v.seed !== shuffledWith && v.seed != null) seed.value = String(v.seed); // else a person may be typing there
        shuffledWith = v.seed;
        fileOrder.disabled = v.seed == null;
        fillSelect(rule, v.rules, v.rule);
        rule.title = v.ruleUser;
        fillSelect(spread, [["population", "population, ÷ S"], ["sample", "sample, ÷ (S − 1)"]], v.ofASample ? "sample" : "population");

        const p = v.printed;
        const left = p.leftOut ? `, ${images(count(p.leftOut))} left out` : "";
        result.replaceChildren(
          `${count(p.splits)} ${p.splits === 1 ? "split" : "splits"} of ${images(p.sizes)}${left}, ${v.order}: `,
          h("strong", {}, p.std == null ? `${number(p.mean)} ± nan` : `${number(p.mean)} ± ${number(p.std)}`),
          v.seed == null ? "" : `; in file order (dashed) it was ${number(v.before)}`,
          ". ± is the spread across splits, not a standard error.");
        const l = v.loss;
        const factors = [
          [number(l.overall), "the whole set"],
          [`× ${number(l.divergence_factor, 4)}`, `each split has a p(y) of its own: JSD ${number(l.jsd, 4)} nats${v.expects ? `, in random order about ${number(l.expected_jsd, 4)}` : ""}`],
          [`× ${number(l.mean_ratio, 4)}`, "the mean of the scores, not of their logarithms"],
          [`= ${number(l.mean)}`, `the mean of ${count(v.splits)} ${v.splits === 1 ? "split" : "splits"}${v.rule === "floor" ? "" : ", cut by i·N // S"}`],
        ];
        loss.replaceChildren(...factors.map(([value, meaning]) => h("tr", {}, h("td", {}, value), h("td", {}, meaning))));
        order.classList.toggle("ix-alarm", v.alarm);
        order.textContent = v.alarm ? `⚠ ${v.test} Shuffle them.` : v.test;
        shuffler.classList.toggle("ix-main", v.alarm);
        chart.update();
      };
    });
  },
};
