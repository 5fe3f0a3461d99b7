// The chooser: which images, which classifier, which device; then compute, watch, cancel.

const UPLOAD_LIMIT = 8e6; // Jupyter's server closes a connection that sends more than 10 MB at once

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, count, freshId } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const send = (kind, value, buffers) => model.send({ kind, value }, undefined, buffers);
    const choose = (field, control) => control.addEventListener("change", () => send("choose", { field, value: control.value }));

    const source = h("select");
    const step = h("select");
    const variable = h("select");
    const completions = h("datalist", { id: freshId() });
    const path = h("input", { type: "text", class: "ix-path", list: completions.id, placeholder: "folder, .npz, .npy or saved .safetensors", spellcheck: "false", autocomplete: "off" });
    const upload = h("input", { type: "file", multiple: true, accept: "image/*,.npz,.npy,.safetensors" });
    const range = h("input", { type: "text", class: "ix-number", placeholder: "inferred", title: "the values of black and white, such as 0 255" });
    const layout = h("select");
    const classifier = h("select");
    const device = h("select");
    for (const [field, control] of Object.entries({ source, step, variable, path, range, layout, classifier, device })) choose(field, control);
    path.addEventListener("input", () => send("complete", path.value));
    variable.addEventListener("focus", () => send("refresh"));
    classifier.addEventListener("focus", () => send("refresh"));
    upload.addEventListener("change", async () => {
      const files = [...upload.files];
      const size = files.reduce((sum, file) => sum + file.size, 0);
      if (!files.length) return;
      if (size > UPLOAD_LIMIT) return send("too-large", size);
      const contents = await Promise.all(files.map((file) => file.arrayBuffer()));
      upload.value = ""; // the same file, mended, can be chosen again
      send("upload", files.map((file) => file.name), contents);
    });

    const rows = {
      step: labelled("checkpoint", step), path: labelled("path", path), upload: labelled("files", upload), variable: labelled("variable", variable),
      range: labelled("black and white", range), layout: labelled("axes", layout),
    };
    const preview = h("p", { class: "ix-preview", "aria-live": "polite" });
    const compute = h("button", { type: "submit", class: "ix-main" }, "Compute");
    const cancel = h("button", { type: "button", onclick: () => send("cancel") }, "Cancel");
    const bar = h("progress", { max: "1", "aria-label": "images classified" });
    const rate = h("span", { class: "ix-unit" });
    const message = h("span", { class: "ix-unit", role: "status" });
    const error = h("p", { class: "ix-error", role: "alert" });
    const form = h("form", { class: "ix-chooser-form", onsubmit: (event) => { event.preventDefault(); send("compute"); } },
      h("div", { class: "ix-controls" }, labelled("sample set", source), ...Object.values(rows), completions),
      preview,
      h("div", { class: "ix-controls" }, labelled("classifier", classifier), labelled("device", device), compute, cancel, bar, rate, message),
      error);
    const summary = h("summary");
    const details = h("details", { class: "ix-chooser", open: !view().done }, summary, form);
    details.addEventListener("toggle", () => { if (details.open && !view().ready) send("open"); });
    el.append(details);

    // Ten times a second while it runs: not for screen readers, which hear the message at the start and at the end.
    function showProgress() {
      const p = view().running ? model.get("progress") : null;
      if (p?.total) bar.value = p.done / p.total; else bar.removeAttribute("value");
      rate.hidden = !p?.rate;
      if (p?.rate) rate.textContent = `${count(p.done)} of ${count(p.total)} · ${number(p.rate, p.rate < 10 ? 1 : 0)} images/s · ${number(p.left, p.left < 10 ? 1 : 0)} s left`;
    }
    let done = view().done;
    function update() {
      const v = view();
      summary.textContent = v.summary;
      if (v.done !== done) { done = v.done; details.open = !v.done; }
      fillSelect(source, v.sources, v.chosen.source);
      fillSelect(step, v.steps, v.chosen.step);
      fillSelect(variable, v.variables, v.chosen.variable);
      fillSelect(layout, v.layouts, v.chosen.layout);
      fillSelect(classifier, v.classifiers, v.chosen.classifier);
      fillSelect(device, v.devices, v.chosen.device);
      for (const [field, input] of [["path", path], ["range", range]]) if (document.activeElement !== input) input.value = v.chosen[field];
      completions.replaceChildren(...v.completions.map((value) => h("option", { value })));
      for (const [name, row] of Object.entries(rows)) row.hidden = !v.shown.includes(name);
      preview.textContent = v.preview;
      preview.classList.toggle("ix-error", v.trouble);
      compute.disabled = !v.ready || v.running;
      compute.textContent = v.verb;
      cancel.hidden = bar.hidden = !v.running;
      message.textContent = v.message;
      showProgress();
      error.textContent = v.error;
      error.hidden = !v.error;
    }
    if (signal.aborted) return;
    model.on("change:view", update);
    model.on("change:progress", showProgress);
    signal.addEventListener("abort", () => { model.off("change:view", update); model.off("change:progress", showProgress); });
    update();
  },
};
