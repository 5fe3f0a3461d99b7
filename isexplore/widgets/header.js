// The head: the score in one line, ln IS as variety less doubt in two bars, and what may bias the score.

export default {
  async render({ model, el, host, signal }) {
    const { h, number, panel } = (await host.getWidget(model.get("runtime"))).exports;
    const view = () => model.get("view");

    panel({ model, el, signal }, "Inception Score", (section) => {
      const line = h("p", { class: "ix-score", "aria-live": "polite" });
      const seen = h("p", { class: "ix-seen" });
      const formula = h("p", { class: "ix-formula" });
      const bars = h("div", { class: "ix-bars" });
      const warnings = h("ul", { class: "ix-warnings", "aria-label": "Warnings" });
      const alarm = h("li", { class: "ix-findings-alarm" });
      section.append(line, seen, formula, bars, warnings);

      // The findings come later than the score, and lie elsewhere: a line here says that there are any.
      const goThere = () => {
        let root = el.closest(".isexplore"); // among several sets they are a part of what is around the explorer
        let findings = null;
        for (; root && !findings; root = root.parentElement.closest(".isexplore")) findings = root.querySelector(".ix-area-findings:not([hidden])");
        findings?.scrollIntoView({ block: "nearest" });
        findings?.querySelector("button.ix-finding")?.focus({ preventScroll: true });
      };
      const showAlarm = () => {
        alarm.hidden = !model.get("alarm");
        alarm.replaceChildren(`✖ ${model.get("alarm")} `, h("button", { type: "button", onclick: goThere }, "see Findings"));
      };
      model.on("change:alarm", showAlarm);
      signal.addEventListener("abort", () => model.off("change:alarm", showAlarm));
      showAlarm();

      const bar = (kind, title, value, most, explanation) =>
        h("div", { class: "ix-bar", "data-term": kind },
          h("span", { class: "ix-bar-name" }, title),
          h("span", { class: "ix-bar-track" }, h("span", { class: `ix-bar-fill ix-${kind}`, style: `width:${Math.min(100, (100 * value) / most)}%` })),
          h("span", { class: "ix-bar-value" }, number(value, 3)),
          h("span", { class: "ix-bar-note" }, explanation));

      return () => {
        const v = view();
        const [, first, rest] = /^(IS [\d.]+)(.*)$/.exec(v.line);
        line.replaceChildren(h("strong", {}, first), rest);
        line.title = "± is the standard deviation across splits; the range in brackets is a 95 % confidence interval for the corrected score of the whole set; last comes the classifier.";
        seen.textContent = v.seen;
        seen.hidden = !v.seen;
        formula.replaceChildren(
          `whole set: ln ${number(v.overall)} = ${number(v.logScore, 3)} = `,
          h("span", { class: "ix-term ix-term-variety", "data-term": "variety", tabindex: "0", title: "lights the panel of variety" }, `H(y) ${number(v.variety, 3)}`), " − ",
          h("span", { class: "ix-term ix-term-doubt", "data-term": "doubt", tabindex: "0", title: "lights the panel of doubt" }, `mean H(y|x) ${number(v.doubt, 3)}`));
        bars.replaceChildren(
          bar("variety", "Variety", v.variety, v.most, `nats, H(y): how evenly the classes are used; at most ${number(v.most, 3)}`),
          bar("doubt", "Doubt", v.doubt, v.most, "nats of confidence lost, mean H(y|x): how unsure the network is about an image; at least 0"));
        warnings.replaceChildren(alarm, ...v.warnings.map((text) => h("li", {}, `⚠ ${text}`)));
      };
    }, { first: true });
  },
};
