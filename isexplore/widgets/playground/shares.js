// Panel: the marginal p(y) against the uniform one; where a scenario has shares, they are drawn here.

const MOST_BARS = 60; // more have no room for gaps: one outline shows them

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, count, plot, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");

    panel({ model, el, signal }, "Variety: how often each class comes, p(y)", (section) => {
      // While a person draws, what they drew stands before what the kernel says, which is a moment behind.
      let stroke = null; // { name, values, serial }
      let serial = view().serial;
      let pressed = null; // the class and value where the pointer was
      let chosen = null; // the class that is under the pointer or the keys
      let top = 1;

      const drawing = () => { const v = view(); return v.drawable[draw.value] ? { name: draw.value, ...v.drawable[draw.value] } : null; };
      const values = (d) => (stroke?.name === d.name && stroke.values.length === d.values.length ? stroke.values : d.values);
      const ratios = (d) => (d.name === "shares" ? values(d).reduce((sum, value) => sum + value, 0) : 1);

      const chart = plot(section, {
        patient: true,
        signal,
        label: () => {
          const v = view();
          const even = v.effective == null ? "" : ` It is as even as ${number(v.effective, 1)} classes used equally.`;
          return `Bar chart of p(y) over ${count(v.share.length)} classes, against an even share of ${number(1 / v.share.length, 4)}.${even}`;
        },
        rows: () => {
          const v = view();
          const lists = Object.values(v.drawable);
          return {
            columns: ["class", "p(y)", "even share", ...lists.map((list) => list.title)],
            rows: v.share.map((share, i) => [i, number(share, 4), number(1 / v.share.length, 4), ...lists.map((list) => number(list.values[i], 3))]),
          };
        },
        draw: (c) => {
          const v = view();
          const d = drawing();
          const x = v.share.map((_, i) => i);
          const sum = d ? ratios(d) : 1;
          const outcome = v.share.map((share) => share * sum);
          if (pressed == null) top = 1.06 * (d ? Math.max(d.most, ...outcome) : Math.max(...v.share, 1 / v.share.length));
          const many = x.length > MOST_BARS;
          const colour = d?.name === "confidence" ? c.faint : c.variety;
          const bars = (y) => ({
            x, y, customdata: v.share, hovertemplate: "class %{x}<br>p(y) %{customdata:.4f}<extra></extra>",
            ...(many
              ? { type: "scatter", mode: "lines", fill: "tozeroy", fillcolor: colour, line: { shape: "hvh", color: colour, width: 1 } }
              : { type: "bar", marker: { color: colour, line: { width: 0 } } }),
          });
          const traces = [bars(d ? values(d) : v.share)];
          if (d && !stroke) { // what comes of it, behind by a moment while somebody draws
            const width = Math.min(26, (0.6 * chart.chart.clientWidth) / x.length);
            for (const [thick, color] of [[5, c.surface], [2.5, c.text]]) {
              const shape = many ? { mode: "lines", line: { shape: "hvh", color, width: thick } } : { mode: "markers", marker: { symbol: "line-ew", size: width, line: { color, width: thick } } };
              traces.push({ type: "scatter", x, y: outcome, hoverinfo: "skip", ...shape });
            }
          }
          const even = sum / x.length;
          // A gray line in a halo is seen on bars as well as beside them.
          const line = (color, width) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: even, y1: even, line: { color, width } });
          const cursor = chosen == null || !d ? [] : [{ type: "rect", x0: chosen - 0.5, x1: chosen + 0.5, yref: "paper", y0: 0, y1: 1, line: { width: 0 }, fillcolor: c.text, opacity: 0.15 }];
          return {
            traces,
            layout: {
              bargap: 0.15, hovermode: "x",
              xaxis: { title: { text: "class" }, range: [-0.5, x.length - 0.5], showgrid: false, ...(x.length <= 20 ? { dtick: 1 } : {}) },
              yaxis: { title: { text: { shares: "drawn share", confidence: "confidence" }[d?.name] ?? "p(y)" }, range: [0, top] },
              shapes: [...cursor, ...(d?.name === "confidence" ? [] : [line(c.surface, 4), line(c.reference, 2)])],
            },
          };
        },
      });

      // A sheet over the plot takes the strokes.
      const sheet = h("div", { class: "ix-sheet", tabindex: "0", role: "slider", "aria-orientation": "vertical", "aria-valuemin": "0" });
      const stage = h("div", { class: "ix-stage" });
      chart.chart.replaceWith(stage);
      stage.append(chart.chart, sheet);

      /** The class under a pointer, and the height there. */
      function place({ offsetX, offsetY }) {
        const { l, t, w, h: high } = chart.chart._fullLayout._size;
        const n = view().share.length;
        const clamp = (value, low, highest) => Math.max(low, Math.min(highest, value));
        return { at: clamp(Math.floor(((offsetX - l) / w) * n), 0, n - 1), value: clamp((1 - (offsetY - t) / high) * top, 0, drawing().most) };
      }
      /** Give every class from one point to another the height on the way, and send it. */
      function send(from, to) {
        const d = drawing();
        const next = [...values(d)];
        for (let at = Math.min(from.at, to.at); at <= Math.max(from.at, to.at); at++) {
          const way = from.at === to.at ? 1 : (at - from.at) / (to.at - from.at);
          next[at] = Number((from.value + way * (to.value - from.value)).toFixed(4));
        }
        serial = Math.max(serial, view().serial) + 1; // another view of this panel counts, too
        stroke = { name: d.name, values: next, serial };
        model.set("drawn", stroke);
        model.save_changes();
        point(to.at);
      }
      function point(at) {
        chosen = at;
        describe();
        chart.update();
      }
      function describe() {
        const d = drawing();
        if (!d) return;
        const at = chosen ?? 0; // where the keys begin
        const value = values(d)[at];
        const text = `class ${count(at)}: ${d.name === "shares" ? "drawn" : d.name} ${number(value, 3)}${stroke ? "" : `, p(y) ${number(view().share[at], 4)}`}`;
        readout.textContent = chosen == null ? "" : text;
        for (const [name, said] of Object.entries({ label: `Draw the ${d.title}: ← → choose a class, ↑ ↓ change it`, valuemax: d.most, valuenow: value, valuetext: text })) sheet.setAttribute(`aria-${name}`, said);
      }
      sheet.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        sheet.setPointerCapture(event.pointerId);
        pressed = place(event);
        send(pressed, pressed);
      });
      sheet.addEventListener("pointermove", (event) => {
        if (!drawing()) return;
        const here = place(event);
        if (pressed == null) { if (here.at !== chosen) point(here.at); return; }
        send(pressed, here);
        pressed = here;
      });
      for (const event of ["pointerup", "pointercancel"]) sheet.addEventListener(event, () => { pressed = null; chart.update(); });
      sheet.addEventListener("pointerleave", () => { if (document.activeElement !== sheet) point(null); });
      sheet.addEventListener("focus", () => { if (chosen == null) point(0); });
      sheet.addEventListener("blur", () => point(null));
      sheet.addEventListener("keydown", (event) => {
        const d = drawing();
        const n = view().share.length;
        const walk = { ArrowLeft: -1, ArrowRight: 1, Home: -n, End: n }[event.key];
        const change = { ArrowUp: 0.02, ArrowDown: -0.02, PageUp: 0.2, PageDown: -0.2 }[event.key];
        if (walk == null && change == null) return;
        event.preventDefault();
        const at = Math.max(0, Math.min(n - 1, (chosen ?? 0) + (walk ?? 0)));
        if (walk != null) return point(at);
        const there = { at, value: Math.max(0, Math.min(d.most, values(d)[at] + change * d.most)) };
        send(there, there);
      });

      const own = h("button", { type: "button", onclick: () => model.send({ kind: "own" }) }, "Draw your own");
      const draw = h("select", { onchange: () => { stroke = null; update(); } });
      const field = h("input", { type: "text", class: "ix-shares-text", autocomplete: "off", spellcheck: "false" });
      const readout = h("output", { class: "ix-line" });
      const typed = (event) => { event.preventDefault(); stroke = null; model.send({ kind: "typed", name: draw.value, text: field.value }); };
      const form = h("form", { class: "ix-controls", onsubmit: typed }, labelled("draw", draw), labelled("or type", field), h("button", { type: "submit" }, "Set"));
      const note = h("p", { class: "ix-note" });
      section.append(note, h("div", { class: "ix-controls" }, own), form, readout);

      let written = null;
      function update() {
        const v = view();
        if (stroke && v.serial >= stroke.serial) stroke = null;
        const names = Object.keys(v.drawable);
        fillSelect(draw, names.map((name) => [name, name]), names.includes(draw.value) ? draw.value : names[0]);
        const d = drawing();
        if (stroke && stroke.values.length !== d?.values.length) stroke = pressed = null; // another scenario: nothing to go on with
        own.parentElement.hidden = Boolean(d);
        form.hidden = sheet.hidden = readout.hidden = !d;
        if (d && written !== `${d.name} ${d.text}`) { // else a person may be typing there
          written = `${d.name} ${d.text}`;
          field.value = d.text;
        }
        if (chosen >= v.share.length) chosen = null;
        const even = [h("span", { class: "ix-key" }), ` ${d ? "even" : `1/C = ${number(1 / v.share.length, 4)}`}. `];
        note.replaceChildren(
          ...(v.effective == null ? [] : [`As even as ${number(v.effective, 1)} of ${count(v.share.length)} classes. `]),
          ...(d?.name === "confidence" ? [] : even),
          ...(d ? [h("span", { class: "ix-key ix-key-text" }), ` p(y) that comes of it${d.name === "shares" ? ", to this scale" : ""}. Drag over the bars.`] : []));
        describe();
        if (!stroke) chart.update(); // else what is on screen is newer
      }
      return update;
    });
  },
};
