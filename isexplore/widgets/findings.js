// Panel: what is wrong with the shown set, worst first; a click selects the images that a finding speaks of.

const ICONS = { severe: "✖", warning: "⚠", "not found": "✓", stated: "·" }; // never a colour alone
const TILE = 40; // pixels

export default {
  async render({ model, el, host, signal }) {
    const { h, count, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");

    panel({ model, el, signal }, "Findings: what is wrong with these images", (section) => {
      const summary = h("p", { class: "ix-findings-summary", role: "status" });
      const against = h("p", { class: "ix-note" });
      const problem = h("p", { class: "ix-error", role: "alert" });
      const found = h("ul", { class: "ix-findings", "aria-label": "Findings" });
      const noted = h("div", { class: "ix-noted" });
      const fineTitle = h("summary", {});
      const fine = h("ul", { class: "ix-findings" });
      const rest = h("details", { class: "ix-findings-rest" }, fineTitle, fine);
      section.append(summary, against, problem, found, noted, rest);

      const buttons = new Map(); // by the findings' keys
      const canvas = h("canvas", { role: "img" });
      const strip = h("div", { class: "ix-strip" }, canvas);

      /** Draw the most telling images of the pressed finding below it. */
      async function drawStrip() {
        const { names, width, height } = view().strip;
        const place = buttons.get(view().pressed)?.button;
        if (!names.length || !place) { strip.remove(); return; }
        const data = model.get("sprite");
        const picture = await createImageBitmap(new Blob([data], { type: "image/png" }));
        if (data !== model.get("sprite") || signal.aborted) return; // another finding is pressed by now
        const ratio = window.devicePixelRatio || 1;
        const scale = TILE / Math.max(width, height);
        const [across, down] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
        Object.assign(canvas, { width: names.length * (across + 2) * ratio, height: down * ratio });
        Object.assign(canvas.style, { width: `${names.length * (across + 2)}px`, height: `${down}px` });
        canvas.setAttribute("aria-label", `The most telling ones: ${names.join(", ")}`);
        const pen = canvas.getContext("2d");
        pen.scale(ratio, ratio);
        pen.imageSmoothingEnabled = scale < 1;
        names.forEach((_, i) => pen.drawImage(picture, i * width, 0, width, height, i * (across + 2), 0, across, down));
        place.after(strip);
      }

      function row(item) {
        const images = h("span", { class: "ix-finding-images" }, item.severity === "fine" ? "" : "speaks of no images");
        const head = [
          h("span", { class: "ix-finding-head" },
            h("span", { class: `ix-severity ix-severity-${item.severity}` }, h("span", { "aria-hidden": "true" }, ICONS[item.word]), ` ${item.word}`),
            h("strong", {}, item.title), h("span", { class: "ix-finding-number" }, item.number), item.since ? h("span", { class: "ix-finding-since" }, item.since) : null),
          h("span", { class: "ix-finding-sentence" }, item.sentence),
          images,
        ];
        const button = item.images ? h("button", { type: "button", class: "ix-finding", onclick: () => model.send({ kind: "finding", value: item.key }) }, ...head) : null;
        if (button) buttons.set(item.key, { button, images, said: `${count(item.images)} ${item.images === 1 ? "image" : "images"}` });
        return h("li", {}, button ?? h("div", { class: "ix-finding" }, ...head),
          item.quiet ? h("details", { class: "ix-quiet" }, h("summary", {}, "how sure"), item.quiet) : null);
      }

      // The first paint comes first: this may keep all processors busy.
      const look = () => { if (!signal.aborted) model.send({ kind: "look" }); };
      if (window.requestIdleCallback) requestIdleCallback(look, { timeout: 3000 }); else setTimeout(look, 1000);
      let rows = "";
      return () => {
        const v = view();
        summary.textContent = v.busy ? "looking for trouble …" : v.summary;
        against.textContent = [v.against, v.note].filter(Boolean).join(". ");
        problem.hidden = !v.problem;
        problem.textContent = v.problem;
        noted.replaceChildren(...v.noted.map((sentence) => h("p", {}, sentence)));
        rest.hidden = !v.fine.length;
        fineTitle.textContent = v.rest;
        const now = JSON.stringify([v.found, v.fine]);
        if (rows !== now) { // else the focus would be lost at each click
          rows = now;
          buttons.clear();
          found.replaceChildren(...v.found.map(row));
          fine.replaceChildren(...v.fine.map(row));
        }
        for (const [key, { button, images, said }] of buttons) {
          button.setAttribute("aria-pressed", String(key === v.pressed));
          images.textContent = key === v.pressed ? `${said}, selected in every view; the most telling first:` : `${said}: show`;
        }
        drawStrip().catch((error) => { if (!signal.aborted) console.error(error); });
      };
    });
  },
};
