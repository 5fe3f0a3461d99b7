// Panel: the images of one class, of A on the left and of B on the right; one of B can be looked at in the explorer.

const TILE = 38; // pixels

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, fillSelect, number, count, onTheme, panel, twin, freshId } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    const send = (kind, value) => model.send({ kind, value });

    /** A gallery: a list in which the arrow keys walk; `pick` is called with the number of an image that is chosen. */
    function gallery(letter, describedBy, pick) {
      const words = h("p", { class: "ix-pair-words", id: freshId() });
      const note = h("p", { class: "ix-note" });
      const list = h("div", { class: "ix-pair-list", role: "listbox", tabindex: "0", "aria-labelledby": words.id, "aria-describedby": describedBy });
      let active = 0;
      let bitmap = null;
      let source = null;
      let decoding = Promise.resolve();

      const mark = (i) => {
        active = Math.max(0, Math.min(i, list.children.length - 1));
        [...list.children].forEach((tile, j) => tile.classList.toggle("ix-active", j === active));
        if (list.children.length) list.setAttribute("aria-activedescendant", list.children[active].id);
        else list.removeAttribute("aria-activedescendant");
      };
      const choose = (i) => { mark(i); pick?.(Number(list.children[i].dataset.number)); };
      list.addEventListener("click", (event) => {
        const i = [...list.children].indexOf(event.target.closest("[role=option]"));
        if (i >= 0) choose(i);
      });
      list.addEventListener("keydown", (event) => {
        const all = list.children.length;
        const columns = [...list.children].filter((tile) => tile.offsetTop === list.children[0].offsetTop).length;
        const step = { Home: -all, End: all, ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
        if (step) mark(active + step);
        else if (["Enter", " "].includes(event.key) && all) choose(active);
        else return;
        event.preventDefault();
      });

      /** A canvas with one image of the picture that holds all; without pictures, how sure the network is. */
      function tile(item, place, v) {
        const ratio = window.devicePixelRatio || 1;
        const canvas = h("canvas", { width: TILE * ratio, height: TILE * ratio });
        const pen = canvas.getContext("2d");
        pen.globalAlpha = item.selected ? 1 : 0.25; // as in the explorer's gallery
        const { width, height, columns } = v.tile;
        if (bitmap) {
          const scale = (TILE * ratio) / Math.max(width, height);
          pen.imageSmoothingEnabled = scale < 1;
          pen.drawImage(bitmap, (place % columns) * width, Math.floor(place / columns) * height, width, height,
            (TILE * ratio - width * scale) / 2, (TILE * ratio - height * scale) / 2, width * scale, height * scale);
        } else {
          const style = getComputedStyle(list);
          pen.scale(ratio, ratio);
          pen.fillStyle = style.getPropertyValue("--ix-hover");
          pen.fillRect(0, 0, TILE, TILE);
          pen.fillStyle = style.getPropertyValue("--ix-text");
          pen.font = `11px ${style.getPropertyValue("--ix-font")}`;
          pen.textAlign = "center";
          pen.fillText(`${number(100 * item.confidence, 0)} %`, TILE / 2, TILE / 2 + 4, TILE);
        }
        const words = `${item.name}, ${number(100 * item.confidence, 1)} %${item.selected ? "" : ", not selected"}`;
        return h("div", { role: "option", id: freshId(), title: words, "aria-label": words, "data-number": item.number, "aria-selected": "false" }, canvas);
      }

      /** Decode the picture, if it is another one than before; who asks for the same one again waits for it, too. */
      function load(data) {
        if (data !== source) {
          source = data;
          decoding = (data?.byteLength ? createImageBitmap(new Blob([data], { type: "image/png" })) : Promise.resolve(null))
            .then((decoded) => { if (source === data) bitmap = decoded; });
        }
        return decoding;
      }

      function show(v) {
        words.replaceChildren(h("strong", {}, `${letter}: ${v.set}`), v.waiting ? "" : ` · ${count(v.count)} of ${count(v.n)} images (${number((100 * v.count) / v.n, 1)} %)${v.selected == null ? "" : `, ${count(v.selected)} of them selected`}`);
        const items = v.waiting ? [] : v.items;
        list.replaceChildren(...items.map((item, i) => tile(item, i, v)));
        list.hidden = !items.length;
        mark(0);
        if (v.waiting) note.textContent = v.waiting;
        else if (!v.count) note.textContent = "The network takes no image of this set for this class.";
        else if (!items.length) note.textContent = "No more images on this page.";
        else note.textContent = v.pictures ? "" : "This set was kept without thumbnails: instead, how sure the network is of each image.";
        note.hidden = !note.textContent;
      }

      const select = (image) => [...list.children].forEach((one) => one.setAttribute("aria-selected", String(Number(one.dataset.number) === image)));
      return { element: h("div", { class: "ix-pair-side", role: "group", "aria-label": letter }, words, list, note), list, load, show, select };
    }

    panel({ model, el, signal }, "Images of a class, A beside B", (section, heading) => {
      const turn = (by) => send("class", (view().class + by + view().names.length) % view().names.length);
      const chosen = h("select", { onchange: () => send("class", Number(chosen.value)) });
      const order = h("select", { onchange: () => send("order", order.value) });
      const back = h("button", { type: "button", onclick: () => send("page", view().page - 1) }, "‹ page");
      const next = h("button", { type: "button", onclick: () => send("page", view().page + 1) }, "page ›");
      const where = h("span", { class: "ix-unit" });
      const pager = h("span", { class: "ix-control" }, back, where, next);
      const hint = h("p", { class: "ix-note", id: freshId() }, "Click an image of B, or walk with the arrow keys and press Enter, to look at it in the explorer below.");
      const walk = h("span", { hidden: true, id: freshId() }, "The arrow keys walk.");
      const sides = [gallery("A", walk.id), gallery("B", hint.id, (image) => model.send({ kind: "primary", value: image, set: view().sides[1].set }))];
      const table = twin("The images of this page");
      section.append(
        h("div", { class: "ix-controls" },
          h("button", { type: "button", onclick: () => turn(-1) }, "‹ class"), labelled("class", chosen),
          h("button", { type: "button", onclick: () => turn(1) }, "class ›"), labelled("sort by", order), pager),
        h("div", { class: "ix-pair" }, ...sides.map((side) => side.element)), walk, hint, table.element);

      const showPrimary = () => sides[1].select(model.get("primary"));
      model.on("change:primary", showPrimary);
      signal.addEventListener("abort", () => model.off("change:primary", showPrimary));

      function draw() {
        const v = view();
        sides.forEach((side, i) => {
          side.element.hidden = !v.sides[i];
          if (v.sides[i]) side.show(v.sides[i]);
        });
        drawn();
        showPrimary();
      }
      const drawn = onTheme(section, draw, signal);

      let latest = 0;
      async function update() {
        const mine = ++latest;
        await Promise.all([sides[0].load(model.get("sprite_a")), sides[1].load(model.get("sprite_b"))]);
        if (mine !== latest || signal.aborted) return; // names and pictures must be of the same moment
        const v = view();
        heading.textContent = v.sides[0] ? `Images that look most like ${v.name}: A beside B` : `Images that look most like ${v.name}`;
        fillSelect(chosen, v.names.map((name, i) => [String(i), name]), String(v.class));
        fillSelect(order, v.orders, v.order);
        pager.style.visibility = v.pages < 2 ? "hidden" : ""; // it keeps its room: else what follows would jump
        back.disabled = v.page === 0;
        next.disabled = v.page === v.pages - 1;
        where.textContent = `page ${count(v.page + 1)} of ${count(v.pages)}`;
        table.update(() => ({
          columns: ["set", "image", `p(${v.name}|x)`, "selected"],
          rows: v.sides.flatMap((side) => (side?.items ?? []).map((item) => [side.set, item.name, number(item.confidence, 3), side.selected == null ? "–" : item.selected ? "yes" : "no"])),
        }));
        draw();
      }
      return () => update().catch((error) => { if (!signal.aborted) console.error(error); });
    });
  },
};
