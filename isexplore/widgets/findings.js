// Panel: what is wrong with the shown set, worst first; a click selects the images that a finding speaks of.

const ICONS = { severe: "✖", warning: "⚠", "not found": "✓", stated: "·" }; // never a colour alone

export default {
  async render({ model, el, host, signal }) {
    const { h, count, panel, strip } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");

    panel({ model, el, signal }, "Findings: what is wrong with these images", (section) => {
      const summary = h("p", { class: "ix-findings-summary", role: "status" });
      const progress = h("p", { class: "ix-note ix-findings-progress" }); // not read out: it changes often
      const against = h("p", { class: "ix-note" });
      const problem = h("p", { class: "ix-error", role: "alert" });
      const found = h("ul", { class: "ix-findings", "aria-label": "Findings" });
      const noted = h("div", { class: "ix-noted" });
      const fineTitle = h("summary", {});
      const fine = h("ul", { class: "ix-findings" });
      const rest = h("details", { class: "ix-findings-rest" }, fineTitle, fine);
      section.append(summary, progress, against, problem, found, noted, rest);

      const buttons = new Map(); // by the findings' keys
      const telling = strip("The most telling ones");

      let asked = ""; // pressed in this view, which alone scrolls to the images
      const press = (key) => { asked = key; model.send({ kind: "finding", value: key, set: view().set }); };

      function row(item) {
        const looks = !item.images && item.classes && item.severity !== "fine" && view().showsClasses;
        const images = item.images || looks ? h("span", { class: "ix-finding-images" }) : null;
        const head = [
          h("span", { class: "ix-finding-head" },
            h("span", { class: `ix-severity ix-severity-${item.severity}` }, h("span", { "aria-hidden": "true" }, ICONS[item.word]), ` ${item.word}`),
            h("strong", {}, item.title), item.since ? h("span", { class: "ix-finding-since" }, item.since) : null, h("span", { class: "ix-finding-number" }, item.since ? `· here ${item.number}` : item.number)),
          h("span", { class: "ix-finding-sentence" }, item.sentence),
          item.classesSince ? h("span", { class: "ix-finding-course" }, `By class: ${item.classesSince}.`) : null,
          images,
        ];
        const button = images ? h("button", { type: "button", class: "ix-finding", onclick: () => press(item.key) }, ...head) : null;
        if (button) buttons.set(item.key, { button, images, item });
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
        progress.textContent = v.busy ? v.progress : "";
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
        for (const [key, { button, images, item }] of buttons) {
          const said = `${count(item.images)} ${item.images === 1 ? "image" : "images"}`;
          if (!item.images) { images.textContent = "no image: look at the class in A"; continue; }
          button.setAttribute("aria-pressed", String(key === v.pressed));
          images.textContent = key === v.pressed ? `${said}, selected in every view; the most telling first:` : `${said}: show`;
        }
        const place = buttons.get(v.pressed)?.button;
        if (v.strip && place) place.after(telling.element);
        else telling.element.remove();
        telling.show(model.get("sprite"), v.strip);
        if (asked && asked === v.pressed) telling.element.scrollIntoView({ block: "nearest" }); // among several sets, the list scrolls
        if (asked === v.pressed || !v.pressed) asked = "";
      };
    });
  },
};
