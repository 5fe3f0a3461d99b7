// Panel: a control a parameter, and play: a step at a time through the values of the one that moves.

const PAUSES = { slow: 800, normal: 250, fast: 60 }; // milliseconds from a picture to the next step

/** A number: a slider, and a field for any value between its positions. `set` takes a value. */
function numberControl(row, { h, freshId, group, set, mark, refresh }) {
  let typing = false;
  const unit = row.unit === "" ? "" : ` ${row.unit}`;
  const slider = h("input", {
    type: "range", id: freshId(),
    oninput: () => {
      const value = row.positions ? row.positions[Number(slider.value)] : Number(slider.value);
      write(value);
      set(value);
    },
  });
  const field = h("input", {
    type: "number", class: "ix-number", "aria-label": `${row.title}, as a number`,
    oninput: () => { typing = true; },
    onchange: () => { typing = false; if (field.value !== "") set(Number(field.value)); },
    onblur: () => { typing = false; refresh(); },
  });
  const radio = h("input", { type: "radio", name: group, "aria-label": `play and the curve move ${row.title}`, title: "play and the curve move this one", onchange: mark });
  const write = (value) => {
    if (!typing) field.value = String(value);
    slider.setAttribute("aria-valuetext", `${value}${unit}`);
  };
  return {
    elements: [radio, h("label", { for: slider.id }, row.title), slider, field, h("span", { class: "ix-unit" }, row.unit)],
    update(next, value, moved) {
      row = next;
      const ends = row.positions ? { min: 0, max: row.positions.length - 1, step: 1 } : { min: row.low, max: row.high, step: row.step };
      Object.assign(slider, ends); // before the value, which is cut to them
      const apart = (position) => Math.abs(Math.log(position / value));
      slider.value = row.positions ? row.positions.reduce((best, one, i) => (apart(one) < apart(row.positions[best]) ? i : best), 0) : value;
      field.step = row.step;
      radio.checked = moved;
      write(value);
    },
  };
}

/** One of several words. */
function choiceControl(row, { h, freshId, fillSelect, set }) {
  const select = h("select", { id: freshId(), onchange: () => set(select.value) });
  return {
    elements: [h("span"), h("label", { for: select.id }, row.title), select],
    update: (next, value) => fillSelect(select, next.options, value),
  };
}

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, panel, freshId } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const waiting = () => view().serial !== model.get("asked").serial; // for the picture of the latest move

    panel({ model, el, signal }, "Parameters: what can be moved", (section) => {
      const change = (name, value) => {
        const { serial, values } = model.get("asked");
        model.set("asked", { serial: serial + 1, opened: view().opened, values: { ...(waiting() ? values : {}), [name]: value } });
        model.save_changes();
      };

      // Play takes a step when the picture of the last one is there, and a pause later.
      let playing = null; // the parameter and the value that play last set
      let pause = 0;
      const stop = () => { clearTimeout(pause); pause = 0; playing = null; showPlayer(); };
      const go = (value) => {
        pause = 0;
        if (value == null || document.hidden || !section.clientWidth) { stop(); return; }
        playing = { name: view().moved, value };
        change(playing.name, value);
        showPlayer();
      };
      const follow = () => {
        const v = view();
        if (!playing || waiting()) return;
        // Refused, or something else was moved meanwhile.
        if (v.exercise || v.moved !== playing.name || v.values[v.moved] !== playing.value) stop();
        else if (!pause) pause = setTimeout(() => go(view().after), PAUSES[speed.value]);
      };
      const step = (value) => { stop(); change(view().moved, value); };
      const showPlayer = () => {
        const v = view();
        player.textContent = playing ? "■ Stop" : "▶ Play";
        player.disabled = v.exercise;
        player.title = v.exercise ? "not in an exercise: each step would be a new question" : "through the values of the marked parameter, once";
        back.disabled = v.before == null;
        next.disabled = v.after == null;
      };

      const player = h("button", { type: "button", onclick: () => { if (playing) stop(); else go(view().after ?? view().first); } });
      const back = h("button", { type: "button", "aria-label": "one step back", onclick: () => step(view().before) }, "◀ step");
      const next = h("button", { type: "button", "aria-label": "one step on", onclick: () => step(view().after) }, "step ▶");
      const speed = h("select");
      fillSelect(speed, Object.keys(PAUSES).map((name) => [name, name]), "normal");
      const list = h("div", { class: "ix-parameters", role: "group", "aria-label": "parameters" });
      section.append(h("div", { class: "ix-controls" }, back, player, next, labelled("speed", speed)), list);

      const group = freshId();
      let controls = new Map();
      let built = "";
      const build = (rows) => {
        built = shapes(rows);
        controls = new Map(rows.map((row) => {
          const make = row.options ? choiceControl : numberControl;
          const set = (value) => { stop(); change(row.name, value); };
          const mark = () => { stop(); model.send({ kind: "moved", value: row.name }); };
          return [row.name, make(row, { h, freshId, fillSelect, group, set, mark, refresh })];
        }));
        list.replaceChildren(...[...controls.values()].map((control) => h("div", { class: "ix-parameter" }, ...control.elements)));
      };
      const shapes = (rows) => JSON.stringify(rows.map((row) => [row.name, row.title, Object.keys(row)]));

      const refresh = () => {
        if (waiting()) return; // else a dragged slider would jump back to where it was
        const v = view();
        for (const row of model.get("rows")) controls.get(row.name).update(row, v.values[row.name], row.name === v.moved);
      };
      const update = () => {
        if (built !== shapes(model.get("rows"))) build(model.get("rows")); // else the controls stay, and what is focused
        refresh();
        showPlayer();
        follow();
      };
      const look = () => { if (playing && document.hidden) stop(); };
      document.addEventListener("visibilitychange", look);
      model.on("change:rows", update);
      signal.addEventListener("abort", () => {
        document.removeEventListener("visibilitychange", look);
        model.off("change:rows", update);
        stop();
      });
      return update;
    });
  },
};
