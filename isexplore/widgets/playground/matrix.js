// Panel: p(y|x) as a heat map, images down and classes across; pointer and arrow keys read a cell out.

export default {
  async render({ model, el, host, signal }) {
    const { h, number, count, onTheme, heatmap, panel, twin } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");

    panel({ model, el, signal }, "Predictions: p(y|x), one row an image", (section) => {
      const images = h("span");
      const classes = h("span");
      const canvas = h("canvas", { class: "ix-heatmap ix-matrix", tabindex: "0", role: "application" });
      const readout = h("output", { class: "ix-line ix-matrix-cell", "aria-live": "polite" });
      const table = twin("The most likely class of each drawn image");
      // A probability stands where its cube root is: the colours go by it.
      const mark = (p) => h("span", { style: `left:${100 * Math.cbrt(p)}%` }, p);
      const scale = h("div", { class: "ix-scale", role: "img", "aria-label": "Colours: from p = 0, the background, to p = 1, the text's colour; a thousandth is a tenth of the way" },
        h("span", { class: "ix-scale-bar" }), h("span", { class: "ix-scale-marks", "aria-hidden": "true" }, ...["0", ".001", ".01", ".1", "1"].map(mark)));
      section.append(h("div", { class: "ix-axes" }, images, classes), canvas,
        h("div", { class: "ix-matrix-foot" }, h("span", { class: "ix-unit" }, "p"), scale), readout, table.element);

      let probability = () => 0; // of a row and a column of the drawn cells
      let at = null; // the row and column that are read out

      const classesOf = (v, column) => {
        const first = column * v.group;
        const last = Math.min(first + v.group, v.classes) - 1;
        return first === last ? String(first) : `${count(first)}–${count(last)}`;
      };
      const read = () => {
        if (!at) return "point at a cell, or ← ↑ → ↓";
        const v = view();
        const together = v.group > 1 ? "classes" : "class";
        return `image ${count(v.images[at.row])}, ${together} ${classesOf(v, at.column)}: p = ${number(probability(at.row, at.column), 4)}`;
      };
      const show = (row, column) => {
        const v = view();
        at = { row: Math.max(0, Math.min(v.rows - 1, row)), column: Math.max(0, Math.min(v.columns - 1, column)) };
        draw();
      };
      canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
        const v = view();
        show(Math.floor((offsetY * v.rows) / canvas.clientHeight), Math.floor((offsetX * v.columns) / canvas.clientWidth));
      });
      canvas.addEventListener("keydown", (event) => {
        const v = view();
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -v.columns], End: [0, v.columns] }[event.key];
        if (!step) return;
        event.preventDefault();
        if (at) show(at.row + step[0], at.column + step[1]);
        else show(0, 0);
      });
      for (const event of ["pointerleave", "blur"]) canvas.addEventListener(event, () => { if (event === "blur" || document.activeElement !== canvas) { at = null; draw(); } });

      function draw() {
        if (signal.aborted) return;
        const v = view();
        if (canvas.clientWidth) drawn();
        probability = heatmap(canvas, v);
        if (at && (at.row >= v.rows || at.column >= v.columns)) at = null;
        if (at) outline(v);
        readout.textContent = read();
      }
      function outline(v) {
        const [width, height] = [canvas.width / v.columns, canvas.height / v.rows];
        const [x, y] = [at.column * width, at.row * height];
        const style = getComputedStyle(canvas);
        const pen = canvas.getContext("2d");
        // A ring with room around it is seen on a cell two pixels high.
        for (const [wide, colour] of [[5, style.backgroundColor], [2, style.getPropertyValue("--ix-focus")]]) {
          Object.assign(pen, { lineWidth: wide, strokeStyle: colour });
          pen.strokeRect(x - 3, y - 3, width + 6, height + 6);
        }
      }

      const resized = new ResizeObserver(draw);
      resized.observe(canvas);
      signal.addEventListener("abort", () => resized.disconnect());
      const drawn = onTheme(canvas, draw, signal);
      return () => {
        const v = view();
        const every = v.n / v.rows;
        images.textContent = `images ↓ ${every === 1 ? `all ${count(v.n)}` : `${count(v.rows)} of ${count(v.n)}, one of every ${number(every, every % 1 ? 1 : 0)}`}`;
        images.title = every === 1 ? "" : "one at random of every so many in a row";
        classes.textContent = `classes → ${v.group > 1 ? `${v.group} a column` : `0 to ${count(v.classes - 1)}`}`;
        const lines = v.cuts.length ? ` Lines part the ${v.splits} splits.` : "";
        canvas.setAttribute("aria-label", `Heat map of p(y|x): ${count(v.rows)} of ${count(v.n)} images down, ${count(v.classes)} classes across.${lines} Arrow keys read a cell.`);
        draw();
        table.update(() => ({
          columns: ["image", v.group > 1 ? "most likely classes" : "most likely class", "p"],
          rows: v.images.map((image, row) => {
            let best = 0;
            for (let column = 1; column < v.columns; column++) if (probability(row, column) > probability(row, best)) best = column;
            return [count(image), classesOf(v, best), number(probability(row, best), 4)];
          }),
        }));
      };
    });
  },
};
