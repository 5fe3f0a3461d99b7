// Panel: the score as a formula. Its terms light their panels, its numbers can be dragged; or it is guessed first.

const FULL = 300; // pixels of a drag from one end of a range to the other
const KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
const LABELS = { variety: "variety, H(y)", doubt: "doubt, mean H(y|x)", score: "Inception Score" };

/** A number in a text that is dragged sideways or moved with the arrow keys; `ask` gets where it should go. */
function draggable(h, ask) {
  let it = null; // { value, low, high, step, logarithmic, label }, or null while it is only text
  let wanted = 0; // what was asked for last: the answer may be coarser, or still under way
  let way = 0;
  let grip = null;
  const place = (value) => it.logarithmic ? Math.log(value / it.low) / Math.log(it.high / it.low) : (value - it.low) / (it.high - it.low);
  // The range of a drag is the one that it began in: the curve may come meanwhile, and with it another.
  const valueAt = (part, { logarithmic, low, high } = it) => logarithmic ? low * (high / low) ** part : low + part * (high - low);
  const move = (value) => { wanted = Math.min(Math.max(value, it.low), it.high); ask(wanted); };
  const letGo = () => { grip = null; way = 0; };

  function press(event) {
    const steps = KEYS[event.key];
    if (!it || !(steps || event.key === "Home" || event.key === "End")) return;
    event.preventDefault();
    if (!steps) { way = 0; move(event.key === "Home" ? it.low : it.high); return; }
    if (Math.sign(steps) !== way) wanted = it.value;
    way = Math.sign(steps);
    const next = wanted + steps * it.step;
    // Far up a logarithmic range one step is too little to be seen.
    const further = it.logarithmic ? valueAt(place(wanted) + steps / 100) : next;
    move(way > 0 ? Math.max(next, further) : Math.min(next, further));
  }

  const element = h("span", {
    onkeydown: press, onblur: letGo, onpointerup: letGo, onpointercancel: letGo,
    onpointerdown: (event) => {
      if (!it || event.button) return;
      event.preventDefault(); // no text is selected
      element.focus({ preventScroll: true });
      element.setPointerCapture(event.pointerId);
      grip = { x: event.clientX, from: place(it.value), range: it };
    },
    onpointermove: (event) => { if (it && grip) move(valueAt(grip.from + (event.clientX - grip.x) / FULL, grip.range)); },
  });

  /** Show a text; with a range it can be moved in, it is a slider. */
  function set(text, title, next = null) {
    it = next;
    element.textContent = text;
    element.title = title;
    element.className = it ? "ix-tangle" : "ix-plain";
    const attributes = it ? { role: "slider", tabindex: "0", "aria-label": it.label, "aria-valuemin": it.low, "aria-valuemax": it.high, "aria-valuenow": it.value, "aria-valuetext": text } : {};
    for (const name of ["role", "tabindex", "aria-label", "aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext"]) {
      if (name in attributes) element.setAttribute(name, attributes[name]);
      else element.removeAttribute(name);
    }
    if (!it) letGo();
  }
  return { element, set };
}

