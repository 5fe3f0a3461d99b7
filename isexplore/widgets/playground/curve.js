// Panel: the score against the moved parameter, as computed and by the formula; a click moves the parameter there.

/** The round numbers on a logarithmic axis: 1, 2, 5, 10, …, or only the powers of ten on a long one. */
function round(low, high) {
  const steps = high / low > 1000 ? [1] : [1, 2, 5];
  return [...Array(13).keys()].flatMap((i) => steps.map((step) => step * 10 ** (i - 4))).filter((x) => x >= low && x <= high);
}

/** A circle as a path: Plotly's own one, sized in pixels, is cut in half on a logarithmic axis. */
function circle(r) {
  const k = 0.5523 * r; // four of these curves are a circle
  return `M${r},0C${r},${k} ${k},${r} 0,${r}C${-k},${r} ${-r},${k} ${-r},0C${-r},${-k} ${-k},${-r} 0,${-r}C${k},${-r} ${r},${-k} ${r},0Z`;
}

const HALO = "rgba(128, 128, 128, 0.45)"; // the formula's answer lies under what was computed

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, plain, plot, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const send = (kind, value) => model.send({ kind, value });
    const figure = (value) => (value == null ? "–" : number(value, 3));
    const name = () => { const v = view(); return v.unit && v.unit !== v.title ? `${v.title} (${v.unit})` : v.title; };

    panel({ model, el, signal }, "Curve: what the moved parameter does to the score", (section) => {
      const chart = plot(section, {
        signal,
        label: () => {
          const v = view();
          if (v.hidden) return "The curve is hidden until you have guessed.";
          const ends = v.scores.length ? ` It goes from ${figure(v.scores[0])} to ${figure(v.scores.at(-1))}.` : "";
          return `Inception Score against ${name()}.${ends} At ${v.at} it is ${figure(v.now.score)}, and ${v.answered ? `${figure(v.now.exact)} ${v.answered}` : "no formula is known here"}.`;
        },
        rows: () => {
          const v = view();
          return {
            columns: [name(), "computed", "exact", "variety (nats)", "doubt (nats)"],
            rows: v.values.map((x, i) => [x, figure(v.scores[i]), figure(v.exact[i]), figure(v.varieties[i]), figure(v.doubts[i])]),
          };
        },
        draw: (c) => {
          const v = view();
          const opacity = v.stale ? 0.3 : 1;
          const words = v.lines === "score" ? "computed %{customdata[0]:.4g}<br>exact %{customdata[1]}" : "variety %{customdata[2]:.4g}<br>doubt %{customdata[3]:.4g} nats";
          const hover = {
            customdata: v.values.map((_, i) => [v.scores[i], v.exact[i] == null ? "not known" : v.exact[i].toPrecision(4), v.varieties[i], v.doubts[i]]),
            hovertemplate: `%{x:,} ${plain(v.unit, 40)}<br>${words}<extra></extra>`,
          };
          const line = (y, look) => ({ type: "scatter", mode: "lines", x: v.values, y, opacity, line: look, hoverinfo: "skip" });
          // A shape, which moves while the curve stays.
          const point = (y, size, color, fill) => ({
            type: "path", path: circle(size / 2), xsizemode: "pixel", ysizemode: "pixel", xanchor: v.at, yanchor: y,
            fillcolor: fill, line: { color, width: 2.5 },
          });
          const score = v.lines === "score";
          let traces = [];
          let points = [];
          if (!v.hidden && score) {
            traces = [line(v.exact, { color: HALO, width: 7 }), { ...line(v.scores, { color: c.text, width: 2 }), ...hover }];
            points = [...(v.now.exact == null ? [] : [point(v.now.exact, 17, HALO, HALO)]), point(v.now.score, 10, c.text, c.surface)];
          } else if (!v.hidden) {
            traces = [{ ...line(v.varieties, { color: c.variety, width: 2.5 }), ...hover }, line(v.doubts, { color: c.doubt, width: 2.5, dash: "dash" })];
            points = [point(v.now.variety, 10, c.variety, c.surface), point(v.now.doubt, 10, c.doubt, c.surface)];
          }
          const ys = [...traces.flatMap((trace) => trace.y), ...points.map((one) => one.yanchor)].filter((y) => y != null);
          const bottom = score ? 1 : 0; // no score is below 1
          const top = Math.max(...ys, bottom + 1);
          const [low, high] = v.logarithmic ? [Math.log10(v.low), Math.log10(v.high)] : [v.low, v.high];
          const ticks = round(v.low, v.high);
          const middle = { xref: "paper", x: 0.5, yref: "paper", y: 0.5, showarrow: false, bgcolor: c.surface, text: "hidden until you have guessed" };
          return {
            traces,
            layout: {
              hovermode: "x", hoverdistance: -1, // anywhere over the plot is near some point
              xaxis: {
                title: { text: plain(name(), 80) }, type: v.logarithmic ? "log" : "linear", range: [low - 0.03 * (high - low), high + 0.03 * (high - low)],
                ...(v.logarithmic ? { tickangle: 0, tickvals: ticks, ticktext: ticks.map((tick) => tick.toLocaleString("en")) } : {}),
              },
              yaxis: {
                title: { text: score ? "Inception Score" : "nats" }, range: [bottom - 0.08 * (top - bottom), top + 0.08 * (top - bottom)], showticklabels: !v.hidden,
              },
              shapes: [{ type: "line", x0: v.at, x1: v.at, y0: 0, y1: 1, yref: "paper", line: { color: c.text, width: 1, dash: "dot" } }, ...points],
              annotations: v.hidden ? [middle] : [],
            },
          };
        },
        on: { click: (event) => send("move", event.points[0].x) },
      });

      const lines = h("select", { onchange: () => send("lines", lines.value) });
      const busy = h("span", { class: "ix-unit", role: "status" });
      const legend = h("p", { class: "ix-note" });
      section.append(h("div", { class: "ix-controls" }, labelled("show", lines), busy), legend);
      const key = (kind, text) => [h("span", { class: `ix-key ix-key-${kind}` }), ` ${text}`];

      return () => {
        const v = view();
        fillSelect(lines, v.allLines, v.lines);
        busy.textContent = v.stale && !v.hidden ? "computing …" : "";
        if (v.hidden) legend.textContent = "";
        else if (v.lines === "score") {
          legend.replaceChildren(
            ...key("computed", `computed, ${v.computed}: ${figure(v.now.score)}; `),
            ...(v.answered ? key("exact", `${v.answered}: ${figure(v.now.exact)}. `) : ["no formula is known here. "]), "Click to move there.");
        } else {
          legend.replaceChildren(
            ...key("variety", `variety H(p(y)): ${figure(v.now.variety)}; `), ...key("doubt", `doubt, the mean H(p(y|x)): ${figure(v.now.doubt)} nats. `),
            "The gap between them is ln IS of all images as one split.");
        }
        chart.update();
      };
    });
  },
};
