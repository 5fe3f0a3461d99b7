// Panel: noise that climbs the score, live: the curve, the images, and what the network calls them.

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, number, count, plot, twin, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const send = (kind, value) => model.send({ kind, value });
    const percent = (p) => (p > 0.9995 ? ">99.9" : number(100 * p, 1));

    panel({ model, el, signal }, "Attack: noise that climbs the score of the digits' network", (section) => {
      const changed = () => {
        const values = Object.fromEntries(fields.map(([name, field]) => [name, Number(field.value)]));
        model.set("asked", { serial: model.get("asked").serial + 1, values });
        model.save_changes();
      };
      const fields = view().rows.map((row) => [row.name, h("input", { type: "number", class: "ix-number", min: row.low, max: row.high, step: row.step, title: `${row.low} to ${row.high} ${row.unit}`, onchange: changed })]);
      const start = h("button", { type: "button", class: "ix-main", onclick: () => send(view().running ? "stop" : "start") });
      const reset = h("button", { type: "button", onclick: () => send("reset") }, "Back to noise");
      const text = h("input", { type: "text", class: "ix-path", spellcheck: "false", autocomplete: "off", onchange: () => send("open", text.value) });
      const progress = h("progress", { max: "1", "aria-label": "steps made" });
      const status = h("span", { class: "ix-unit", role: "status" }); // not at each step: only what starts and ends
      const score = h("p", { class: "ix-score" });
      const parts = h("p", { class: "ix-note" });
      const distance = h("p", { class: "ix-note" });
      const problem = h("p", { class: "ix-error", role: "alert" });
      const left = h("div", {}, score, parts);
      const tiles = h("div", { class: "ix-attack-tiles", role: "img" });
      const table = twin("What the network calls each image");
      section.append(
        h("p", { class: "ix-attack-lesson" }, view().lesson, " ", h("span", { class: "ix-unit" }, view().source)),
        h("div", { class: "ix-controls" }, ...view().rows.map((row, i) => labelled(row.title, fields[i][1])), labelled("as text", text)),
        h("div", { class: "ix-controls" }, start, reset, progress, status), problem,
        h("div", { class: "ix-attack" }, left, h("div", {}, tiles, distance, table.element)));

      const chart = plot(left, {
        signal,
        label: () => {
          const v = view();
          return v.seen ? `Inception Score against the steps. After step ${v.seen.step}: ${number(v.seen.score)}; it was ${number(v.scores[0])} for noise.` : "Inception Score against the steps, still empty";
        },
        rows: () => ({ columns: ["step", "Inception Score"], rows: view().steps.map((step, i) => [step, number(view().scores[i], 3)]) }),
        draw: (c) => {
          const v = view();
          return {
            traces: [
              { type: "scatter", mode: "lines", x: v.steps, y: v.scores, line: { color: c.text, width: 2 }, hovertemplate: "step %{x}: %{y:.2f}<extra></extra>" },
              { type: "scatter", mode: "markers", x: v.steps.slice(-1), y: v.scores.slice(-1), marker: { size: 10, color: c.surface, line: { color: c.text, width: 2.5 } }, hoverinfo: "skip" },
            ],
            layout: {
              xaxis: { title: { text: "steps of gradient ascent" }, range: [-1, v.all + 1] },
              yaxis: { title: { text: "Inception Score" }, range: [1, 11.4] },
              shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: 10, y1: 10, line: { color: c.text, width: 1, dash: "dot" } }],
              annotations: [{ xref: "paper", x: 0, xanchor: "left", y: 10, yanchor: "bottom", showarrow: false, text: "10: perfect, by the score" }],
            },
          };
        },
      });

      // One picture for all images; each tile shows its part of it.
      let source = null;
      let address = "";
      const forget = () => { if (address) URL.revokeObjectURL(address); address = ""; };
      signal.addEventListener("abort", forget);
      function showTiles(seen) {
        if (!seen) { tiles.replaceChildren(); return; }
        const data = model.get("sprite");
        if (data !== source) {
          forget();
          source = data;
          address = URL.createObjectURL(new Blob([data], { type: "image/png" }));
        }
        const lines = Math.ceil(seen.calls.length / seen.columns);
        while (tiles.children.length > seen.calls.length) tiles.lastChild.remove();
        while (tiles.children.length < seen.calls.length) tiles.append(h("figure", {}, h("span", { class: "ix-attack-tile" }), h("figcaption")));
        seen.calls.forEach(([digit, p], i) => {
          const [tile, caption] = tiles.children[i].children;
          tiles.children[i].title = `image ${i}: the network calls this ${digit}, ${percent(p)} %`;
          Object.assign(tile.style, {
            backgroundImage: `url(${address})`, backgroundSize: `${100 * seen.columns}% ${100 * lines}%`,
            backgroundPosition: `${(100 * (i % seen.columns)) / (seen.columns - 1)}% ${(100 * Math.floor(i / seen.columns)) / Math.max(1, lines - 1)}%`,
          });
          caption.replaceChildren(h("strong", {}, String(digit)), ` ${percent(p)} %`);
        });
        const [digit, p] = seen.calls[0];
        tiles.setAttribute("aria-label", `The first ${seen.calls.length} images. The network calls the first one ${digit}, ${percent(p)} percent.`);
      }

      return () => {
        const v = view();
        start.textContent = v.running ? "■ Stop" : v.done ? "▶ Climb again" : v.begun ? "▶ Go on" : "▶ Climb";
        reset.disabled = !v.begun;
        progress.value = v.seen ? v.seen.step / v.all : 0;
        const words = v.running ? "climbing …" : v.done ? `all ${v.all} steps made` : v.begun ? "stopped" : "noise";
        if (status.textContent !== words) status.textContent = words;
        problem.textContent = v.problem;
        problem.hidden = !v.problem;
        if (v.seen) {
          score.replaceChildren("IS ", h("strong", {}, number(v.seen.score)), ` of ${count(v.seen.n)} images after ${v.seen.step} of ${v.all} steps`);
          parts.textContent = `variety H(y) ${number(v.seen.variety)} nats of 2.30, doubt H(y|x) ${number(v.seen.doubt)}; the images as whole gray levels, classified as any others, as one split`;
          distance.textContent = `The nearest real digit is ${number(v.seen.distance, 0)} gray levels away from one of these (root mean square over the pixels, on average); from a real digit it is ${number(v.seen.apart, 0)}.`;
        } else {
          score.textContent = "making noise …";
          parts.textContent = distance.textContent = "";
        }
        showTiles(v.seen);
        table.update(() => ({ columns: ["image", "the network calls this", "%"], rows: (v.seen?.calls ?? []).map(([digit, p], i) => [i, digit, percent(p)]) }));
        chart.update();
        if (v.serial !== model.get("asked").serial) return;
        v.rows.forEach((row, i) => { if (document.activeElement !== fields[i][1]) fields[i][1].value = String(row.value); });
        if (document.activeElement !== text) text.value = v.text;
      };
    });
  },
};
