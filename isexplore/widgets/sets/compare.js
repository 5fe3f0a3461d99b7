// Panel: two sets, A and B: their scores on one axis, the test of the difference, and the classes that differ most.

const ROW = 18; // pixels of a class

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, count, plain, plot, panel } = (await host.getWidget(model.get("runtime"))).exports;
    let last = null; // the last comparison there was: it stays, dim, while the next one is computed
    const view = () => last;
    const ready = () => last != null;
    const send = (kind, value) => model.send({ kind, value });
    const choose = (chosen) => send("class", chosen === view().chosen ? null : chosen); // a second click lets it go
    const signed = (value, digits) => (value >= 0 ? "+" : "−") + number(Math.abs(value), digits);
    // A is hollow and gray, B is filled: never by colour alone.
    const marks = (c, filled) => [
      { symbol: "circle-open", color: c.reference, size: 9, line: { width: 2.5, color: c.reference } },
      { symbol: "circle", color: filled, size: 9, line: { width: 0 } },
    ];

    panel({ model, el, signal }, "A and B: two sets compared", (section) => {
      const other = h("select", { onchange: () => { if (other.value !== "") send("other", Number(other.value)); } });
      const current = h("span", { class: "ix-b-name" });
      const sentence = h("p", { class: "ix-difference", "aria-live": "polite" });
      const body = h("div", {});
      section.append(h("div", { class: "ix-controls" }, labelled("A", other), current), sentence, body);
      const scoresBox = h("div", { class: "ix-scores" });
      const classesBox = h("div", { class: "ix-classes" });
      const scoresNote = h("p", { class: "ix-note" });
      const classesNote = h("p", { class: "ix-note" });
      const notes = h("p", { class: "ix-note" });
      body.append(scoresBox, scoresNote);

      const words = (side, name) => `${name}: corrected ${number(side.corrected)} (95 % ${number(side.low)}–${number(side.high)}), `
        + `${number(side.mean)} ± ${number(side.std)} over ${view().splits} splits of ${view().splitSizes}`;
      const scores = plot(scoresBox, {
        signal,
        label: () => {
          const v = view();
          return ready() ? `Scores of A and B on one axis. ${v.scores.map((side, i) => words(side, v.names[i])).join(". ")}.` : "";
        },
        rows: () => {
          const v = view();
          const line = (title, read) => [title, ...v.scores.map(read)];
          return !ready() ? { columns: [], rows: [] } : {
            columns: ["", `A: ${v.names[0]}`, `B: ${v.names[1]}`],
            rows: [
              line("images", (side) => count(side.images)), line("corrected score, all images", (side) => number(side.corrected, 3)),
              line("95 % interval", (side) => `${number(side.low, 3)}–${number(side.high, 3)}`),
              line("images by the same protocol", (side) => count(side.taken)),
              line(`mean over ${v.splits} splits of ${v.splitSizes}`, (side) => number(side.mean, 3)),
              line("± across splits (no standard error)", (side) => number(side.std, 3)), line("as one split", (side) => number(side.whole, 3)),
            ],
          };
        },
        draw: (c) => {
          const v = view();
          if (!ready()) return { traces: [], layout: {} };
          const traces = v.scores.flatMap((side, i) => {
            const customdata = [[plain(v.names[i], 40)]]; // not in the template itself: a name may read as a part of one
            const bar = (y, low, high, width, color) => ({ type: "scatter", mode: "lines", x: [low, high], y: [y, y], line: { color, width }, hoverinfo: "skip" });
            const color = [c.reference, c.text][i];
            return [
              bar(i - 0.17, side.low, side.high, 5, color),
              { type: "scatter", mode: "markers", x: [side.corrected], y: [i - 0.17], marker: { ...marks(c, c.text)[i], size: 12 }, cliponaxis: false, customdata,
                hovertemplate: `%{customdata[0]}<br>corrected ${number(side.corrected, 3)}<br>95 % ${number(side.low, 3)}–${number(side.high, 3)}<extra></extra>` },
              bar(i + 0.2, side.mean - side.std, side.mean + side.std, 1.5, c.faint),
              { type: "scatter", mode: "markers", x: [side.mean], y: [i + 0.2], marker: { symbol: i ? "diamond" : "diamond-open", size: 8, color: c.faint }, cliponaxis: false, customdata,
                hovertemplate: `%{customdata[0]}<br>${number(side.mean, 3)} ± ${number(side.std, 3)} over ${v.splits} splits of ${v.splitSizes}<extra></extra>` },
            ];
          });
          const ends = v.scores.flatMap((side) => [side.low, side.high, side.mean - side.std, side.mean + side.std]);
          const room = 0.03 * (Math.max(...ends) - Math.min(...ends)) + 0.01;
          return {
            traces,
            layout: {
              height: 120,
              xaxis: { title: { text: "Inception Score" }, range: [Math.min(...ends) - room, Math.max(...ends) + room], zeroline: false },
              yaxis: { range: [1.55, -0.55], tickvals: [0, 1], ticktext: v.scores.map((side, i) => `${"AB"[i]}: ${number(side.corrected)}`), showgrid: false, zeroline: false },
            },
          };
        },
      });

      const sort = h("select", { onchange: () => send("sort", sort.value) });
      const chosen = h("select", { onchange: () => send("class", chosen.value === "" ? null : Number(chosen.value)) });
      const back = h("button", { type: "button", onclick: () => send("page", view().page - 1) }, "‹ earlier");
      const next = h("button", { type: "button", onclick: () => send("page", view().page + 1) }, "later ›");
      const where = h("span", { class: "ix-unit" });
      const pager = h("span", { class: "ix-control" }, back, where, next);
      body.append(h("div", { class: "ix-controls" }, labelled("sort by", sort), labelled("class", chosen), pager), classesBox, classesNote, notes);

      const classes = plot(classesBox, {
        signal,
        label: () => {
          const v = view();
          if (!ready()) return "";
          const most = v.classes.slice(0, 3).map((name, i) => `${name} from ${number(v.shares[0][i], 3)} to ${number(v.shares[1][i], 3)}`);
          return `p(y) of A and B, and the change of ln IS, for ${v.classes.length} of ${count(v.count)} classes. First: ${most.join("; ")}.`;
        },
        rows: () => {
          const v = view();
          return !ready() ? { columns: [], rows: [] } : {
            columns: ["class", "p(y) of A", "p(y) of B", "of which selected", "difference", "of ln IS, A", "of ln IS, B", "change, nats"],
            rows: v.classes.map((name, i) => [name, ...v.shares.map((share) => number(share[i], 4)), v.selected ? number(v.selected[i], 4) : "–", signed(v.shares[1][i] - v.shares[0][i], 4),
              ...v.contributions.map((one) => number(one[i], 4)), signed(v.changes[i], 4)]),
          };
        },
        draw: (c) => {
          const v = view();
          if (!ready()) return { traces: [], layout: {} };
          const y = v.classes.map((_, i) => i);
          const most = classes.chart.clientWidth > 480 ? 22 : 16;
          const bold = (name, i) => (v.numbers[i] === v.chosen ? `<b>${plain(name, most)}</b>` : plain(name, most));
          const customdata = v.classes.map((name, i) => [plain(name, 60), v.shares[0][i], v.shares[1][i], v.contributions[0][i], v.contributions[1][i], v.changes[i]]);
          const hover = { customdata, hovertemplate: "%{customdata[0]}<br>p(y): A %{customdata[1]:.4f}, B %{customdata[2]:.4f}"
            + "<br>of ln IS: A %{customdata[3]:.4f}, B %{customdata[4]:.4f}, change %{customdata[5]:+.4f}<extra></extra>" };
          const line = { type: "scatter", mode: "lines", hoverinfo: "skip", line: { color: c.faint, width: 1.5 },
            x: y.flatMap((i) => [v.shares[0][i], v.shares[1][i], null]), y: y.flatMap((i) => [i, i, null]) };
          const dots = v.shares.map((x, side) => ({ type: "scatter", mode: "markers", x, y, marker: marks(c, c.variety)[side], cliponaxis: false,
            ...(side ? hover : { hoverinfo: "skip" }) }));
          const selected = { type: "scatter", mode: "lines", hoverinfo: "skip", line: { color: c.variety, width: 4 },
            x: (v.selected ?? []).flatMap((share) => [0, share, null]), y: y.flatMap((i) => [i, i, null]) };
          const bars = { type: "bar", orientation: "h", x: v.changes, y, xaxis: "x2", marker: { color: c.faint, line: { width: 0 } }, ...hover };
          const at = v.numbers.indexOf(v.chosen);
          const band = { type: "rect", xref: "paper", x0: 0, x1: 1, y0: at - 0.5, y1: at + 0.5, fillcolor: c.line, opacity: 0.55, line: { width: 0 }, layer: "below" };
          const reach = 1.1 * Math.max(v.reach, 1e-6);
          return {
            traces: [line, ...(v.selected ? [selected] : []), ...dots, bars],
            layout: {
              height: ROW * y.length + 44, hovermode: "y", hoverdistance: -1, bargap: 0.35, shapes: at < 0 ? [] : [band],
              xaxis: { title: { text: "p(y)" }, domain: [0, 0.6], rangemode: "tozero", range: [-0.02 * v.top, 1.06 * v.top], zeroline: false },
              xaxis2: {
                title: { text: "Δ ln IS, nats" }, domain: [0.66, 1], anchor: "y", range: [-reach, reach], nticks: 4,
                color: c.text, gridcolor: c.line, linecolor: c.line, zerolinecolor: c.text, fixedrange: true, automargin: true,
              },
              yaxis: { range: [y.length - 0.5, -0.5], tickvals: y, ticktext: v.classes.map(bold), zeroline: false, showgrid: false },
            },
          };
        },
        on: { click: (event) => choose(view().numbers[event.points[0].y]) },
      });

      return () => {
        const v = model.get("view");
        const key = (kind) => h("span", { class: `ix-dot ix-dot-${kind}` });
        fillSelect(other, v.others, v.other);
        other.disabled = v.others.length < 2 && v.other !== "";
        current.replaceChildren("beside B: ", h("strong", {}, v.names[1]));
        sentence.textContent = v.message || v.sentence;
        if (!v.message) last = v;
        body.hidden = !ready();
        body.inert = Boolean(v.message); // numbers of one set must not be read under the name of another
        if (v.message) return;
        scoresNote.replaceChildren(key("a"), ` A: ${v.names[0]} `, key("b"), ` B: ${v.names[1]} · dot and thick bar: corrected, 95 % interval · `
          + `diamond and thin line: mean ± across ${v.splits} splits of ${v.splitSizes} images, which is no standard error`);
        notes.textContent = v.notes.join(" ");
        fillSelect(sort, v.sorts, v.sort);
        fillSelect(chosen, [["", "none"], ...v.allNames.map((name, i) => [String(i), name])], v.chosen == null ? "" : String(v.chosen));
        pager.hidden = v.pages < 2;
        back.disabled = v.page === 0;
        next.disabled = v.page === v.pages - 1;
        where.textContent = `page ${count(v.page + 1)} of ${count(v.pages)}`;
        classesNote.textContent = `${v.selected ? "Thick line: what the selected images are of B's p(y). " : ""}Click a class to see its images of both sets. The changes of all classes add up to ${signed(v.difference, 3)}, the difference of ln IS (of ${count(v.scores[0].taken)} images each, uncorrected).`;
        classes.chart.style.height = `${ROW * v.classes.length + 44}px`;
        scores.update();
        classes.update();
      };
    });
  },
};
