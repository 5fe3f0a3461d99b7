// Panel: the scores of several sets over the checkpoints, with a scrubber and play through them.

const PAUSE = 300; // milliseconds that play shows each checkpoint, once it is painted
// The rows of the plot, from the top: the axis and its title, and where it stands.
const ROWS = [["y", "IS", [0.77, 1]], ["y2", "nats", [0.5, 0.72]], ["y3", "classes", [0.25, 0.45]], ["y4", "findings", [0, 0.2]]];

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, number, count, plain, plot, panel, goFirst } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const asking = () => view().serial !== model.get("asked").serial; // the latest move is not answered yet
    const figure = (value, digits = 2) => (value == null ? "…" : number(value, digits));

    panel({ model, el, signal }, "Over the checkpoints: score, variety, doubt and findings", (section) => {
      const frame = () => new Promise((done) => requestAnimationFrame(done));
      // The answer is the kernel's last word of a move: the marker and the score are there by then.
      let answered = () => {};
      const ask = (place) => {
        goFirst(new Promise((done) => { answered = done; }).then(frame).then(frame));
        model.set("asked", { serial: model.get("asked").serial + 1, moves: view().moves, number: place });
        model.save_changes();
      };

      // Play takes a step when everything of the last one is there and painted, and a pause later.
      let playing = null; // the number of the set that play last asked for
      let moves = 0; // that others had made then
      let pause = 0;
      const stop = () => { clearTimeout(pause); pause = 0; playing = null; showPlayer(); };
      const play = (place) => {
        pause = 0;
        if (place >= view().names.length || document.hidden || !section.clientWidth) { stop(); return; }
        playing = place;
        ({ moves } = view());
        ask(place);
        showPlayer();
      };
      const follow = async () => {
        const v = view();
        if (playing != null && v.moves !== moves) { stop(); return; } // somebody went elsewhere
        if (playing == null || asking() || pause || v.waiting) return;
        pause = -1;
        await frame();
        await frame();
        if (playing != null && pause === -1) pause = setTimeout(() => play(playing + 1), PAUSE);
      };
      const go = (place) => { stop(); ask(Math.max(0, Math.min(view().names.length - 1, place))); };
      const showPlayer = () => {
        const v = view();
        player.textContent = playing == null ? "▶ Play" : "■ Stop";
        player.disabled = v.names.length < 2;
        back.disabled = v.current === 0;
        next.disabled = v.current === v.names.length - 1;
      };

      const player = h("button", { type: "button", onclick: () => { if (playing != null) stop(); else play(view().current === view().names.length - 1 ? 0 : view().current + 1); } });
      const back = h("button", { type: "button", "aria-label": "the checkpoint before", onclick: () => go(view().current - 1) }, "◀");
      const next = h("button", { type: "button", "aria-label": "the next checkpoint", onclick: () => go(view().current + 1) }, "▶");
      const scrubber = h("input", { type: "range", class: "ix-scrubber", min: 0, step: 1, oninput: () => { go(Number(scrubber.value)); write(Number(scrubber.value)); } });
      const name = h("output", { class: "ix-readout ix-scrubbed" });
      const write = (place) => {
        name.textContent = view().names[place];
        scrubber.setAttribute("aria-valuetext", view().names[place]);
      };
      const verdict = h("p", { class: "ix-verdict", role: "status" });
      const now = h("p", { class: "ix-line ix-now" });
      const busy = h("span", { class: "ix-unit", role: "status" });
      const problems = h("ul", { class: "ix-warnings ix-error", "aria-label": "Sets that could not be read" });
      section.append(h("div", { class: "ix-verdict-line" }, verdict, busy),
        h("div", { class: "ix-controls" }, back, player, next, labelled("checkpoint", scrubber), name), now);

      const known = (v) => v.names.map((_, i) => i).filter((i) => v.score[i] != null);
      const chart = plot(section, {
        signal,
        label: () => {
          const v = view();
          return `Line charts of ${v.names.length} checkpoints: score, variety and doubt, effective classes, findings. Now at ${v.names[v.current]}: corrected score ${figure(v.corrected[v.current])}.`;
        },
        rows: () => {
          const v = view();
          return {
            columns: ["checkpoint", "IS, corrected", "95 %", "IS, whole set", "variety (nats)", "doubt (nats)", "effective classes, corrected", "severe", "warnings"],
            rows: v.names.map((text, i) => [text, figure(v.corrected[i]), v.score[i] == null ? "…" : `${number(v.low[i])}–${number(v.high[i])}`, figure(v.score[i]),
              figure(v.variety[i], 3), figure(v.doubt[i], 3), figure(v.effective_classes[i], 1), v.severe[i] ?? "…", v.warning[i] ?? "…"]),
          };
        },
        draw: (c) => {
          const v = view();
          const bad = getComputedStyle(chart.chart).getPropertyValue("--ix-bad").trim();
          const there = known(v);
          const all = v.names.map((_, i) => i); // a gap where it is not known yet what is wrong
          const line = (yaxis, values, places, words, digits, look) => ({
            type: "scatter", mode: there.length > 40 ? "lines" : "lines+markers", yaxis, x: places.map((i) => v.at[i]), y: places.map((i) => values[i]),
            customdata: places.map((i) => [i, plain(v.names[i], 60)]), hovertemplate: `%{customdata[1]}<br>${words} %{y:${digits}}<extra></extra>`, marker: { size: 5 }, ...look,
          });
          const edge = (values) => ({ type: "scatter", mode: "lines", x: there.map((i) => v.at[i]), y: there.map((i) => values[i]), line: { width: 0 }, hoverinfo: "skip" });
          const traces = [
            edge(v.low), { ...edge(v.high), fill: "tonexty", fillcolor: "rgba(128, 128, 128, 0.3)" },
            line("y", v.corrected, there, "IS, corrected", ",.2f", { line: { color: c.text, width: 2 } }),
            line("y2", v.variety, there, "variety", ".3f", { line: { color: c.variety, width: 2.5 } }),
            line("y2", v.doubt, there, "doubt", ".3f", { line: { color: c.doubt, width: 2.5, dash: "dash" } }),
            line("y3", v.effective_classes, there, "effective classes, corrected", ",.1f", { line: { color: c.variety, width: 2 } }),
            line("y4", v.warning, all, "warnings", "d", { mode: "lines+markers", line: { color: c.reference, width: 1.5, dash: "dash" }, marker: { size: 7, symbol: "triangle-up-open" } }),
            line("y4", v.severe, all, "severe findings", "d", { mode: "lines+markers", line: { color: bad, width: 2 }, marker: { size: 7, symbol: "square" } }),
          ];
          const level = (yref, y) => ({ type: "line", xref: "paper", x0: 0, x1: 1, yref, y0: y, y1: y, line: { color: c.reference, width: 1.5, dash: "dot" } });
          const levels = v.reference?.score == null ? [] : [level("y", v.reference.corrected), level("y2", v.reference.variety), level("y2", v.reference.doubt), level("y3", v.reference.effective_classes)];
          const [first, last] = [v.at[0], v.at.at(-1)];
          const room = 0.03 * (last - first) || 0.5;
          const top = (...lists) => 1.08 * Math.max(1e-9, ...lists.flat().filter((y) => y != null));
          const real = v.reference ?? {};
          const most = Math.max(1, ...v.severe, ...v.warning); // of the findings
          const high = top(v.corrected, v.high, real.corrected);
          const bottom = Math.min(1, ...v.low.filter((y) => y != null));
          const ranges = {
            y: [bottom - 0.04 * high, high], y2: [0, top(v.variety, v.doubt, real.variety)],
            y3: [0, top(v.effective_classes, real.effective_classes)], y4: [-0.4, 1.08 * most + 0.4],
          };
          const axis = { color: c.text, gridcolor: c.line, linecolor: c.line, zerolinecolor: c.line, fixedrange: true, nticks: 4 };
          return {
            traces,
            layout: {
              height: 420, margin: { l: 52, r: 8, t: 6, b: 34 }, hovermode: "closest", hoverdistance: 30,
              xaxis: { title: { text: plain(v.axis, 40) }, range: [first - room, last + room], anchor: "y4", ...(v.at.length < 2 ? { nticks: 2 } : {}) },
              ...Object.fromEntries(ROWS.map(([id, title, domain]) => [id.replace("y", "yaxis"), { ...axis, domain, automargin: false, title: { text: title, standoff: 4 }, range: ranges[id], ...(id === "y4" ? { dtick: Math.ceil(most / 3) } : {}) }])),
              shapes: [...levels, { type: "line", x0: v.at[v.current], x1: v.at[v.current], yref: "paper", y0: 0, y1: 1, line: { color: c.text, width: 1.5 } }],
            },
          };
        },
        on: { click: (event) => { const point = event.points.find((one) => one.customdata); if (point) go(point.customdata[0]); } },
      });
      chart.chart.classList.add("ix-course");
      const key = (kind, text) => [h("span", { class: `ix-key ix-key-${kind}` }), ` ${text} `];
      const legend = h("p", { class: "ix-note" });
      section.append(legend, problems);

      const look = () => { if (playing != null && document.hidden) stop(); };
      document.addEventListener("visibilitychange", look);
      signal.addEventListener("abort", () => { document.removeEventListener("visibilitychange", look); clearTimeout(pause); playing = null; });

      let pictured = "";
      return () => {
        const v = view();
        const i = v.current;
        scrubber.max = v.names.length - 1; // before the value, which is cut to it
        scrubber.disabled = v.names.length < 2;
        if (!asking()) { scrubber.value = i; write(i); } // else it would jump from under a finger
        verdict.textContent = v.verdict;
        verdict.classList.toggle("ix-alarm", v.severe.at(-1) > 0);
        busy.textContent = v.progress;
        const interval = v.score[i] == null ? "" : ` (95 %: ${number(v.low[i])}–${number(v.high[i])}), whole set ${number(v.score[i])}`;
        const findings = v.severe[i] == null ? "" : ` · ${count(v.severe[i])} severe, ${count(v.warning[i])} warning${v.warning[i] === 1 ? "" : "s"}`;
        now.textContent = v.waiting ? `${v.names[i]}: being computed …`
          : v.score[i] == null ? `${v.names[i]}: no score`
          : `${v.names[i]}: IS corrected ${number(v.corrected[i])}${interval} · variety ${number(v.variety[i], 3)} − doubt ${number(v.doubt[i], 3)} nats · as even as ${number(v.effective_classes[i], 1)} classes${findings}`;
        legend.replaceChildren(
          ...key("score", "IS, corrected for the number of images, in the band of its 95 % interval;"), ...key("variety", "variety H(y);"), ...key("doubt", "doubt, the mean H(y|x);"),
          "classes: exp H(y), corrected likewise; ",
          ...key("severe", "■ severe findings;"), ...key("warning", "△ warnings;"), ...(v.reference ? key("reference", "the reference.") : []), "Click a point to go there.");
        problems.replaceChildren(...v.problems.slice(0, 5).map(([who, what]) => h("li", {}, `⚠ ${who}: ${what}`)),
          ...(v.problems.length > 5 ? [h("li", {}, `⚠ and ${count(v.problems.length - 5)} more`)] : []));
        problems.hidden = !v.problems.length;
        showPlayer();
        const picture = JSON.stringify({ ...v, serial: 0, progress: "" });
        if (picture !== pictured) chart.update(); // an answer alone changes nothing there
        pictured = picture;
        if (!asking()) answered();
        follow();
      };
    }, { first: true });
  },
};
