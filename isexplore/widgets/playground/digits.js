// Panel: what is done to the real digits, and what the score sees of it.

/** Digits to leave out, a checkbox each. */
function labelsControl(row, { h, freshId, changed }) {
  const boxes = row.options.map((digit) => h("input", { type: "checkbox", id: freshId(), onchange: changed }));
  const pairs = boxes.map((box, i) => h("span", {}, box, h("label", { for: box.id }, String(row.options[i]))));
  return {
    elements: [h("span", {}, row.title), h("div", { class: "ix-digits-drop", role: "group", "aria-label": `${row.title} these digits` }, ...pairs)],
    read: () => row.options.filter((_, i) => boxes[i].checked),
    update: (next) => boxes.forEach((box, i) => { box.checked = next.value.includes(row.options[i]); }),
  };
}

/** One of several words. */
function choiceControl(row, { h, freshId, fillSelect, changed }) {
  const select = h("select", { id: freshId(), onchange: changed });
  return {
    elements: [h("label", { for: select.id }, row.title), select],
    read: () => select.value,
    update: (next) => fillSelect(select, next.options, next.value),
  };
}

/** A slider over positions that the kernel gives. */
function numberControl(row, { h, freshId, changed }) {
  let { positions } = row;
  const slider = h("input", { type: "range", min: "0", step: "1", id: freshId(), oninput: () => { write(); changed(); } });
  const readout = h("output", { class: "ix-readout", for: slider.id });
  const write = () => {
    const words = `${positions[slider.value]} ${row.unit}`.trim();
    readout.textContent = words;
    slider.setAttribute("aria-valuetext", words);
  };
  return {
    elements: [h("label", { for: slider.id }, row.title), h("div", { class: "ix-digits-number" }, slider, readout)],
    read: () => positions[slider.value],
    update(next) {
      positions = next.positions;
      slider.max = String(positions.length - 1);
      slider.value = String(positions.indexOf(next.value));
      write();
    },
  };
}

const KINDS = { labels: labelsControl, choice: choiceControl, number: numberControl };

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, panel, freshId } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");

    panel({ model, el, signal }, "Real digits, altered: what does the score see of it?", (section) => {
      const changed = () => {
        const values = Object.fromEntries(controls.map(([name, control]) => [name, control.read()]));
        model.set("asked", { serial: model.get("asked").serial + 1, values });
        model.save_changes();
      };
      const controls = view().rows.map((row) => [row.name, KINDS[row.kind](row, { h, freshId, fillSelect, changed })]);
      const list = h("div", { class: "ix-digits-list" }, ...controls.flatMap(([, control]) => control.elements));
      const reset = h("button", { type: "button", onclick: () => model.send({ kind: "reset" }) }, "Reset");
      const text = h("input", { type: "text", class: "ix-path", spellcheck: "false", autocomplete: "off", onchange: () => model.send({ kind: "open", value: text.value }) });
      const busy = h("span", { class: "ix-unit", role: "status" });
      const lessons = h("div", { class: "ix-digits-lessons", "aria-live": "polite" });
      const problem = h("p", { class: "ix-error", role: "alert" });
      section.append(h("div", { class: "ix-digits" },
        h("div", {}, list, h("div", { class: "ix-controls" }, reset, labelled("as text", text), busy)),
        h("div", {}, lessons, problem)));

      return () => {
        const v = view();
        busy.textContent = v.busy ? "classifying …" : "";
        lessons.classList.toggle("ix-stale", v.busy || v.problem !== "");
        problem.textContent = v.problem;
        problem.hidden = !v.problem;
        if (lessons.textContent !== v.lessons.join("")) lessons.replaceChildren(...v.lessons.map((sentence) => h("p", {}, sentence)));
        if (v.serial !== model.get("asked").serial) return; // else a dragged slider would jump back to where it was
        v.rows.forEach((row, i) => controls[i][1].update(row));
        reset.disabled = !v.altered;
        if (document.activeElement !== text) text.value = v.text;
      };
    });
  },
};
