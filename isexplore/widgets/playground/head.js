// Panel: which setting is open, what it teaches, and the setting as a short text to copy, mail and type.

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const send = (kind, value) => model.send({ kind, value });

    panel({ model, el, signal }, "", (section, heading) => {
      const teaches = h("p", { class: "ix-teaches" });
      const preset = h("select", { onchange: () => { if (preset.value !== "") send("preset", Number(preset.value)); } },
        h("option", { value: "" }, "your own"),
        ...model.get("presets").map(([group, presets]) =>
          h("optgroup", { label: group }, ...presets.map(([i, title]) => h("option", { value: i }, title)))));
      const reset = h("button", { type: "button", title: "back to the setting as it was opened", onclick: () => send("reset") }, "Reset");
      const exercise = h("input", { type: "checkbox", onchange: () => send("exercise", exercise.checked) });

      const text = h("input", {
        type: "text", class: "ix-state", spellcheck: "false", autocomplete: "off",
        title: "Enter restores what is typed here; in a notebook: ix.playground(\"…\")",
        oninput: () => { typing = true; say(""); },
        onfocus: () => { typing = true; },
        onblur: () => { typing = false; refresh(); },
        onkeydown: (event) => { if (event.key === "Escape") { typing = false; text.value = view().text; say(""); } },
      });
      const said = h("span", { class: "ix-unit", role: "status" });
      const say = (words) => { said.textContent = words; };
      const copy = async () => {
        try {
          await navigator.clipboard.writeText(text.value); // not there on a page that is not secure
          say("copied");
        } catch {
          text.focus();
          text.select();
          say("press Ctrl+C to copy");
        }
      };
      const form = h("form", { class: "ix-control ix-state-form", onsubmit: (event) => { event.preventDefault(); typing = false; say(""); send("open", text.value); } },
        labelled("state", text));
      section.append(teaches, h("div", { class: "ix-controls" },
        labelled("preset", preset), reset, labelled("exercise: predict, then reveal", exercise),
        form, h("button", { type: "button", onclick: copy }, "Copy"), said));

      let drawn = null;
      let typing = false; // then neither play nor another view takes the words away
      const refresh = () => {
        const v = view();
        if (v.text !== drawn) { text.value = v.text; say(""); } // else what was typed stays, with the error below
        drawn = v.text;
      };
      return () => {
        const v = view();
        heading.textContent = v.title;
        teaches.textContent = v.teaches || "What this teaches is said after the guess.";
        preset.value = v.preset == null ? "" : String(v.preset);
        exercise.checked = v.exercise;
        if (!typing) refresh();
      };
    });
  },
};
