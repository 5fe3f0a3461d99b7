// Panel: the marginal class histogram against a reference; clicking a bar selects that class's images.

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, count, plain, plot, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const send = (kind, value) => model.send({ kind, value });

    // A second click on the chosen class lets it go.
    const choose = (number) => { if (number === view().chosen) send("clear"); else send("class", number); };

    panel({ model, el, signal }, "Variety: how often is each class drawn, p(y)", (section) => {
      const chart = plot(section, {
        signal,
        label: () => {
          const v = view();
          return `Bar chart of p(y) for ${v.names.length} of ${count(v.classes)} classes, against ${v.reference}. It is as even as ${number(v.effective, 1)} classes used equally.`;
        },
        rows: () => {
          const v = view();
          return {
            columns: ["class", "p(y)", "of which selected", v.reference, "images that look most like it"],
            rows: v.names.map((name, i) => [name, number(v.share[i], 4), v.selected ? number(v.selected[i], 4) : "–", number(v.expected[i], 4), count(v.images[i])]),
          };
        },
        draw: (c) => {
          const v = view();
          const x = v.names.map((_, i) => i);
          const bars = (y, opacity, hover) => ({ type: "bar", x, y, marker: { color: c.variety, opacity, line: { width: 0 } }, ...hover });
          const hover = {
            customdata: v.names.map((name, i) => [plain(name, 60), v.share[i], v.selected ? v.selected[i] : v.share[i], v.expected[i], v.images[i]]),
            hovertemplate: `%{customdata[0]}<br>p(y) %{customdata[1]:.4f}${v.selected ? ", of which selected %{customdata[2]:.4f}" : ""}`
              + "<br>expected %{customdata[3]:.4f}<br>%{customdata[4]:,} images<extra></extra>",
          };
          const traces = v.selected ? [bars(v.share, 0.3, hover), bars(v.selected, 1, { hoverinfo: "skip" })] : [bars(v.share, 1, hover)];
          const width = Math.max(6, Math.min(26, (0.8 * chart.chart.clientWidth) / x.length));
          // A gray line in a halo is seen on a bar as well as beside it.
          for (const [thick, color] of [[5, c.surface], [2.5, c.reference]]) {
            traces.push({ type: "scatter", mode: "markers", x, y: v.expected, hoverinfo: "skip", marker: { symbol: "line-ew", size: width, line: { color, width: thick } } });
          }
          return {
            traces,
            layout: {
              barmode: "overlay", bargap: 0.2, hovermode: "x", hoverdistance: -1, // the whole column counts, however small its bar
              xaxis: {
                title: { text: `class (${v.sortedBy})` }, range: [-0.6, x.length - 0.4], showgrid: false,
                tickvals: x, ticktext: v.names.map((name) => plain(name, 16)), tickangle: 7 * v.names.reduce((sum, name) => sum + Math.min(name.length, 16) + 1, 0) > chart.chart.clientWidth - 60 ? -60 : 0,
              },
              yaxis: { title: { text: "p(y)" }, rangemode: "tozero", range: [0, v.top] },
            },
          };
        },
        on: { click: (event) => choose(view().numbers[event.points[0].x]) },
      });

      const sort = h("select", { onchange: () => send("sort", sort.value) });
      const reference = h("select", { onchange: () => send("reference", reference.value) });
      const chosen = h("select", { onchange: () => { if (chosen.value !== "") send("class", Number(chosen.value)); } });
      const back = h("button", { type: "button", onclick: () => send("page", view().page - 1) }, "‹ earlier");
      const next = h("button", { type: "button", onclick: () => send("page", view().page + 1) }, "later ›");
      const where = h("span", { class: "ix-unit" });
      const pager = h("span", { class: "ix-control" }, back, where, next);
      const note = h("p", { class: "ix-note" });
      section.append(
        h("div", { class: "ix-controls" }, labelled("sort by", sort), labelled("against", reference), labelled("select images of", chosen), pager), note);

      return () => {
        const v = view();
        fillSelect(sort, v.sorts, v.sort);
        fillSelect(reference, v.references, v.referenceKey);
        fillSelect(chosen, [["", "…"], ...v.allNames.map((name, i) => [String(i), name])], v.chosen == null ? "" : String(v.chosen));
        pager.hidden = v.pages < 2;
        back.disabled = v.page === 0;
        next.disabled = v.page === v.pages - 1;
        where.textContent = `classes ${count(v.first + 1)}–${count(v.first + v.names.length)} of ${count(v.classes)}`;
        note.replaceChildren(
          `As even as ${number(v.effective, 1)} of ${count(v.classes)} classes used equally; ${number(v.corrected, 1)} with the bias of ${count(v.n)} ${v.n === 1 ? "image" : "images"} taken out. `, h("span", { class: "ix-key" }), ` gray line: ${v.reference}`);
        chart.update();
      };
    });
  },
};
