// Panel: the images as a canvas of thumbnails, the selection's score, and the primary image with its p(y|x).

const GAP = 4; // pixels between tiles
const SIDE = 144; // pixels of the primary image, drawn at half that for sharp screens

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, count, onTheme, panel, twin, freshId } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const send = (kind, value) => model.send({ kind, value });
    let sprite = null;
    const tile = 38;
    let columns = 1;

    panel({ model, el, signal }, "Images", (section, heading) => {
      const status = h("p", { class: "ix-selection", "aria-live": "polite" });
      const clear = h("button", { type: "button", onclick: () => { send("clear"); canvas.focus(); } }, "Clear");
      const invert = h("button", { type: "button", onclick: () => send("invert") }, "Invert");
      const order = h("select", { onchange: () => send("order", order.value) });
      const rest = h("input", { type: "checkbox", onchange: () => send("rest", rest.checked) });
      const hint = h("span", { class: "ix-unit", id: freshId() }, "click, or ← → to walk");
      const canvas = h("canvas", { class: "ix-gallery", tabindex: "0", role: "application", "aria-describedby": hint.id });
      const back = h("button", { type: "button", onclick: () => send("page", view().page - 1) }, "‹ page");
      const next = h("button", { type: "button", onclick: () => send("page", view().page + 1) }, "page ›");
      const where = h("span", { class: "ix-unit" });
      const primary = h("div", { class: "ix-primary" });
      const table = twin("The images of this page");
      section.append(status,
        h("div", { class: "ix-controls" }, clear, invert, labelled("sort by", order), labelled("others too, grayed", rest)),
        h("div", { class: "ix-gallery-row" }, h("div", { class: "ix-gallery-side" }, canvas, h("div", { class: "ix-controls" }, back, where, next, hint), table.element), primary));

      canvas.addEventListener("click", (event) => {
        const position = Math.floor(event.offsetY / (tile + GAP)) * columns + Math.floor(event.offsetX / (tile + GAP));
        if (position < view().items.length && Math.floor(event.offsetX / (tile + GAP)) < columns) send("primary", view().items[position].number);
        canvas.focus();
      });
      canvas.addEventListener("keydown", (event) => {
        const all = view().n;
        const step = { Home: -all, End: all, ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: view().pageSize, PageUp: -view().pageSize }[event.key];
        if (!step) return;
        event.preventDefault();
        send("walk", step);
      });

      function draw() {
        const v = view();
        const room = canvas.parentElement.clientWidth;
        if (!room || signal.aborted) return;
        drawn();
        columns = Math.max(1, Math.floor((room + GAP) / (tile + GAP)));
        const lines = Math.max(1, Math.ceil(v.items.length / columns));
        const ratio = window.devicePixelRatio || 1;
        const width = columns * (tile + GAP) - GAP;
        const height = lines * (tile + GAP);
        Object.assign(canvas, { width: width * ratio, height: height * ratio });
        Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
        const style = getComputedStyle(canvas);
        const pen = canvas.getContext("2d");
        pen.scale(ratio, ratio);
        const side = v.tile;
        pen.imageSmoothingEnabled = Math.max(side.width, side.height) > tile;
        v.items.forEach((item, i) => {
          const x = (i % columns) * (tile + GAP);
          const y = Math.floor(i / columns) * (tile + GAP);
          pen.globalAlpha = item.selected ? 1 : 0.25;
          const scale = tile / Math.max(side.width, side.height);
          const [w, hgt] = [side.width * scale, side.height * scale];
          if (sprite) {
            pen.drawImage(sprite, (i % side.columns) * side.width, Math.floor(i / side.columns) * side.height, side.width, side.height,
              x + (tile - w) / 2, y + (tile - hgt) / 2, w, hgt);
          } else {
            pen.fillStyle = style.getPropertyValue("--ix-line");
            pen.fillRect(x, y, tile, tile);
            pen.fillStyle = style.getPropertyValue("--ix-text");
            pen.font = `9px ${style.getPropertyValue("--ix-font")}`;
            pen.textAlign = "center";
            pen.fillText(item.class.slice(0, 12), x + tile / 2, y + tile / 2 + 3, tile);
          }
          pen.globalAlpha = 1;
          if (item.number === v.primary?.number) {
            pen.lineWidth = 3;
            pen.strokeStyle = style.getPropertyValue("--ix-focus");
            pen.strokeRect(x + 1.5, y + 1.5, tile - 3, tile - 3);
          }
        });
      }

      // A page's picture is decoded once, not at each step.
      let source = null;
      let decoding = Promise.resolve();
      function loadSprite() {
        const data = model.get("sprite");
        if (data !== source) {
          source = data;
          decoding = (data?.byteLength ? createImageBitmap(new Blob([data], { type: "image/png" })) : Promise.resolve(null))
            .then((bitmap) => { if (source === data) sprite = bitmap; });
        }
        return decoding;
      }

      function showPrimary() {
        const p = view().primary;
        if (!p) return primary.replaceChildren();
        const picture = h("canvas", { class: "ix-portrait", width: SIDE, height: SIDE, role: "img", "aria-label": p.name });
        if (sprite) {
          const found = view().items.findIndex((item) => item.number === p.number);
          const position = found < 0 ? view().items.length : found; // it comes last if it is on another page
          const { width, height, columns: across } = view().tile;
          const pen = picture.getContext("2d");
          pen.imageSmoothingEnabled = Math.max(width, height) > SIDE;
          const scale = SIDE / Math.max(width, height);
          pen.drawImage(sprite, (position % across) * width, Math.floor(position / across) * height, width, height,
            (SIDE - width * scale) / 2, (SIDE - height * scale) / 2, width * scale, height * scale);
        }
        const cell = (value, kind) => h("td", {}, h("span", { class: "ix-cell" },
          h("span", { class: "ix-cell-track" }, h("span", { class: `ix-bar-fill ix-${kind}`, style: `width:${100 * value}%` })), number(value, 3)));
        primary.replaceChildren(
          h("div", { class: "ix-primary-head" }, sprite ? picture : null,
            h("div", {}, h("strong", {}, p.name), h("div", {}, `looks like ${p.class}, ${number(100 * p.confidence, 1)} %`),
              h("div", {}, `H(y|x) ${number(p.entropy, 3)} nats`), h("div", {}, `KL ${number(p.kl, 3)} nats`),
              h("div", {}, `${number(100 * p.share, 3)} % of ln IS (an even share is ${number(100 * p.even, 3)} %)`))),
          h("table", { class: "ix-top" },
            h("thead", {}, h("tr", {}, ...["class", "p(y|x), this", "p(y), all"].map((name) => h("th", { scope: "col" }, name)))),
            h("tbody", {}, ...p.top.map(([name, mine, all]) => h("tr", {}, h("th", { scope: "row" }, name), cell(mine, "doubt"), cell(all, "variety"))))));
      }

      let latest = 0;
      async function update() {
        const mine = ++latest;
        await loadSprite();
        if (mine !== latest || signal.aborted) return; // names and pictures must be of the same moment
        const v = view();
        heading.textContent = v.selectedCount == null ? `Images: ${count(v.n)}, none selected` : `Images: selected ${count(v.selectedCount)} of ${count(v.n)}`;
        status.textContent = v.selectedCount == null
          ? "Click a bar, or drag over the histogram, to select images."
          : `${v.selectionLabel} · ` + (v.selectedCount ? `IS of the selection (${count(v.selectedCount)} ${v.selectedCount === 1 ? "image" : "images"}) ${number(v.selectionScore)}, IS of all ${number(v.overall)}` : "no image matches");
        clear.disabled = v.selectedCount == null;
        invert.disabled = v.selectedCount == null;
        fillSelect(order, v.orders, v.order);
        rest.checked = v.rest;
        rest.disabled = v.selectedCount == null;
        back.disabled = v.page === 0;
        next.disabled = v.page >= v.pages - 1;
        where.textContent = v.pages > 1 ? `page ${count(v.page + 1)} of ${count(v.pages)}` : "";
        const p = v.primary;
        canvas.setAttribute("aria-label", `Gallery of ${v.items.length} images. ` + (p ? `Current: ${p.name}, ${p.class} ${number(100 * p.confidence, 0)} percent.` : "Empty."));
        table.update(() => ({
          columns: ["image", "class", "H(y|x)", "KL", "selected"],
          rows: v.items.map((item) => [item.name, item.class, number(item.entropy, 3), number(item.kl, 3), item.selected ? "yes" : "no"]),
        }));
        draw();
        showPrimary();
      }
      const resized = new ResizeObserver(draw);
      resized.observe(canvas.parentElement);
      const drawn = onTheme(canvas, draw, signal);
      signal.addEventListener("abort", () => resized.disconnect());
      return () => update().catch((error) => { if (!signal.aborted) console.error(error); });
    });
  },
};
