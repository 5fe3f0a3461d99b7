// The page of a report: two sliders, the score in words, the findings and the images, which follow them.

/** The score in one line, and ln IS as variety less doubt in two bars. */
function score(section) {
  const line = h("p", { class: "ix-score", "aria-live": "polite" });
  const formula = h("p", { class: "ix-formula" });
  const bars = h("div", { class: "ix-bars" });
  const warnings = h("ul", { class: "ix-warnings", "aria-label": "Warnings" });
  section.append(line, formula, bars, warnings);
  const most = Math.log(data.classes.length);
  const bar = (kind, title, value, words) => h("div", { class: "ix-bar" },
    h("span", { class: "ix-bar-name" }, title),
    h("span", { class: "ix-bar-track" }, h("span", { class: `ix-bar-fill ix-${kind}`, style: `width:${Math.min(100, (100 * value) / most)}%` })),
    h("span", { class: "ix-bar-value" }, number(value, 3)), h("span", { class: "ix-bar-note" }, words));
  return { update() {
    const set = current();
    const { mean, std, splits } = scoreAt(set);
    const [small, large] = [Math.floor(set.n / splits), Math.ceil(set.n / splits)];
    const whole = `${splits === 1 ? "" : `whole set ${number(set.overall)} · `}corrected ${number(set.corrected)} (95 % ${number(set.low)}–${number(set.high)})${set.aside}`;
    line.replaceChildren(h("strong", {}, splits === 1 ? `IS ${number(mean)}` : `IS ${number(mean)} ± ${number(std)}`),
      ` over ${splits} ${splits === 1 ? "split" : "splits"} of ${small === large ? count(small) : `${count(small)}–${count(large)}`} · ${whole}${set.classifier ? ` · ${set.classifier}` : ""}`);
    formula.textContent = `whole set: ln ${number(set.overall)} = ${number(Math.log(set.overall), 3)} = H(y) ${number(set.variety, 3)} − mean H(y|x) ${number(set.doubt, 3)}`;
    bars.replaceChildren(
      bar("variety", "Variety", set.variety, `nats, H(y): as even as ${number(set.effective, 1)} of ${count(data.classes.length)} classes used equally`),
      bar("doubt", "Doubt", set.doubt, "nats, mean H(y|x): how unsure the network is about an image"));
    warnings.replaceChildren(...set.warnings.map((text) => h("li", {}, `⚠ ${splits === data.splits ? "" : `over ${data.splits} splits: `}${text}`)));
  } };
}

/** The reference's images of the classes that a check speaks of: what a missing class should look like. */
const expectedOf = (check) => (data.reference?.tiles ?? []).map((_, i) => i).filter((i) => check.classes.includes(data.reference.tiles[i].class)).slice(0, MOST_EXPECTED);
const hasImages = (check) => check.tiles.length > 0 || expectedOf(check).length > 0;

/** What the checks found in the current set, worst first; what they did not find is folded away. */
function findings(section) {
  const list = h("ul", { class: "ix-found", "aria-live": "polite" });
  const quiet = h("ul", { class: "ix-found" });
  const words = h("summary");
  const rest = h("details", {}, words, quiet);
  const notes = h("div", { class: "ix-note" });
  section.append(list, rest, notes);
  const item = (check) => h("li", { class: `ix-found-${check.severity}` },
    h("span", { class: "ix-badge" }, `${check.outcome === "stated" ? "" : MARKS[check.severity]} ${check.outcome === "fired" ? check.severity : check.outcome}`), " ",
    h("strong", {}, check.title), ` ${check.sentence} ${check.since && `(${check.since}) `}`,
    hasImages(check) ? h("button", { type: "button", onclick: () => show(check.key) }, check.tiles.length ? `show images (${check.tiles.length} of ${count(check.images)})` : "show the reference's images") : null,
    h("div", { class: "ix-note" }, [check.p == null ? "" : `p ${check.p < 0.0001 ? "< 0.0001" : number(check.p, 4)}`, check.level == null ? "" : `level ${check.level}`, check.source].filter(Boolean).join(" · ")));
  return { update() {
    const set = current();
    const bad = set.checks.filter((check) => check.outcome === "fired");
    const fine = set.checks.filter((check) => check.outcome !== "fired" && !set.notes.includes(check.sentence));
    list.replaceChildren(...(bad.length ? bad.map(item) : [h("li", {}, `${MARKS.fine} Nothing is wrong that these checks can see.`)]));
    words.textContent = set.quiet;
    notes.replaceChildren(...set.notes.map((note) => h("p", {}, note)));
    quiet.replaceChildren(...fine.map(item));
    rest.hidden = !fine.length;
  } };
}

