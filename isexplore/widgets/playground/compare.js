// Panel: A and B side by side: scores, terms, heat maps and marginals on the same scales.

export default {
  async render({ model, el, host, signal }) {
    const { h, number, count, onTheme, heatmap, panel, twin } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const act = (kind) => model.send({ kind });

    panel({ model, el, signal }, "A and B: two settings side by side", (section) => {
      const keep = h("button", { type: "button", onclick: () => act("pin") }, "Keep as A");
      const swap = h("button", { type: "button", onclick: () => act("swap") }, "Swap A and B");
      const forget = h("button", { type: "button", onclick: () => { act("unpin"); keep.focus(); } }, "Forget A");
      const hint = h("span", { class: "ix-unit" }, "keeps this setting as A, to stand beside whatever comes next");
      const verdict = h("p", { class: "ix-verdict", "aria-live": "polite" });
      const sides = h("div", { class: "ix-sides" });
      const table = twin("A and B in numbers");
      section.append(h("div", { class: "ix-controls" }, keep, swap, forget, hint), verdict, sides, table.element);

      const bar = (kind, title, value, most) =>
        h("div", { class: "ix-bar" },
          h("span", {}, title),
          h("span", { class: "ix-bar-track" }, h("span", { class: `ix-bar-fill ix-${kind}`, style: `width:${Math.min(100, (100 * value) / most)}%` })),
          h("span", { class: "ix-bar-value" }, number(value, 3)));
      const score = (side) => {
        const n = side.numbers;
        if (!n) return [h("p", { class: "ix-score" }, "IS hidden until it is guessed")];
        const several = side.splits > 1;
        return [
          h("p", { class: "ix-score" }, h("strong", {}, `IS ${number(n.mean)}`), several ? ` ± ${number(n.std)}` : ""),
          h("p", { class: "ix-note" }, several ? `${side.splits} splits · whole set ${number(n.overall)}` : "whole set"),
          bar("variety", "Variety", n.variety, view().most), bar("doubt", "Doubt", n.doubt, view().most),
        ];
      };
      const pictures = ["A", "B"].map((name) => ({
        name,
        words: h("div", { class: "ix-side-words" }),
        matrix: h("canvas", { class: "ix-heatmap ix-small", role: "img" }),
        shares: h("canvas", { class: "ix-small ix-small-shares", role: "img" }),
        top: h("div", { class: "ix-note" }),
      }));
      sides.append(...pictures.map(({ name, words, matrix, shares, top }) =>
        h("div", { class: "ix-side", role: "group", "aria-label": name }, words,
          h("div", {}, h("div", { class: "ix-note" }, "p(y|x): images ↓ classes →"), matrix),
          h("div", {}, top, shares))));

      /** Bars from 0 to the higher of both marginals, and the even share as a gray line. */
      function bars(canvas, share, top) {
        const ratio = window.devicePixelRatio || 1;
        const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
        Object.assign(canvas, { width, height });
        const style = getComputedStyle(canvas);
        const pen = canvas.getContext("2d");
        const gap = width / share.length > 4 * ratio ? 1.5 * ratio : 0;
        pen.fillStyle = style.getPropertyValue("--ix-variety");
        share.forEach((value, i) => {
          const [left, right] = [(i * width) / share.length, ((i + 1) * width) / share.length - gap];
          pen.fillRect(left, height * (1 - value / top), Math.max(right - left, 1), height);
        });
        const even = height * (1 - 1 / share.length / top);
        for (const [thick, colour] of [[4, "--ix-surface"], [2, "--ix-reference"]]) {
          pen.fillStyle = style.getPropertyValue(colour);
          pen.fillRect(0, even - (thick * ratio) / 2, width, thick * ratio);
        }
      }

      function draw() {
        const v = view();
        if (signal.aborted || !v.sides.length || !sides.clientWidth) return;
        drawn();
        const top = 1.05 * v.top;
        v.sides.forEach((side, i) => {
          heatmap(pictures[i].matrix, side.matrix);
          bars(pictures[i].shares, side.share, top);
        });
      }
      const resized = new ResizeObserver(draw);
      resized.observe(sides);
      signal.addEventListener("abort", () => resized.disconnect());
      const drawn = onTheme(sides, draw, signal);

      return () => {
        const v = view();
        const two = v.sides.length > 0;
        keep.textContent = two ? "Keep B as A" : "Keep as A";
        for (const element of [swap, forget, sides, table.element]) element.hidden = !two;
        hint.hidden = two;
        verdict.textContent = v.verdict;
        verdict.hidden = !v.verdict;
        v.sides.forEach((side, i) => {
          const { name, words, matrix, shares, top } = pictures[i];
          words.replaceChildren(h("div", {}, h("strong", {}, `${name}: ${side.title}`)), h("code", { title: side.text }, side.text), ...score(side));
          top.textContent = `p(y), both to ${number(1.05 * v.top, 3)}`;
          matrix.setAttribute("aria-label", `Heat map of p(y|x) of ${name}: ${count(side.matrix.rows)} of ${count(side.matrix.n)} images, ${count(side.matrix.classes)} classes`);
          shares.setAttribute("aria-label", `Bar chart of p(y) of ${name} over ${count(side.share.length)} classes, at most ${number(Math.max(...side.share), 4)}, with a gray line at the even share`);
        });
        table.update(() => {
          const said = v.sides.every((side) => side.numbers);
          const line = (title, read) => [title, ...v.sides.map(read)];
          const classes = Math.max(...v.sides.map((side) => side.share.length));
          return {
            columns: ["", "A", "B"],
            rows: [
              line("setting", (side) => side.text),
              ...(said ? [
                line("mean score over the splits", ({ numbers }) => number(numbers.mean, 3)), line("± across splits", ({ numbers }) => number(numbers.std, 3)),
                line("score of the whole set", ({ numbers }) => number(numbers.overall, 3)),
                line("variety, nats", ({ numbers }) => number(numbers.variety, 3)), line("doubt, nats", ({ numbers }) => number(numbers.doubt, 3)),
              ] : []),
              ...Array.from({ length: classes }, (_, i) => line(`p(y) of class ${i}`, (side) => (i < side.share.length ? number(side.share[i], 4) : "–"))),
            ],
          };
        });
        draw();
      };
    });
  },
};
