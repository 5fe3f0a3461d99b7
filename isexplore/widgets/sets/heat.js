// Panel: p(y) of each checkpoint as a heat map, checkpoints across and classes down; a cell leads to its images.

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, count, onTheme, heatmap, strip, panel, twin } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const send = (kind, value) => model.send({ kind, value });

    const figure = (p) => p.toLocaleString("en", { maximumSignificantDigits: 1, maximumFractionDigits: 9 }).replace(/^0\./, ".");

    panel({ model, el, signal }, "Variety over the checkpoints: p(y) of each class", (section) => {
      const names = h("div", { class: "ix-heat-names", "aria-hidden": "true" });
      const canvas = h("canvas", { class: "ix-heatmap ix-heat", tabindex: "0", role: "application" });
      const axis = h("div", { class: "ix-axes ix-heat-axis", "aria-hidden": "true" });
      const title = h("span", { class: "ix-heat-title", "aria-hidden": "true" }, "class");
      const readout = h("output", { class: "ix-line ix-heat-cell", "aria-live": "polite" });
      const scale = h("span", { class: "ix-scale-marks", "aria-hidden": "true" });
      const legend = h("div", { class: "ix-scale", role: "img" }, h("span", { class: "ix-scale-bar" }), scale);
      const sort = h("select", { onchange: () => send("sort", sort.value) });
      const back = h("button", { type: "button", onclick: () => send("page", view().page - 1) }, "‹ earlier");
      const next = h("button", { type: "button", onclick: () => send("page", view().page + 1) }, "later ›");
      const where = h("span", { class: "ix-unit" });
      const pager = h("span", { class: "ix-control" }, back, where, next);
      const wedge = h("span", { class: "ix-unit" });
      const looked = h("p", { role: "status" });
      const first = strip("The first ones");
      const table = twin("p(y) of the shown classes in each checkpoint");
      section.append(h("div", { class: "ix-heat-map" }, title, names, canvas, axis),
        h("div", { class: "ix-heat-foot" }, h("span", { class: "ix-unit" }, "p(y)"), legend, h("span", { class: "ix-unit" }, "× missing · • no image"), wedge), readout,
        h("div", { class: "ix-heat-looked" }, looked, first.element),
        h("div", { class: "ix-controls" }, labelled("sort by", sort), pager), table.element);

      let share = () => 0; // of a row and a column, from 0 for none to 1 for the darkest
      let at = null; // the row and column that are read out

      const value = (v, row, column) => v.top * share(row, column);
      const words = (v, { row, column }) => {
        const cell = `${v.names[row]} at ${v.sets[column]}`;
        if (v.missing.includes(column)) return `${cell}: not known`;
        const selected = v.selected && column === v.current ? `, ${count(v.selected[row])} of them selected` : "";
        return `${cell}: p(y) = ${number(value(v, row, column), 4)}; ${count(v.images[column][row])} images look most like it${v.gone[column][row] ? ", missing" : ""}${selected}`;
      };
      const move = (row, column) => {
        const v = view();
        at = { row: Math.max(0, Math.min(v.rows - 1, row)), column: Math.max(0, Math.min(v.columns - 1, column)) };
        draw();
      };
      const under = ({ offsetX, offsetY }) => {
        const v = view();
        return [Math.floor((offsetY * v.rows) / canvas.clientHeight), Math.floor((offsetX * v.columns) / canvas.clientWidth)];
      };
      const choose = () => { if (at) model.send({ kind: "cell", set: at.column, class: view().numbers[at.row] }); };
      const begin = () => {
        const v = view();
        move(Math.max(0, v.numbers.indexOf(v.chosen)), v.current);
      };
      canvas.addEventListener("pointermove", (event) => move(...under(event)));
      canvas.addEventListener("click", (event) => { move(...under(event)); choose(); });
      canvas.addEventListener("focus", () => { if (!at) begin(); });
      canvas.addEventListener("keydown", (event) => {
        const v = view();
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); return; }
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -v.columns], End: [0, v.columns] }[event.key];
        if (!step) return;
        event.preventDefault();
        if (at) move(at.row + step[0], at.column + step[1]);
        else begin();
      });
      for (const event of ["pointerleave", "blur"]) canvas.addEventListener(event, () => { if (event === "blur" || document.activeElement !== canvas) { at = null; draw(); } });

      function draw() {
        if (signal.aborted) return;
        const v = view();
        if (canvas.clientWidth) drawn();
        share = heatmap(canvas, { cells: v.cells, rows: v.rows, columns: v.columns, cuts: [] });
        const [width, height] = [canvas.width / v.columns, canvas.height / v.rows];
        const style = getComputedStyle(canvas);
        const pen = canvas.getContext("2d");
        // What is not known yet must not look like what is never drawn.
        pen.fillStyle = style.getPropertyValue("--ix-line");
        for (const column of v.missing) {
          for (let y = 0; y < canvas.height; y += 8) pen.fillRect(column * width, y, width, 2);
        }
        // The colours of hardly and of never are alike: a cross says that the class is missing, a dot that it is no
        // image's first guess, but that so few images do not tell.
        pen.fillStyle = style.getPropertyValue("--ix-faint");
        const radius = Math.min(2.5 * (window.devicePixelRatio || 1), width / 4, height / 4);
        v.images.forEach((counts, column) => counts.forEach((images, row) => {
          const [x, y] = [(column + 0.5) * width, (row + 0.5) * height];
          pen.beginPath();
          if (v.gone[column][row]) {
            for (const way of [1, -1]) { pen.moveTo(x - 1.6 * radius, y - way * 1.6 * radius); pen.lineTo(x + 1.6 * radius, y + way * 1.6 * radius); }
            Object.assign(pen, { lineWidth: 1.5 * (window.devicePixelRatio || 1), strokeStyle: style.getPropertyValue("--ix-bad") });
            pen.stroke();
          } else if (!images) {
            pen.arc(x, y, radius, 0, 2 * Math.PI);
            pen.fill();
          }
        }));
        const ring = (x, y, w, hgt, colour) => {
          for (const [wide, ink] of [[5, style.backgroundColor], [2, colour]]) {
            Object.assign(pen, { lineWidth: wide, strokeStyle: ink });
            pen.strokeRect(x, y, w, hgt);
          }
        };
        ring(v.current * width + 1, 1, width - 2, canvas.height - 2, style.getPropertyValue("--ix-text"));
        // Where the selected images are: a wedge at the cell's left edge, in a halo that is seen on any colour.
        const wide = Math.min(7 * (window.devicePixelRatio || 1), width / 2, height / 2);
        (v.selected ?? []).forEach((images, row) => {
          if (!images) return;
          pen.beginPath();
          pen.moveTo(v.current * width + 3, (row + 0.5) * height - wide);
          pen.lineTo(v.current * width + 3 + wide, (row + 0.5) * height);
          pen.lineTo(v.current * width + 3, (row + 0.5) * height + wide);
          pen.closePath();
          Object.assign(pen, { lineWidth: 2, strokeStyle: style.backgroundColor, fillStyle: style.getPropertyValue("--ix-focus") });
          pen.stroke();
          pen.fill();
        });
        if (at && (at.row >= v.rows || at.column >= v.columns)) at = null;
        if (at) ring(at.column * width - 2, at.row * height - 2, width + 4, height + 4, style.getPropertyValue("--ix-focus"));
        readout.textContent = at ? `${words(v, at)}. Enter or click: see them` : "point at a cell, or walk with ← ↑ → ↓";
      }

      const resized = new ResizeObserver(draw);
      resized.observe(canvas);
      signal.addEventListener("abort", () => resized.disconnect());
      const drawn = onTheme(canvas, draw, signal);
      return () => {
        const v = view();
        canvas.style.setProperty("--ix-rows", v.rows);
        names.replaceChildren(...v.names.map((text, i) => h("span", { title: text, class: v.numbers[i] === v.chosen ? "ix-heat-chosen" : "" }, text)));
        axis.replaceChildren(h("span", {}, v.sets[0]), h("span", {}, "checkpoint"), h("span", {}, v.columns > 1 ? v.sets.at(-1) : ""));
        scale.replaceChildren(...[0, 0.01, 0.1, 1].map((part) => h("span", { style: `left:${100 * Math.cbrt(part)}%` }, figure(part * v.top))));
        legend.setAttribute("aria-label", `Colours: from p(y) = 0, the background, to ${v.top}; a thousandth of that is a tenth of the way`);
        fillSelect(sort, v.sorts, v.sort);
        pager.hidden = v.pages < 2;
        back.disabled = v.page === 0;
        next.disabled = v.page === v.pages - 1;
        where.textContent = `classes ${count(v.first + 1)}–${count(v.first + v.rows)} of ${count(v.classes)}`;
        canvas.setAttribute("aria-label", `Heat map of p(y): ${count(v.columns)} checkpoints across, ${count(v.rows)} of ${count(v.classes)} classes down. Current: ${v.sets[v.current]}. Arrow keys read a cell, Enter shows its images.`);
        wedge.textContent = !v.selected ? "" : v.selected.some(Boolean) ? "▸ some of the selected images" : "(the selected images are of other classes)";
        looked.textContent = v.cell || "A click on a cell, or Enter, shows its images here.";
        first.show(model.get("sprite"), v.strip);
        draw();
        table.update(() => ({
          columns: ["checkpoint", ...v.names],
          rows: v.sets.map((text, column) => [text, ...v.names.map((_, row) => (v.missing.includes(column) ? "…" : number(value(v, row, column), 4)))]),
        }));
      };
    });
  },
};