/** Images of the current set: a few of each class in a row each, or those of a finding; the reference's to compare. */
function images(section) {
  const choice = h("select", { onchange: () => show(choice.value) });
  const body = h("div", { class: "ix-images" });
  const table = twin("The images shown");
  section.append(h("div", { class: "ix-controls" }, labelled("show", choice)), body, table.element);
  const about = (set, tile) => `${tile.name}, looks like ${data.classes[tile.class]}, H(y|x) ${number(tile.doubt, 3)} nats`;
  function picture(set, position) {
    const { uri, width, height, columns } = set.picture;
    const scale = TILE / Math.max(width, height);
    const tile = h("span", { class: "ix-tile", role: "img", title: about(set, set.tiles[position]), "aria-label": about(set, set.tiles[position]) });
    Object.assign(tile.style, {
      width: `${width * scale}px`, height: `${height * scale}px`, backgroundImage: `url("${uri}")`, backgroundSize: `${columns * width * scale}px auto`,
      backgroundPosition: `${-(position % columns) * width * scale}px ${-Math.floor(position / columns) * height * scale}px`, imageRendering: scale > 1 ? "pixelated" : "auto",
    });
    return tile;
  }
  const line = (set, some, label) => h("div", { class: "ix-line" }, label && h("span", { class: "ix-line-name" }, label), h("span", { class: "ix-tiles" }, ...(set.picture ? some.map((i) => picture(set, i)) : [])));
  function rows(set, positions, check) {
    const expected = check ? expectedOf(check) : [];
    if (expected.length) return [line(set, positions, "this set"), line(data.reference, expected, "the reference, same classes")];
    if (check || data.classes.length > MOST_LINES) return [line(set, positions)];
    return data.classes.map((name, c) => line(set, positions.filter((i) => set.tiles[i].class === c), `${name} · ${count(set.counts[c])} of ${count(set.n)}`));
  }
  return { update() {
    const found = current().checks.filter(hasImages);
    const options = [["", "a few of each class"], ...found.map((check) => [check.key, `${check.title} (${check.severity})`]), ...(data.reference ? [[REFERENCE, "the reference, a few of each class"]] : [])];
    if (!options.some(([key]) => key === page.shown)) page.shown = ""; // this set has no such finding
    fillSelect(choice, options, page.shown);
    const set = page.shown === REFERENCE ? data.reference : current();
    const check = found.find(({ key }) => key === page.shown);
    const positions = check?.tiles ?? set.tiles.slice(0, set.few).map((_, i) => i);
    body.replaceChildren(...(set.picture ? [] : [h("p", { class: "ix-note" }, "These predictions hold no thumbnails; the table has the images' names.")]), ...rows(set, positions, check));
    table.update(() => ({ columns: ["image", "looks like", "H(y|x)"], rows: positions.map((i) => [set.tiles[i].name, data.classes[set.tiles[i].class], number(set.tiles[i].doubt, 3)]) }));
  } };
}

const view = document.getElementById("view");
const grid = h("div", { class: "ix-grid" });
function section(area, title, build) {
  const id = freshId();
  const place = h("section", { class: "ix-panel", "aria-labelledby": id }, h("h3", { id }, title));
  grid.append(h("div", { class: `ix-area-${area}` }, place));
  return build(place);
}

const setSlider = h("input", { type: "range", min: 0, max: data.sets.length - 1, step: 1, value: page.set, oninput: () => goTo(setSlider.valueAsNumber) });
const setName = h("span", { class: "ix-readout" });
const splitSlider = h("input", { type: "range", min: 1, max: Math.max(...data.sets.map((set) => set.mean.length)), step: 1, value: page.splits, oninput: () => { page.splits = splitSlider.valueAsNumber; followSplits(); } });
const splitCount = h("span", { class: "ix-readout" });
const setControl = h("span", { class: "ix-control ix-checkpoint", hidden: !several }, labelled("checkpoint", setSlider), setName);
view.append(h("div", { class: "ix-controls ix-sliders" }, setControl, h("span", { class: "ix-control" }, labelled("splits", splitSlider), splitCount)), grid);

const ofSplits = [section("score", "Score", score)];
if (several) ofSplits.push(section("timeline", "Over the sets: score, variety and doubt", timeline));
const ofSets = several ? [section("heat", "Over the sets: the classes", heatMap)] : [];
ofSets.push(section("findings", "Findings", findings));
ofSplits.push(section("curve", "Protocol: score against the number of splits", curve));
ofSets.push(section("marginal", "Classes: p(y) against the reference", marginal), section("images", "Images", images));

function followSplits() {
  splitCount.textContent = String(scoreAt(current()).splits);
  for (const part of ofSplits) part.update();
}
function followSet() {
  setSlider.value = page.set;
  setSlider.setAttribute("aria-valuetext", current().name);
  setName.textContent = current().name;
  followSplits();
  for (const part of ofSets) part.update();
}
function goTo(set) { page.set = set; followSet(); }
function show(key) { page.shown = key; ofSets.at(-1).update(); grid.lastElementChild.scrollIntoView({ block: "nearest" }); }

// The style sheet, and what the plots are told, go by the theme as JupyterLab names it.
const dark = matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => { document.body.dataset.jpThemeLight = String(!dark.matches); };
dark.addEventListener("change", followTheme);
followTheme();
followSet();