/** Hand a text to the browser as a file; nothing leaves the page. */
function download(h, name, text) {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" })); // the mark tells spreadsheets that it is UTF-8
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export default {
  async render({ model, el, host, signal }) {
    const { h, labelled, number, panel, freshId } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");
    // A trait, not a message: the widget manager sends only the latest while the kernel is busy. The time makes each new.
    const ask = (what) => (value) => { model.set("dragged", { ...what, value, at: performance.timeOrigin + performance.now() }); model.save_changes(); };

    panel({ model, el, signal }, "The score as a formula", (section) => {
      // Line 1: terms that light the panel which shows them.
      const term = (name, text, title) => h("span", { class: `ix-term ix-term-${name}`, "data-term": name, tabindex: "0", title }, text);
      const scope = h("span", { class: "ix-unit" }); // in splits, this line is not of the score above
      const symbols = h("span", { class: "ix-symbols" }, scope,
        term("score", "IS", "the score: the curve"), " = exp( ",
        term("kl", "E KL", "how far the rows are from their mean, in the mean over the images: all three panels"), "( ",
        term("rows", "p(y|x)", "a row for each image: the matrix"), " ‖ ",
        term("variety", "p(y)", "the mean row: the shares of the classes"), " ) )");

      // Line 2: the same as variety less doubt, in numbers.
      const numbers = Object.fromEntries(["variety", "doubt", "score"].map((name) => [name, draggable(h, ask({ term: name }))]));
      const overall = draggable(h, ask({ term: "score" }));
      const split = (name, text) => h("span", { class: `ix-term ix-term-${name}`, "data-term": name }, text, " ", numbers[name].element);
      const entropies = h("span", { class: "ix-entropies" },
        " = exp( ", split("variety", "H(y)"), " − ", split("doubt", "mean H(y|x)"), " ) = ", overall.element);
      const spread = h("span", {});
      const line = h("p", { class: "ix-score" }, h("strong", {}, "IS ", numbers.score.element), spread);

      // Line 3: the exact answer, of the scenario's own parameters.
      const exact = h("p", { class: "ix-exact" });
      const answer = h("strong", {});
      const kind = h("span", { class: "ix-unit" });
      const written = h("span", { class: "ix-written" });
      exact.append(h("span", { class: "ix-unit" }, "by the formula: "), answer, kind, written);
      let own = []; // a parameter may come twice
      let built = "";

      const bars = ["variety", "doubt"].map((name) => {
        const fill = h("span", { class: `ix-bar-fill ix-${name}` });
        const value = h("span", { class: "ix-bar-value" });
        const note = h("span", { class: "ix-bar-note" });
        const element = h("div", { class: "ix-bar", "data-term": name },
          h("span", { class: "ix-bar-name" }, name === "variety" ? "Variety" : "Doubt"), h("span", { class: "ix-bar-track" }, fill), value, note);
        return { name, element, fill, value, note };
      });
      const barBox = h("div", { class: "ix-bars" }, ...bars.map((bar) => bar.element));
      const why = h("p", {});
      const details = h("p", {});
      const whyBox = h("details", { class: "ix-note" }, h("summary", {}, "why"), why, details);

      // Predict, then reveal.
      const guess = h("input", { type: "number", min: "1", step: "any", required: true, class: "ix-number" });
      const learner = h("input", { type: "text", maxlength: model.get("longest"), autocomplete: "off", class: "ix-learner" });
      const form = h("form", {
        class: "ix-controls ix-guess",
        onsubmit: (event) => { event.preventDefault(); model.send({ kind: "guess", value: guess.valueAsNumber, learner: learner.value }); },
      }, h("strong", {}, "Predict, then reveal:"), labelled("what will the score be?", guess), labelled("your name, if you like", learner),
      h("button", { type: "submit", class: "ix-main" }, "Reveal"));
      const outcome = h("p", { class: "ix-outcome", role: "status", tabindex: "-1" });

      const tally = h("span", { class: "ix-unit", role: "status", title: "close: within 10 % of the score" });
      const saved = freshId();
      const answers = h("div", { class: "ix-controls" }, tally,
        h("button", { type: "button", onclick: () => model.send({ kind: "save", request: saved }) }, "Save the answers (CSV)"));
      const showLearner = () => { if (document.activeElement !== learner) learner.value = model.get("learner"); };
      const showTally = () => { tally.textContent = model.get("tally"); answers.hidden = !model.get("tally"); };
      const receive = (message) => { if (message.kind === "csv" && message.request === saved) download(h, "isexplore-answers.csv", message.text); };
      model.on("change:tally", showTally);
      model.on("change:learner", showLearner);
      model.on("msg:custom", receive);
      signal.addEventListener("abort", () => { model.off("change:tally", showTally); model.off("change:learner", showLearner); model.off("msg:custom", receive); });
      showTally();
      showLearner();

      section.append(
        h("div", { class: "ix-formula-row" },
          h("div", { class: "ix-formula-lines" }, line, h("p", { class: "ix-formula" }, symbols, entropies), exact, form, outcome, whyBox),
          h("div", { class: "ix-formula-side" }, barBox, answers)));

      function setTerm(name, shown, digits, title) {
        const term = view().terms?.[name]; // not there while it is hidden
        const text = term ? number(name === "score" ? view()[shown === overall ? "overall" : "mean"] : term.value, digits) : "?";
        const range = term && !title && term.range;
        shown.set(text, term ? title || term.title : "hidden until you have guessed", range && { ...range, value: term.value, label: LABELS[name] });
      }
      function setExact(parts) {
        const structure = JSON.stringify(parts.map((part) => part.name ?? [part]));
        if (structure !== built) { // else a number that is being dragged stays the same element
          built = structure;
          own = parts.map((part) => (part.name ? draggable(h, ask({ parameter: part.name })) : null));
          written.replaceChildren("= ", ...parts.map((part, i) => own[i]?.element ?? part));
        }
        parts.forEach((part, i) => own[i]?.set(part.text, `${part.title}: drag it, or use the arrow keys`, { ...part, label: `${part.title}, in the formula` }));
      }

      return () => {
        const v = view();
        const whole = v.splits === 1;
        setTerm("variety", numbers.variety, 3);
        setTerm("doubt", numbers.doubt, 3);
        // The score that is dragged is the mean over the splits: with one split, the number at the formula's end.
        setTerm("score", numbers.score, 2, whole ? "drag the number at the end of the formula" : "");
        setTerm("score", overall, 2, whole ? "" : "the whole set as one split; drag the mean over the splits, above");
        spread.textContent = v.hidden || whole ? ` ${v.over}` : ` ± ${number(v.std)} ${v.over} · whole set ${number(v.overall)}`;
        scope.textContent = whole ? "" : "whole set: ";
        const hadFocus = form.contains(document.activeElement);
        form.hidden = !v.hidden;
        for (const element of [exact, barBox]) element.hidden = v.hidden;
        whyBox.hidden = v.hidden || (v.exercise && !v.details);
        why.hidden = v.exercise; // it stands above then
        outcome.hidden = !v.verdict;
        outcome.replaceChildren(...(v.verdict ? [h("strong", {}, v.verdict), ` ${v.reason} `, h("em", {}, "Next: change something and guess again.")] : []));
        if (v.hidden) return;
        if (hadFocus) outcome.focus();
        guess.value = "";
        setExact(v.formula);
        answer.textContent = v.answer;
        kind.textContent = [` (${v.kind})`, v.computed].filter(Boolean).join(" · ");
        why.textContent = v.reason;
        details.textContent = v.details;
        for (const { name, fill, value, note } of bars) {
          fill.style.width = `${Math.min(100, (100 * v.terms[name].value) / v.most)}%`;
          value.textContent = number(v.terms[name].value, 3);
          note.textContent = name === "variety" ? `nats, H(y); at most ${number(v.most, 3)}` : "nats, mean H(y|x); at least 0";
        }
      };
    });
  },
};
