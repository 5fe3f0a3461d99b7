// The chooser: which images, which classifier, and how; then compute, watch, cancel.

const UPLOAD_LIMIT = 8e6; // Jupyter's server closes a connection that sends more than 10 MB at once

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, count, freshId } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const send = (kind, value, buffers) => model.send({ kind, value }, undefined, buffers);
    const text = (placeholder, attributes = {}) => h("input", { type: "text", placeholder, spellcheck: "false", autocomplete: "off", ...attributes });

    // A text field for a path, which is completed while it is typed.
    const lists = {};
    function pathField(field, placeholder) {
      lists[field] = h("datalist", { id: freshId() });
      const input = text(placeholder, { class: "ix-path", list: lists[field].id });
      input.addEventListener("input", () => send("complete", { field, value: input.value }));
      return input;
    }
    const selects = { source: "sources", step: "steps", variable: "variables", layout: "layouts", classifier: "classifiers", device: "devices", precision: "precisions" };
    const fields = Object.fromEntries(Object.keys(selects).map((field) => [field, h("select")]));
    const texts = {
      path: pathField("path", "folder, .zip, .tar, .npz, .npy or .safetensors"),
      network: pathField("network", "path of a .pt2 or TorchScript file"),
      images: text("", { class: "ix-number", inputmode: "numeric" }),
      range: text("inferred", { class: "ix-number", title: "the values of black and white, such as 0 255" }),
      batch: text("auto", { class: "ix-number", inputmode: "numeric", title: "images a batch" }),
    };
    Object.assign(fields, texts);
    for (const [field, control] of Object.entries(fields)) {
      control.addEventListener("change", () => {
        compute.disabled = true; // until the kernel has looked at it: what is ready belongs to the last choice
        send("choose", { field, value: control.value });
      });
    }
    for (const control of [fields.variable, fields.classifier]) control.addEventListener("focus", () => send("refresh"));

    const upload = h("input", { type: "file", multiple: true, accept: "image/*,.npz,.npy,.safetensors,.zip,.tar,.tgz,.gz,.bz2,.xz" });
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
      step: labelled("checkpoint", fields.step), path: labelled("path", texts.path), upload: labelled("files", upload),
      variable: labelled("variable", fields.variable), images: labelled("images", texts.images),
      range: labelled("black and white", texts.range), layout: labelled("axes", fields.layout),
    };
    const network = labelled("network file", texts.network);
    const running = watch(h, { number, count });
    const preview = h("p", { class: "ix-preview", "aria-live": "polite" });
    const compute = h("button", { type: "submit", class: "ix-main" }, "Compute");
    const cancel = h("button", { type: "button", onclick: () => send("cancel") }, "Cancel");
    const message = h("span", { class: "ix-unit", role: "status" });
    const error = h("p", { class: "ix-error", role: "alert" });
    const classified = h("div", { class: "ix-controls" }, labelled("classifier", fields.classifier), network);
    const how = h("div", { class: "ix-controls ix-quiet" },
      labelled("device", fields.device), labelled("precision", fields.precision), labelled("batch size", texts.batch));
    const form = h("form", { class: "ix-chooser-form", onsubmit: (event) => { event.preventDefault(); send("compute"); } },
      h("div", { class: "ix-controls" }, labelled("sample set", fields.source), ...Object.values(rows)),
      classified, how, ...Object.values(lists), preview,
      h("div", { class: "ix-controls" }, compute, cancel, ...running.controls, message),
      running.pictures, error);
    const summary = h("summary");
    const details = h("details", { class: "ix-chooser", open: !view().done }, summary, form);
    details.addEventListener("toggle", () => { if (details.open && !view().ready) send("open"); });
    const note = h("p", { class: "ix-note", role: "status" }); // it stays when the form closes
    el.append(details, note);

    let done = view().done;
    function showProgress() {
      const progress = view().running ? model.get("progress") : null;
      running.update(view().running, progress);
      message.textContent = progress?.unit === "bytes" ? "downloading the weights …" : view().message;
    }
    function update() {
      const v = view();
      summary.textContent = v.summary;
      if (v.done !== done) { done = v.done; details.open = !v.done; }
      for (const [field, options] of Object.entries(selects)) fillSelect(fields[field], v[options], v.chosen[field]);
      for (const [field, input] of Object.entries(texts)) if (document.activeElement !== input) input.value = v.chosen[field];
      for (const [field, list] of Object.entries(lists)) list.replaceChildren(...v.completions[field].map((value) => h("option", { value })));
      for (const [name, row] of Object.entries(rows)) row.hidden = !v.shown.includes(name);
      texts.images.placeholder = v.imagesHint;
      network.hidden = !v.shown.includes("network");
      classified.hidden = how.hidden = v.verb === "Show";
      preview.textContent = v.preview;
      preview.classList.toggle("ix-error", v.trouble);
      compute.disabled = !v.ready || v.running;
      compute.textContent = v.verb;
      cancel.hidden = !v.running;
      error.textContent = v.error;
      error.hidden = !v.error;
      note.textContent = v.note;
      note.hidden = !v.note;
      showProgress();
    }
    if (signal.aborted) return;
    model.on("change:view", update);
    model.on("change:progress", showProgress);
    signal.addEventListener("abort", () => { model.off("change:view", update); model.off("change:progress", showProgress); running.update(false, null); });
    update();
  },
};

/** How far a run is, and what it has seen. Five times a second: not for screen readers, which hear the message. */
function watch(h, { number, count }) {
  const bar = h("progress", { max: "1", "aria-label": "progress" });
  const rate = h("span", { class: "ix-unit" });
  const newest = h("img", { class: "ix-newest", alt: "the newest images" });
  const score = h("p", { class: "ix-provisional" });
  const pictures = h("div", { class: "ix-live" }, newest, score);
  const few = (value) => number(value, value < 10 ? 1 : 0);
  const megabytes = (value) => `${number(value / 1e6, 0)} MB`;
  const units = {
    images: (p) => [`${count(p.done)} of ${count(p.total)}`, p.rate && `${few(p.rate)} images/s`],
    bytes: (p) => [p.total ? `${number(p.done / 1e6, 0)} of ${megabytes(p.total)}` : megabytes(p.done), p.rate && `${few(p.rate / 1e6)} MB/s`],
  };
  function duration(seconds) {
    if (seconds < 100) return `${few(seconds)} s`;
    return seconds < 6000 ? `${number(seconds / 60, 0)} min` : `${number(seconds / 3600, 1)} h`;
  }
  function update(isRunning, p) {
    bar.hidden = rate.hidden = !isRunning;
    if (p?.total) bar.value = p.done / p.total; else bar.removeAttribute("value");
    rate.textContent = p ? [...units[p.unit](p), p.left != null && `${duration(p.left)} left`].filter(Boolean).join(" · ") : "";
    pictures.hidden = !p?.scored;
    URL.revokeObjectURL(newest.src);
    if (!p?.scored) { newest.removeAttribute("src"); score.textContent = ""; return; }
    newest.src = URL.createObjectURL(new Blob([p.newest], { type: "image/png" }));
    score.textContent = `provisional, so far: IS ${number(p.score)} of ${count(p.scored)} images (whole set as one split)`;
  }
  return { controls: [bar, rate], pictures, update };
}
